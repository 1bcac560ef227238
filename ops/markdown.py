"""Texts in Markdown, so that nobody's data can turn into markup there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ["---"] * len(titles), *rows))


def code_span(text: str) -> str:
    """Return a text as a code span that it cannot leave, in a table or in a list."""
    if not text:
        return ""
    plain = " ".join(text.split()).replace("|", "\\|")
    longest = max((len(run) for run in _runs(plain)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {plain} {fence}" if longest else f"`{plain}`"


def _runs(text: str) -> list[str]:
    """Return the runs of backticks in a text."""
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]
