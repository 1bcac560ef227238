"""``iotistic ci preview-stack``: a pull request's own stack, beside an environment's on the same cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ops.automation.github import GitHub
from ops.automation.markdown import stack_markdown
from ops.automation.pull_request_stack import PullRequestStack, numbers_of_stacks, refuse_protected
from ops.automation.reports import StackReport, read_reports, write_reports
from ops.cli.ci_options import (
    EXIT_STOP,
    WORKFLOW,
    Author,
    Base,
    Folder,
    GitHubOutput,
    Reports,
    hand_on,
    require_stack,
    stacks_named,
)
from ops.cli.console import output, show_refusals
from ops.cli.options import Today, today_or
from tenants.preview import LARGEST_NUMBER, preview_name

if TYPE_CHECKING:
    from pathlib import Path

    from ops.automation.engine import Stack

app = typer.Typer(
    help="A pull request's own stack, beside an environment's on the same cluster.", no_args_is_help=True
)

Number = Annotated[
    int, typer.Option("--number", help="Number of the pull request.", min=1, max=LARGEST_NUMBER)
]
Beside = Annotated[
    str, typer.Option("--stack", "-s", help="Stack on whose platform it stands.", metavar="NAME")
]


@app.command()
@show_refusals
def up(
    *,
    number: Number,
    stack: Beside = "dev",
    base: Base = "origin/main",
    reports: Folder = None,
    today: Today = None,
) -> None:
    """Run the customers whom the change is about, and say in Markdown where; status 1 if that fails."""
    report = PullRequestStack(number=number, beside=_beside(stack)).up(base=base, today=today_or(today))
    _tell(report, reports)


@app.command()
@show_refusals
def down(*, number: Number, stack: Beside = "dev", reports: Folder = None) -> None:
    """Remove a pull request's stack with everything in it; status 1 if that fails."""
    _tell(PullRequestStack(number=number, beside=_beside(stack)).down(), reports)


@app.command()
@show_refusals
def closed(*, stack: Beside = "dev", github_output: GitHubOutput = None) -> None:
    """List the numbers of closed pull requests that still have a stack; none if one cannot be read."""
    numbers = numbers_of_stacks(_beside(stack))
    github = GitHub.from_environment(author=WORKFLOW)
    found = [number for number in numbers if github.is_closed(number)]
    hand_on(github_output, "numbers", found)
    output.print("\n".join(map(str, found)) or "none", markup=False)


@app.command()
@show_refusals
def comment(*, number: Number, reports: Reports, author: Author = WORKFLOW) -> None:
    """Write where the stack runs as the one comment of its kind on the pull request, or write it anew."""
    name = preview_name(number)
    (report,) = (one for one in read_reports(reports, StackReport, expected=[name]) if one.stack == name)
    github = GitHub.from_environment(author=author)
    output.print(github.write_comment(number, stack_markdown(report), name="preview-stack"), markup=False)


def _beside(name: str) -> Stack:
    require_stack(name)
    refuse_protected(name)
    (stack,) = stacks_named([name])
    return stack


def _tell(report: StackReport, reports: Path | None) -> None:
    if reports is not None:
        write_reports(reports, [report])
    typer.echo(stack_markdown(report), nl=False)
    if report.errors:
        raise typer.Exit(EXIT_STOP)
