"""What a scrape target that runs answered, and whether queries find in it what they ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.metrics import EXPORTED, names_in
from tests.waiting import last_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Samples = dict[str, list[dict[str, str]]]
"""What a scrape target answers: the labels of each sample, by metric."""


def samples(text: str) -> Samples:
    """Return what stands in the answer of a scrape target, in the format that Prometheus reads."""
    # Without their types: the library adds "_total" to the name of a counter that does not end in it.
    untyped = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# TYPE "))
    found: Samples = {}
    for family in text_string_to_metric_families(untyped):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def soon(ask: Callable[[], Samples], names: Collection[str], *, seconds: float = 30) -> Samples:
    """Ask a target until it tells these metrics, or for so long, and return its last answer."""
    return last_seen(ask, lambda there: set(names) <= there.keys(), seconds=seconds)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a query asks of a label.

    Attributes:
        label: The label's name.
        operator: How it is compared, as PromQL writes it.
        value: What it is compared with.
    """

    label: str
    operator: str
    value: str

    def holds(self, labels: dict[str, str]) -> bool:
        """Return whether a sample has the label and what is asked of it is so."""
        if self.label not in labels:
            return False
        same = labels[self.label] == self.value
        if "~" in self.operator:
            same = re.fullmatch(self.value, labels[self.label]) is not None
        return same != self.operator.startswith("!")


_SELECTION = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
_CONDITION = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"')
_NAMED_LABELS = re.compile(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)")


def unanswered(
    queries: Iterable[str], exporter: str, there: Samples, *, ours: Collection[str] = ()
) -> set[str]:
    """Return what of an exporter's metrics queries ask for and none of its samples has.

    Args:
        queries: PromQL.
        exporter: Whose metrics are looked at.
        there: What one that runs answered.
        ours: Labels that say where something is. What runs there may not be here, so it is enough
            that the samples have such a label, whatever it says.
    """
    missing = set()
    for query in queries:
        for metric, conditions in _SELECTION.findall(query):
            if metric not in EXPORTED[exporter]:
                continue
            wanted = [Condition(*found) for found in _CONDITION.findall(conditions)]
            fits = (
                all(it.label in labels if it.label in ours else it.holds(labels) for it in wanted)
                for labels in there.get(metric, [])
            )
            if not any(fits):
                missing.add(f"{metric}{{{conditions}}}")
        names = names_in(query)
        if names and names <= EXPORTED[exporter]:
            known = {label for name in names for labels in there.get(name, []) for label in labels}
            named = {label.strip() for found in _NAMED_LABELS.findall(query) for label in found.split(",")}
            missing |= {f"{label} in {query}" for label in named - known}
    return missing
