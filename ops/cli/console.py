"""How the command talks: results on standard output, everything else on standard error."""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer
from rich.console import Console

from ops.automation.github import GitHubError
from ops.local.control_plane import ControlPlaneError
from ops.local.engine_run import EngineError
from ops.local.kube_command import KubectlError
from ops.local.node.commands import NodeError
from ops.restoring import RestoreError
from tenants.errors import EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_FAILURE = 1
"""Exit status where the input was right and something else went wrong."""

P = ParamSpec("P")
R = TypeVar("R")

WIDTH_OF_A_FILE = 220
"""Columns of a table that goes into a file or a pipe, where nothing has to fit a screen."""

output = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
"""Results: what a person or a program asked for."""

notes = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress, warnings and errors."""


def print_json(value: object) -> None:
    """Print a result for programs; coloured where a person reads it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if output.is_terminal:
        output.print_json(text, ensure_ascii=False)
    else:
        output.out(text, highlight=False)


def show_refusals(function: Callable[P, R]) -> Callable[P, R]:
    """Make a command end with status 2 and every problem listed when its input is refused."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UsageError as error:
            print_refusal(error)
            raise typer.Exit(EXIT_USAGE) from None
        except (ControlPlaneError, GitHubError, KubectlError, NodeError, RestoreError) as error:
            print_error(str(error))
            raise typer.Exit(EXIT_FAILURE) from None
        except EngineError as error:
            for text in [*error.errors, str(error)]:
                print_error(text)
            raise typer.Exit(EXIT_FAILURE) from None

    return wrapper


def print_refusal(error: UsageError) -> None:
    """Print every problem of a refused input."""
    for problem in error.problems:
        print_error(str(problem))


def print_error(text: str) -> None:
    """Print one error, as text that nobody's data can turn into markup."""
    notes.print("error: ", style="bold red", end="", markup=False)
    notes.print(text, markup=False)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back.

    Args:
        question: What is about to happen.
        yes: Whether the caller has agreed beforehand.

    Raises:
        UsageError: If nobody is there to ask.
        typer.Abort: If the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError.of(
            where="standard input",
            what=f"there is nobody to ask: {question}",
            why="this cannot be taken back, so it is not done without somebody's word",
            how="pass --yes (with make: YES=1) if that is what you want",
        )
    typer.confirm(question, abort=True, err=True)
