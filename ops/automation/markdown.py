"""Reports as the Markdown of one comment or one issue, never longer than GitHub takes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from ops.automation.changes import Operation
from ops.automation.redaction import redact
from ops.markdown import code_span, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ops.automation.changes import Change
    from ops.automation.reports import DriftReport, PreviewReport, StackReport
    from ops.support import Standing

LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment or an issue."""

_ROWS: Final = (sys.maxsize, 500, 100, 20, 5, 0)
"""Rows a table may have, tried in this order until everything fits."""
_FIELDS: Final = 12
"""Properties that are named for one object."""
_LONGEST: Final = 60
"""Characters of a value that are shown."""
_MORE: Final = "\n\nThe rest does not fit into a comment: run the same command to see it.\n"

_HEADINGS: Final = {
    Operation.DELETE: "Deleted",
    Operation.REPLACE: "Replaced: deleted and made anew",
    Operation.UPDATE: "Changed in place",
    Operation.CREATE: "Created",
}


def preview_markdown(reports: Sequence[PreviewReport], *, left_out: Sequence[str] = ()) -> str:
    """Return what a change would do to every stack it is about.

    Args:
        reports: What was found about them.
        left_out: Stacks that it is about too, and that nobody looked at.
    """

    def render(rows: int) -> str:
        parts = ["# What this change does\n"]
        if not reports and not left_out:
            parts.append("It changes nothing that a stack declares.\n")
        for report in reports:
            parts += [
                f"## Stack {code_span(report.stack)}: {_verdict(report)}\n",
                _first_lines(report.registry, rows),
                *_errors(report.errors, rows),
                *(_section(_HEADINGS[kind], _of(report.changes, kind), rows) for kind in Operation),
            ]
        parts += map(_not_looked_at, left_out)
        return "\n".join(part for part in parts if part)

    return _fitting(render)


def drift_markdown(reports: Sequence[DriftReport]) -> str:
    """Return how what runs differs from what is declared."""

    def render(rows: int) -> str:
        parts = ["# What runs differs from what is declared\n"]
        if all(report.clean for report in reports):
            parts = ["# What runs is what is declared\n"]
        for report in reports:
            gone = [change for change in report.changes if change.operation is Operation.DELETE]
            other = [change for change in report.changes if change.operation is not Operation.DELETE]
            counts = f"{len(other)} changed, {len(gone)} missing, {len(report.undeclared)} undeclared"
            partial = "not all of it was looked at, " if report.errors else ""
            parts += [
                f"## Stack {code_span(report.stack)}: {partial}{counts}\n",
                *_errors(report.errors, rows),
                _section("Missing: declared, but not there", gone, rows),
                _section("Changed by somebody else (declared, then found)", other, rows),
                _table(
                    "Undeclared: in a customer's namespace, but in no stack",
                    ["kind", "object"],
                    [[code_span(one.kind), code_span(one.name)] for one in report.undeclared],
                    rows,
                ),
            ]
        return "\n".join(part for part in parts if part)

    return _fitting(render)


def stack_markdown(report: StackReport) -> str:
    """Return what runs in a pull request's stack, and where."""
    name = code_span(report.stack)
    beside = code_span(report.beside)

    def render(rows: int) -> str:
        if report.errors:
            return "\n".join([f"# Stack {name}: failed\n", *_errors(report.errors, rows)])
        if not report.shown:
            return f"# Stack {name}: there is none\n\nNothing of it is left beside {beside}.\n"
        cells = [
            [code_span(one.id), code_span(one.name), f"<{one.url}>", code_span(one.mqtt)]
            for one in report.shown
        ]
        parts = [
            f"# Stack {name} runs beside {beside}\n",
            table(["customer", "here", "people", "devices"], cells) + "\n",
            *_remarks(report),
            f"Licences end on {report.until} at the latest.",
            "When the pull request is closed, all of it is removed.\n",
        ]
        return "\n".join(parts)

    return _fitting(render)


