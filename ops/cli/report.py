"""How a comparison of two versions is told: as a table, as JSON, as Markdown."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from ops.markdown import code_span
from tenants.changes import STOPPED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.changes import Comparison, FieldChange

_LONGEST: Final = 60
"""Characters of a value that a table shows; JSON has all of it."""


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data."""
    return {
        "tenants": [dataclasses.asdict(change) for change in comparison.tenants],
        "plans": [dataclasses.asdict(change) for change in comparison.plans],
        "overall": [dataclasses.asdict(problem) for problem in comparison.overall],
        "refused": bool(comparison.refusals),
    }


def as_table(comparison: Comparison) -> Table:
    """Return a comparison for a person at a terminal."""
    table = Table("tenant", "what", "key", "before", "after", box=None, pad_edge=False)
    for name, what, fields, refused in _rows(comparison):
        style = "red" if refused else "yellow" if what in STOPPED else ""
        first = (name, f"{what}, refused" if refused else what)
        for key, old, new in [_words(field) for field in fields] or [("", "", "")]:
            table.add_row(*(Text(text) for text in (*first, key, old, new)), style=style)
            first = ("", "")
    return table


def as_markdown(comparison: Comparison) -> str:
    """Return a comparison for a pull request; nobody's data can turn into markup there."""
    lines = ["## Changes of the registry", "", _summary(comparison), ""]
    if comparison.tenants or comparison.plans:
        lines += ["| tenant | what | key | before | after |", "| --- | --- | --- | --- | --- |"]
    for name, what, fields, refused in _rows(comparison):
        first = (code_span(name), f"**{what}, refused**" if refused else what)
        for field in [_words(one) for one in fields] or [("", "", "")]:
            lines.append(f"| {' | '.join((*first, *(code_span(text) for text in field)))} |")
            first = ("", "")
    if comparison.refusals:
        lines += ["", "### Refused", ""]
        lines += [
            f"- {code_span(problem.where)}: {code_span(problem.what)}  \n"
            f"  why: {code_span(problem.why)}  \n  fix: {code_span(problem.how)}"
            for problem in comparison.refusals
        ]
    return "\n".join(lines) + "\n"


def _summary(comparison: Comparison) -> str:
    counts = [f"{count} {kind}" for kind in Kind if (count := comparison.count(kind))]
    if comparison.plans:
        counts.append("the plan table changed")
    if comparison.refusals:
        counts.append(f"{len(comparison.refusals)} refused")
    return (", ".join(counts) or "Nothing changed") + "."


def _rows(comparison: Comparison) -> Iterator[tuple[str, str, tuple[FieldChange, ...], bool]]:
    for change in comparison.tenants:
        yield change.id, change.kind, change.fields, bool(change.refusals)
    if comparison.plans:
        yield "(plan table)", Kind.CHANGED, comparison.plans, False


def _words(field: FieldChange) -> tuple[str, str, str]:
    key = f"{field.key} (from the plan)" if field.derived else field.key
    return key, _short(field.old), _short(field.new)


def _short(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
