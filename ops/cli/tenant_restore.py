"""``iotistic tenant restore-job``: the Job that puts a part of a tenant back from a backup."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from ruamel.yaml import YAML

from infra.customer import api, restore
from ops import restoring
from ops.automation.access import cluster_of
from ops.automation.engine import open_stacks
from ops.cli.console import WIDTH_OF_A_FILE, confirm, notes, show_refusals
from ops.cli.options import Env, TenantId, Yes  # noqa: TC001 - typer reads it when the program runs
from ops.declared import declared_instance
from ops.local.progress import step
from ops.workspace import Workspace
from tenants.errors import UsageError

if TYPE_CHECKING:
    from infra.customer.model import Instance

_SNAPSHOT: Final = re.compile(r"latest|[0-9a-f]{8,64}")

What = Annotated[restore.Part, typer.Option("--what", help="The part that is put back.", show_default=False)]
Snapshot = Annotated[
    str, typer.Option("--backup", help="Id of the snapshot, as restic shows it.", metavar="ID")
]
Apply = Annotated[
    bool, typer.Option("--apply", help="Run the Job in the stack's cluster and wait until it has ended.")
]


@show_refusals
def restore_job(  # noqa: PLR0913 - each is an option of the command
    tenant_id: TenantId,
    *,
    what: What,
    snapshot: Snapshot = restore.LATEST,
    apply: Apply = False,
    yes: Yes = False,
    env: Env = "dev",
) -> None:
    """Print the Job that puts a part of a tenant back from a backup, or run it."""
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
    if apply:
        _run(env, instance, what, snapshot=snapshot, yes=yes)
    else:
        _print(instance, what, snapshot=snapshot)


def _print(instance: Instance, part: restore.Part, *, snapshot: str) -> None:
    yaml = YAML()
    yaml.width = WIDTH_OF_A_FILE
    yaml.dump(restore.job(instance, part, snapshot=snapshot), sys.stdout)
    kubectl = f"kubectl --namespace {instance.tenant.namespace}"
    if writer := restore.WRITERS.get(part):
        notes.print(f"It waits until this has stopped: {kubectl} scale {writer} --replicas=0")
    notes.print(f"Nothing was run. To run it, add --apply, or pipe it into: {kubectl} create --filename -")


def _run(env: str, instance: Instance, part: restore.Part, *, snapshot: str, yes: bool) -> None:
    tenant = instance.tenant
    (stack,) = open_stacks([env], notes)
    with tempfile.TemporaryDirectory() as folder:
        access = cluster_of(stack.resources(), stack=env, folder=Path(folder))
        run = restoring.Restore(instance=instance, part=part, toolbox=stack.toolbox, access=access)
        run.refuse_unready()
        confirm(
            f"Put the {part} of {tenant.id} back in {access.context}, from the backup {snapshot}? "
            "What came after that is lost.",
            yes=yes,
        )
        run.start(restore.job(instance, part, snapshot=snapshot))
        notes.print(f"job/{run.job} is started. It goes on if this command is interrupted.")
        with step(notes, f"{part} of {tenant.id}") as say:
            run.see_through(say)
    kubectl = f"kubectl --namespace {tenant.namespace}"
    writer = restore.WRITERS.get(part)
    todo = f"scale {writer} --replicas=1" if writer else f"rollout restart deployment/{api.APP}"
    notes.print(f"It is put back. Now: {kubectl} {todo}")
