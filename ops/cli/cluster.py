"""``iotistic cluster``: the clusters that stacks make."""

from __future__ import annotations

import typer

from ops import workspace
from ops.cli.console import EXIT_FAILURE, notes, output, print_json, show_refusals
from ops.cli.options import Days, Env, Json, Today, today_or
from ops.support import NEAR, standing_of

app = typer.Typer(help="Check the clusters that stacks make.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``check`` a command of its own, though it is the only one so far."""


@app.command()
@show_refusals
def check(*, env: Env = "prod", days: Days = NEAR, today: Today = None, as_json: Json = False) -> None:
    """Say until when the cloud supports the cluster's version of Kubernetes.

    Status 1 once it does not, or once the table of versions is so old that it cannot tell.
    """
    found = standing_of(env, root=workspace.ROOT, today=today_or(today), days=days)
    if as_json:
        print_json(
            {
                "cluster": found.cloud,
                "version": found.version,
                "until": f"{found.end}",
                "daysLeft": found.left,
                "state": found.state,
                "tableOutdated": found.outdated,
            }
        )
    else:
        output.print(f"{env}: Kubernetes {found.version} on {found.cloud} is supported until {found.end}")
    for advice in found.advice:
        notes.print(f"warning: {advice}")
    if found.state == "ended" or found.outdated:
        raise typer.Exit(EXIT_FAILURE)