def support_markdown(found: Sequence[Standing]) -> str:
    """Return until when each cluster's version of Kubernetes is supported, and what to do about it."""
    cells = [
        [code_span(one.environment), one.cloud, code_span(one.version), f"{one.end}", one.state]
        for one in found
    ]
    titles = ["environment", "cloud", "version", "supported until", "state"]
    advice = [f"- {code_span(one.environment)}: {text}" for one in found for text in one.advice]
    return "\n".join(["# Support of Kubernetes\n", table(titles, cells), "", *advice]).rstrip() + "\n"


def _remarks(report: StackReport) -> Iterator[str]:
    if report.sample:
        yield "The change is about no customer in particular: this one stands for all.\n"
    if report.left_out:
        left = ", ".join(map(code_span, report.left_out[:_FIELDS]))
        more = f" and {len(report.left_out) - _FIELDS} more" if len(report.left_out) > _FIELDS else ""
        yield f"Changed too, and not shown for want of room: {left}{more}.\n"


def _fitting(render: Callable[[int], str]) -> str:
    """Return a text with as many rows as fit; a text without any that is too long still is cut."""
    text = ""
    for rows in _ROWS:
        text = render(rows)
        if len(text) <= LIMIT:
            return text
    return text[: text.rindex("\n", 0, LIMIT - len(_MORE))] + _MORE


def _verdict(report: PreviewReport) -> str:
    if report.refused:
        return "refused"
    if report.errors:
        return "failed"
    counts = [f"{count} {kind}" for kind in Operation if (count := report.count(kind))]
    return ", ".join(counts) or "nothing changes"


def _not_looked_at(stack: str) -> str:
    return (
        f"## Stack {code_span(stack)}: not looked at\n\n"
        "No workflow serves it; `iotistic ci targets` says why. "
        f"Where it runs: {code_span(f'iotistic ci preview --stack {stack}')}.\n"
    )


def _of(changes: Sequence[Change], operation: Operation) -> list[Change]:
    return [change for change in changes if change.operation is operation]


def _errors(errors: Sequence[str], rows: int) -> Iterator[str]:
    for error in errors[: max(rows, 1)]:
        quoted = "\n".join(f"> {code_span(line)}  " for line in redact(error).splitlines() if line.strip())
        yield f"{quoted}\n"


def _section(heading: str, changes: Sequence[Change], rows: int) -> str:
    cells = [[code_span(one.kind), code_span(one.name), _differences(one)] for one in changes]
    titles = ["kind", "object", "differs"]
    if not any(one.fields for one in changes):
        titles, cells = titles[:2], [row[:2] for row in cells]
    return _table(heading, titles, cells, rows)


def _table(heading: str, titles: Sequence[str], cells: Sequence[Sequence[str]], rows: int) -> str:
    if not cells:
        return ""
    shown = cells[:rows]
    left = len(cells) - len(shown)
    body = table(titles, shown) if shown else ""
    more = f"\n\n... and {left} more" if shown and left else f"{left} objects" if left else ""
    return f"### {heading}\n\n{body}{more}\n"


def _differences(change: Change) -> str:
    texts = [
        f"{code_span(one.path)}: {_value(one.before)} → {_value(one.after)}"
        for one in change.fields[:_FIELDS]
    ]
    if len(change.fields) > _FIELDS:
        texts.append(f"and {len(change.fields) - _FIELDS} more")
    return "<br>".join(texts)


def _value(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return code_span(shown) or "unset"


def _first_lines(text: str, rows: int) -> str:
    """Return the beginning of a Markdown table, cut between its rows."""
    lines = text.splitlines()
    # Heading, summary and the head of the table are always there.
    kept = lines[: min(len(lines), rows + 6)]
    cut = [f"\n... and {len(lines) - len(kept)} more lines"] if len(kept) < len(lines) else []
    return "\n".join([*kept, *cut]) + "\n" if lines else ""
