"""One run of the engine: what it is doing while it runs, and why it failed if it did."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pulumi.automation.errors import CommandError

from ops.local.progress import step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi.automation import EngineEvent
    from rich.console import Console

_DOING: Final = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "replace": "replacing",
    "same": "checking",
    "refresh": "reading",
}
"""Words for the engine's operations. Others are too rare to have one."""


class EngineError(Exception):
    """The engine did not finish. Nothing is lost: the next run goes on where this one stopped."""

    def __init__(self, title: str, errors: list[str], log: Path) -> None:
        self.errors = errors
        self.log = log
        super().__init__(f"{title} failed; its whole output is in {log}")


@dataclass(slots=True)
class EngineRun:
    """What one run has done so far.

    Attributes:
        say: Told what the run is doing.
        log: File that takes the engine's own output.
        finished: Number of resources that are done.
        errors: What the engine called errors.
    """

    say: Callable[[str], None]
    log: Path
    finished: int = 0
    errors: list[str] = field(default_factory=list)

    def on_event(self, event: EngineEvent) -> None:
        """Count what is done and keep what went wrong."""
        if event.res_outputs_event is not None:
            self.finished += 1
            doing = _DOING.get(event.res_outputs_event.metadata.op, "working on")
            self.say(f"{doing} objects, {self.finished} done")
        diagnostic = event.diagnostic_event
        if diagnostic is not None and diagnostic.severity == "error":
            self.errors.append(diagnostic.message.strip())

    def on_output(self, text: str) -> None:
        """Append the engine's own words to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(text if text.endswith("\n") else f"{text}\n")


@contextmanager
def engine_run(console: Console, title: str, *, log: Path) -> Iterator[EngineRun]:
    """Watch a run: show its progress, keep its output, and say what failed.

    Args:
        console: Where progress is shown.
        title: What is being done.
        log: File that takes the engine's output; a former run's is overwritten.

    Raises:
        EngineError: If the run fails.
    """
    log.write_text("", encoding="utf-8")
    with step(console, title) as say:
        run = EngineRun(say=say, log=log)
        try:
            yield run
        except CommandError as error:
            run.on_output(str(error))
            raise EngineError(title, run.errors, log) from None
