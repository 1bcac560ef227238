"""Shows which of several steps is being done, and since when."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


@contextmanager
def step(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show ``title`` with the seconds it takes and whatever is passed to the yielded function.

    On a terminal it is one line that moves; elsewhere (a log, a pipeline) each
    kind of work gets a plain line of its own when it starts.
    """
    started = time.monotonic()
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(title)
            yield lambda doing: progress.update(task, description=f"{title}: {doing}")
    else:
        said: set[str] = set()

        def say(doing: str) -> None:
            kind = doing.partition(",")[0]
            if kind not in said:
                said.add(kind)
                console.print(f"{title}: {doing}", markup=False, highlight=False, soft_wrap=True)

        yield say
    seconds = time.monotonic() - started
    console.print(f"{title}: done in {seconds:.0f} s", markup=False, highlight=False, soft_wrap=True)
