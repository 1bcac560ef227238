"""``iotistic tenant restore-job``: the Job that puts a part of a tenant back from a backup."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Final

import typer
from ruamel.yaml import YAML

from infra.customer import restore
from ops.cli.console import WIDTH_OF_A_FILE, notes, show_refusals
from ops.cli.options import Env, TenantId  # noqa: TC001 - typer reads it when the program runs
from ops.declared import declared_instance
from ops.workspace import Workspace
from tenants.errors import UsageError

_SNAPSHOT: Final = re.compile(r"latest|[0-9a-f]{8,64}")

What = Annotated[restore.Part, typer.Option("--what", help="The part that is put back.", show_default=False)]
Snapshot = Annotated[
    str, typer.Option("--backup", help="Id of the snapshot, as restic shows it.", metavar="ID")
]


@show_refusals
def restore_job(
    tenant_id: TenantId, *, what: What, snapshot: Snapshot = restore.LATEST, env: Env = "dev"
) -> None:
    """Print the Job that puts a part of a tenant back from a backup; nothing is run."""
    instance = declared_instance(Workspace.open(env), tenant_id)
    available = restore.available(instance)
    if what not in available:
        raise UsageError.of(
            where="--what",
            what=f"{what} of {tenant_id} is not backed up",
            why="the Job would wait for something that does not exist",
            how=f"use one of {', '.join(available)}" if available else "set a place for backups in the stack",
        )
    if not _SNAPSHOT.fullmatch(snapshot):
        raise UsageError.of(
            where="--backup",
            what=f'"{snapshot}" is no id of a snapshot',
            why="the Job would fail after everything was stopped for it",
            how="use latest, or 8 to 64 hexadecimal digits as restic shows them",
        )
    yaml = YAML()
    yaml.width = WIDTH_OF_A_FILE
    yaml.dump(restore.job(instance, what, snapshot=snapshot), sys.stdout)
    kubectl = f"kubectl --namespace {instance.tenant.namespace}"
    if writer := restore.WRITERS.get(what):
        notes.print(f"It waits until this has stopped: {kubectl} scale {writer} --replicas=0")
    notes.print(f"Nothing was run. To run it, pipe it into: {kubectl} create --filename -")
