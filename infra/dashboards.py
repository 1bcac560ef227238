"""How a dashboard of Grafana is written: panels of queries, two beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATA_SOURCE: Final = "prometheus"
"""The provisioned data source's id."""

_SOURCE: Final = {"type": "prometheus", "uid": DATA_SOURCE}
_WIDTH: Final = 12
_HEIGHT: Final = 8
_COLUMNS: Final = 2


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph.

    Attributes:
        title: What it shows.
        unit: Unit of its values, as Grafana names units.
        queries: PromQL by what a line is called.
    """

    title: str
    unit: str
    queries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What whoever looks at a dashboard chooses; queries name it with a dollar sign.

    Attributes:
        name: The variable's name.
        title: What it is called on the page.
        metric: Where the values are.
        label: Label of that metric.
    """

    name: str
    title: str
    metric: str
    label: str


def dashboard(
    uid: str, title: str, panels: Sequence[Panel], *, choices: Sequence[Choice] = ()
) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it from a file.

    Args:
        uid: What links to it.
        title: What it is called.
        panels: Its graphs, row by row.
        choices: What can be chosen on it.
    """
    drawn = {
        "uid": uid,
        "title": title,
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return {**drawn, "templating": {"list": [_choice(it) for it in choices]}} if choices else drawn


def _choice(choice: Choice) -> dict[str, Any]:
    asked = f"label_values({choice.metric}, {choice.label})"
    return {
        "type": "query",
        "name": choice.name,
        "label": choice.title,
        "datasource": _SOURCE,
        "definition": asked,
        "query": {"qryType": 1, "query": asked, "refId": choice.name},
        # Anew whenever the dashboard is opened: customers come and go.
        "refresh": 1,
        "sort": 1,
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries.items())
        ],
    }
