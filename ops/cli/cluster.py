"""``iotistic cluster``: the clusters that stacks make."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from infra.clusters.cloud_settings import CLOUDS
from infra.clusters.support import TABLE, load_support
from ops import workspace
from ops.cli.console import EXIT_FAILURE, notes, output, print_json, show_refusals
from ops.cli.options import Env, Json, Today, today_or
from ops.stack_config import committed_config
from tenants.errors import UsageError

NEAR: Final = 90
"""Days before the end of support in which an upgrade has to be planned."""

app = typer.Typer(help="Check the clusters that stacks make.", no_args_is_help=True)

Days = Annotated[int, typer.Option("--days", help="Days before the end of support that are near it.", min=0)]


@app.callback()
def _group() -> None:
    """Keep ``check`` a command of its own, though it is the only one so far."""


@app.command()
@show_refusals
def check(*, env: Env = "prod", days: Days = NEAR, today: Today = None, as_json: Json = False) -> None:
    """Say until when the cloud supports the cluster's version of Kubernetes.

    Status 1 once it does not, or once the table of versions is so old that it cannot tell.
    """
    where = f"Pulumi.{env}.yaml"
    config = committed_config(env, root=workspace.ROOT)
    cloud = config.get("iotistic:cluster")
    if cloud not in CLOUDS:
        raise UsageError.of(
            where=f"{where}: iotistic:cluster",
            what=f"is {cloud}, which the stack does not make",
            why="whoever makes a cluster decides about its version",
            how=f"use an environment on one of {', '.join(CLOUDS)}",
        )
    version = str(config.get("iotistic:cloud", {}).get("kubernetesVersion"))
    support = load_support(cloud)
    end = support.until(version)
    if end is None:
        raise UsageError.of(
            where=f"{where}: iotistic:cloud.kubernetesVersion",
            what=f"is {version}, and {TABLE} knows {', '.join(support.ends)} of {cloud}",
            why="nobody is told when its support ends",
            how=f"look the day up and complete {TABLE}, or use a version that is there",
        )
    left = (end - today_or(today)).days
    outdated = support.is_outdated(today_or(today))
    state = "ended" if left < 0 else "ending" if left <= days else "supported"
    if as_json:
        print_json(
            {
                "cluster": cloud,
                "version": version,
                "until": f"{end}",
                "daysLeft": left,
                "state": state,
                "tableOutdated": outdated,
            }
        )
    else:
        output.print(f"{env}: Kubernetes {version} on {cloud} is supported until {end}")
    if state != "supported":
        notes.print(
            f"warning: support {'ended' if left < 0 else 'ends'} on {end}; the newest known is "
            f"{support.newest}. Upgrade one minor version at a time: change "
            "iotistic:cloud.kubernetesVersion, then pulumi up"
        )
    if outdated:
        notes.print(
            f"warning: {TABLE} is out of date: of {cloud} it knows nothing newer than {support.newest}, "
            f"which is supported until {support.ends[support.newest]}. Look the newer ones up and complete it"
        )
    if state == "ended" or outdated:
        raise typer.Exit(EXIT_FAILURE)
