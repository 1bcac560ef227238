"""``iotistic ci``: what continuous integration does. Every step of a workflow is one of these."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from ops.automation.drift import drift_of
from ops.automation.github import GitHub
from ops.automation.markdown import drift_markdown, preview_markdown, support_markdown
from ops.automation.preview import preview_stack, stacks_of_change
from ops.automation.reports import DriftReport, PreviewReport, read_reports, write_reports
from ops.automation.targets import targets_of
from ops.cli import ci_preview_stack
from ops.cli.ci_options import (
    EXIT_STOP,
    WORKFLOW,
    Author,
    Base,
    Expect,
    Folder,
    GitHubOutput,
    LeftOut,
    Number,
    Reports,
    Stacks,
    hand_on,
    stacks_named,
)
from ops.cli.console import notes, output, print_json, show_refusals
from ops.cli.options import Days, Json, Today, today_or
from ops.cli.report import as_markdown
from ops.support import NEAR, all_standings
from ops.workspace import ROOT
from tenants.changes import Limits
from tenants.errors import UsageError

SUPPORT_TITLE = "Kubernetes: a version's support ends"
DRIFT_TITLE = "Drift: what runs differs from what is declared"

app = typer.Typer(help="What continuous integration does, and runs here too.", no_args_is_help=True)
app.add_typer(ci_preview_stack.app, name="preview-stack")

EARLY_LABEL = "early-deletion:"
"""How labels of a pull request begin that name a tenant whose data may go before its day."""

Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        help=f"JSON list of the pull request's labels; {EARLY_LABEL}<id> lets that tenant's data go early.",
        metavar="JSON",
    ),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown for a comment or an issue.")]


@app.command()
@show_refusals
def stacks(*, base: Base = "origin/main", as_json: Json = False, github_output: GitHubOutput = None) -> None:
    """List the stacks that the change is about."""
    affected = stacks_of_change(base)
    all_targets = targets_of(ROOT)
    reasons = all_targets.reasons(affected)
    hand_on(github_output, "stacks", [name for name in all_targets.served if name in affected])
    hand_on(github_output, "left_out", list(reasons))
    for name, reason in reasons.items():
        notes.print(f"{name}: no workflow serves it: {reason}", markup=False)
    if as_json:
        print_json(affected)
    else:
        output.print("\n".join(affected) or "none", markup=False)


@app.command()
@show_refusals
def targets(*, as_json: Json = False, github_output: GitHubOutput = None) -> None:
    """List the stacks that workflows serve, in the order of their updates, and why others are left out."""
    found = targets_of(ROOT)
    for name in ("served", "unprotected", "protected", "beside"):
        hand_on(github_output, name, getattr(found, name))
    if as_json:
        print_json([asdict(one) for one in found.all])
        return
    for one in found.all:
        how = "served, after the others" if one.protected else "served"
        output.print(f"{one.stack}: {one.left_out or how}", markup=False)


@app.command()
@show_refusals
def preview(
    *,
    base: Base = "origin/main",
    stack: Stacks = None,
    reports: Folder = None,
    labels: Labels = "[]",
    today: Today = None,
) -> None:
    """Say in Markdown what the change would do; status 1 if it is refused or fails."""
    given = _names(labels, where="--labels", why="what somebody allowed would be refused all the same")
    early = (label.removeprefix(EARLY_LABEL) for label in given if label.startswith(EARLY_LABEL))
    limits = Limits(
        early_deletion=frozenset(early), early_option=f"the label {EARLY_LABEL}{{id}} on the pull request"
    )
    chosen = stack or stacks_of_change(base)
    found = [
        preview_stack(one, base=base, limits=limits, today=today_or(today), as_markdown=as_markdown)
        for one in stacks_named(chosen)
    ]
    if reports is not None:
        write_reports(reports, found)
    typer.echo(preview_markdown(found), nl=False)
    if not all(report.passed for report in found):
        raise typer.Exit(EXIT_STOP)


@app.command()
@show_refusals
def drift(
    *,
    stack: Stacks = None,
    reports: Folder = None,
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """Name every object that differs from what is declared, or that nobody declared; status 1 if any."""
    found = [drift_of(one) for one in stacks_named(stack or ["dev"])]
    if reports is not None:
        write_reports(reports, found)
    if as_json:
        print_json([report.model_dump(mode="json") for report in found])
    elif markdown:
        typer.echo(drift_markdown(found), nl=False)
    else:
        for report in found:
            _print_drift(report)
    if not all(report.clean for report in found):
        raise typer.Exit(EXIT_STOP)


def _print_drift(report: DriftReport) -> None:
    """Print one line for each difference: for a person, and for ``grep``."""
    for change in report.changes:
        fields = ", ".join(f"{one.path}: {one.before} -> {one.after}" for one in change.fields)
        what = "missing" if change.operation == "delete" else "changed"
        output.print(f"{report.stack} {what} {change.kind} {change.name} {fields}".rstrip(), markup=False)
    for stray in report.undeclared:
        output.print(f"{report.stack} undeclared {stray.kind} {stray.name}", markup=False)
    for error in report.errors:
        notes.print(f"{report.stack}: {error}", markup=False)
    if report.clean:
        output.print(f"{report.stack}: what runs is what is declared", markup=False)


@app.command()
@show_refusals
def up(stack: Annotated[str, typer.Argument(help="Stack to update.", metavar="NAME")]) -> None:
    """Update a stack to what the working copy declares."""
    (one,) = stacks_named([stack])
    counts = one.up()
    output.print(", ".join(f"{count} {operation}" for operation, count in sorted(counts.items())))


@app.command()
@show_refusals
def comment(
    *,
    number: Number,
    reports: Reports,
    expect: Expect = "[]",
    left_out: LeftOut = "[]",
    author: Author = WORKFLOW,
) -> None:
    """Write the previews as the one comment on a pull request, or write it anew."""
    found = read_reports(reports, PreviewReport, expected=_expected(expect))
    unseen = _names(left_out, where="--left-out", why="a stack that nobody looked at would look unchanged")
    github = GitHub.from_environment(author=author)
    text = preview_markdown(found, left_out=unseen)
    output.print(github.write_comment(number, text, name="preview"), markup=False)


@app.command()
@show_refusals
def issue(*, reports: Reports, expect: Expect = "[]", author: Author = WORKFLOW) -> None:
    """Write drift as the one issue, or write it anew; close it where there is none any more."""
    found = read_reports(reports, DriftReport, expected=_expected(expect))
    clean = all(report.clean for report in found)
    _keep_issue("drift", DRIFT_TITLE, drift_markdown(found), needed=not clean, author=author)


@app.command()
@show_refusals
def support(*, days: Days = NEAR, today: Today = None, author: Author = WORKFLOW) -> None:
    """Write ends of support of the clusters' Kubernetes as the one issue; close it where none is near.

    Also that nobody has completed the table of versions.
    """
    found = all_standings(root=ROOT, today=today_or(today), days=days)
    needed = any(one.advice for one in found)
    _keep_issue("support", SUPPORT_TITLE, support_markdown(found), needed=needed, author=author)


def _keep_issue(name: str, title: str, text: str, *, needed: bool, author: str) -> None:
    """Write the one issue of a kind, or close it where nothing needs it any more."""
    github = GitHub.from_environment(author=author)
    if needed:
        output.print(github.write_issue(title, text, name=name), markup=False)
    else:
        output.print(github.close_issue(text, name=name) or "nothing to close", markup=False)


def _names(text: str, *, where: str, why: str) -> list[str]:
    try:
        return TypeAdapter(list[str]).validate_json(text)
    except ValidationError:
        raise UsageError.of(
            where=where,
            what=f"{text!r} is no JSON list of names",
            why=why,
            how='write it as ["one", "another"]',
        ) from None


def _expected(text: str) -> list[str]:
    why = "a stack whose job died would look like one without changes"
    return _names(text, where="--expect", why=why)
