"""How a benchmark ends: a table, what is too slow or too large in red, and a status for those who check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table


def conclude(console: Console, results: Table, problems: Sequence[str], *, check: bool) -> None:
    """Show results and what is wrong with them.

    Args:
        console: Where.
        results: The results.
        problems: The limits that are broken, in words.
        check: Whether a broken limit is a failure.

    Raises:
        typer.Exit: With status 1, if it is and there is one.
    """
    console.print(results)
    for problem in problems:
        console.print(problem, style="red")
    if check and problems:
        raise typer.Exit(1)
