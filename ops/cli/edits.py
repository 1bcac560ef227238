"""The way of every edit: compute, check the whole registry, show, ask, write."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from rich.text import Text

from ops.cli.console import confirm, notes, output, print_json, show_refusals
from ops.cli.options import DryRun, Env, Json, Today, Yes, today_or
from ops.cli.report import as_json
from ops.workspace import Workspace
from tenants.changes import Comparison, Limits, compare
from tenants.editing import alone, write
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from tenants.editing import Edit
    from tenants.registry import Registry

P = ParamSpec("P")

_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One editor at work: the registry cannot change under it by another one's hand.

    Attributes:
        workspace: Where the files are.
        registry: What they say before the edit.
        today: The day of the edit.
        dry_run: Whether nothing is written.
        yes: Whether nobody is asked.
        as_json: Whether the result is for a program.
    """

    workspace: Workspace
    registry: Registry
    today: date
    dry_run: bool
    yes: bool
    as_json: bool

    def carry_out(
        self, edits: Sequence[Edit], *, limits: Limits | None = None, question: str | None = None
    ) -> None:
        """Check edits together, show them, ask, and write them.

        Args:
            edits: The files, in the order in which they are written.
            limits: How much may happen at once; the defaults unless told.
            question: What is asked, where it is more than that files are written.

        Raises:
            UsageError: The registry would be wrong with them, or the change must not happen.
            typer.Abort: The answer was no.
        """
        edits = [edit for edit in edits if edit.changes]
        comparison = self._checked(edits, limits)
        diff = [line for edit in edits for line in edit.diff()]
        if not self.as_json:
            _show(diff)
        if edits and not self.dry_run:
            names = ", ".join(edit.path.name for edit in edits)
            confirm(question or f"Write {names}?", yes=self.yes)
            write(edits)
        self._report(edits, comparison, diff)

    def _checked(self, edits: Sequence[Edit], limits: Limits | None) -> Comparison:
        after = self.workspace.registry({edit.path: edit.after for edit in edits})
        comparison = compare(
            self.workspace.version(self.registry),
            self.workspace.version(after),
            today=self.today,
            limits=limits,
        )
        if comparison.refusals:
            raise UsageError(comparison.refusals)
        return comparison

    def _report(self, edits: Sequence[Edit], comparison: Comparison, diff: Sequence[str]) -> None:
        written = bool(edits) and not self.dry_run
        if self.as_json:
            result = {**as_json(comparison), "diff": diff, "written": written}
            print_json(result)
        elif written:
            notes.print("Written. Review and commit it; nothing runs before the change is merged.")
        else:
            notes.print("Nothing was written." if edits else "Nothing to change.")


def edits_registry(
    *, together: bool = True
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[..., None]]:
    """Make a command of a function that edits the registry, with the options that all of them have.

    Args:
        together: Whether the files must agree with each other before the edit; after it they must.
    """

    def decorate(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
        @functools.wraps(function)
        @show_refusals
        def command(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what the signature says
            choices = {name: kwargs.pop(name) for name in shared}
            workspace = Workspace.open(choices["env"])
            with alone(workspace.lock):
                session = Session(
                    workspace=workspace,
                    registry=workspace.registry() if together else workspace.registry_one_by_one(),
                    today=today_or(choices["today"]),
                    dry_run=choices["dry_run"],
                    yes=choices["yes"],
                    as_json=choices["as_json"],
                )
                function(session, *args, **kwargs)

        shared = inspect.signature(_shared_options, eval_str=True).parameters
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        parameters = [*own, *shared.values()]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by typer
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return decorate


def _shared_options(
    *, env: Env = "dev", today: Today = None, dry_run: DryRun = False, yes: Yes = False, as_json: Json = False
) -> None:
    """Stand for the options that every editing command has; only its signature is used."""


def _show(diff: Sequence[str]) -> None:
    for line in diff:
        output.print(Text(line, style=_COLOURS.get(line[:1], "")), soft_wrap=True)
