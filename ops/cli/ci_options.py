"""What the commands below ``iotistic ci`` share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.automation.engine import open_stacks
from ops.cli.console import notes
from ops.known import require_known
from ops.stack_config import environments
from ops.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.automation.engine import Stack

EXIT_STOP = 1
"""Exit status for what must not go on: a change that is refused or fails, or drift."""

WORKFLOW = "github-actions[bot]"
"""Who a workflow is to GitHub."""

Base = Annotated[str, typer.Option("--base", help="Branch that the change is to go to.", metavar="REF")]
Stacks = Annotated[
    list[str] | None,
    typer.Option("--stack", "-s", help="Stack to look at; can be given more than once.", metavar="NAME"),
]
Folder = Annotated[
    Path | None, typer.Option("--reports", help="Folder for one JSON report a stack.", file_okay=False)
]
GitHubOutput = Annotated[
    Path | None,
    typer.Option("--github-output", help="File to add the result to as JSON, for a workflow's later jobs."),
]
Reports = Annotated[Path, typer.Option("--reports", help="Folder with the reports.", file_okay=False)]
Expect = Annotated[
    str, typer.Option("--expect", help="JSON list of the stacks that must have a report.", metavar="JSON")
]
LeftOut = Annotated[
    str,
    typer.Option("--left-out", help="JSON list of stacks that nobody looked at, to say so.", metavar="JSON"),
]
Author = Annotated[
    str, typer.Option("--author", help="Log-in of whoever writes; nobody else's text is written anew.")
]
Number = Annotated[int, typer.Option("--number", help="Number of the pull request.", min=1)]


def require_stack(name: str) -> None:
    """Refuse the name of a stack that has no configuration.

    Raises:
        UsageError: It has none, with the name that was probably meant.
    """
    require_known(
        "stack", name, environments(ROOT), where="--stack", why="another stack must not be taken for it"
    )


def stacks_named(names: Sequence[str]) -> list[Stack]:
    """Return stacks by their names, in the backend that this shell uses.

    Raises:
        UsageError: There is no configuration of that name, or a tool cannot be had.
    """
    for name in names:
        require_stack(name)
    return open_stacks(names, notes)


def hand_on(github_output: Path | None, name: str, value: object) -> None:
    """Hand a result to a workflow's later jobs, as JSON, where the caller is one."""
    if github_output is not None:
        with github_output.open("a", encoding="utf-8") as file:
            file.write(f"{name}={json.dumps(value)}\n")
