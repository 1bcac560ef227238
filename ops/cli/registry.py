"""``iotistic registry``: the registry as a whole."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ops.cli.console import notes, output, print_json, print_refusal, show_refusals
from ops.cli.edits import Session, edits_registry
from ops.cli.options import Env, Json, Today, today_or
from ops.cli.report import as_json as comparison_as_json
from ops.cli.report import as_markdown, as_table
from ops.git_version import version_at
from ops.node_ports import allocate, in_want, ports_of, taken_ports
from ops.workspace import Workspace
from tenants import generate
from tenants.changes import Limits, compare
from tenants.editing import Edit, edit, write
from tenants.errors import UsageError
from tenants.models import NODE_PORTS, MqttMode
from tenants.ports import free_ports

EXIT_DIFFERS = 1
"""Exit status for what continuous integration must stop on."""

app = typer.Typer(help="Check the registry, compare versions, allocate ports.", no_args_is_help=True)
_DEFAULTS = Limits()

Base = Annotated[str, typer.Option("--base", help="Commit, branch or tag to compare with.", metavar="REF")]
MaxStopped = Annotated[int, typer.Option("--max-stopped", help="Tenants that may be stopped at once.", min=0)]
MaxStoppedPercent = Annotated[
    int, typer.Option("--max-stopped-percent", help="Likewise, of a hundred.", min=0, max=100)
]
EarlyDeletions = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-early-deletion", help="Tenant whose data may go before its day, as it wants.", metavar="ID"
    ),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")]
WriteFiles = Annotated[bool, typer.Option("--write", help="Write what differs.")]
AllocateMissing = Annotated[
    bool, typer.Option("--allocate", help="Write ports into the files that lack them.")
]


@app.command()
@show_refusals
def validate(*, env: Env = "dev", as_json: Json = False) -> None:
    """Check all files of an environment, one by one and together."""
    registry = Workspace.open(env).registry()
    if as_json:
        result = {"environment": registry.environment, "tenants": [one.id for one in registry.tenants]}
        print_json(result)
    else:
        output.print(f"{registry.environment}: {len(registry.tenants)} tenants, nothing wrong")


@app.command()
@show_refusals
def diff(  # noqa: PLR0913 - each is an option of the command
    *,
    base: Base = "HEAD",
    env: Env = "dev",
    max_stopped: MaxStopped = _DEFAULTS.stopped,
    max_stopped_percent: MaxStoppedPercent = _DEFAULTS.stopped_percent,
    allow_early_deletion: EarlyDeletions = None,
    today: Today = None,
    markdown: Markdown = False,
    as_json: Json = False,
) -> None:
    """Compare the working copy with a commit; status 1 if something must not happen."""
    workspace = Workspace.open(env)
    comparison = compare(
        version_at(workspace, base),
        workspace.version(workspace.registry()),
        today=today_or(today),
        limits=Limits(
            stopped=max_stopped,
            stopped_percent=max_stopped_percent,
            early_deletion=frozenset(allow_early_deletion or ()),
        ),
    )
    if as_json:
        print_json(comparison_as_json(comparison))
    elif markdown:
        typer.echo(as_markdown(comparison), nl=False)
    elif comparison.tenants or comparison.plans:
        output.print(as_table(comparison))
    else:
        notes.print("Nothing changed.")
    if comparison.refusals:
        print_refusal(UsageError(comparison.refusals))
        raise typer.Exit(EXIT_DIFFERS)


@app.command()
@show_refusals
def schema() -> None:
    """Print the JSON Schema of a tenant's file."""
    typer.echo(generate.schema(), nl=False)


@app.command()
@show_refusals
def docs(*, write_files: WriteFiles = False, env: Env = "dev") -> None:
    """Compare the generated files with the models; status 1 if one is out of date."""
    workspace = Workspace.open(env)
    stale = []
    for name, text in generate.generated_files(workspace.plans).items():
        path = workspace.root / name
        before = path.read_bytes() if path.exists() else None
        stale.append(Edit(path=path, before=before, after=text.encode()))
    stale = [one for one in stale if one.changes]
    for one in stale:
        output.print(str(one.path.relative_to(workspace.root)), markup=False)
    if write_files:
        write(stale)
    elif stale:
        notes.print("These differ from the models. Write them with: iotistic registry docs --write")
        raise typer.Exit(EXIT_DIFFERS)


@app.command()
@edits_registry(together=False)
def ports(session: Session, *, allocate_missing: AllocateMissing = False) -> None:
    """Show which ports on the nodes are taken and free, or hand them out."""
    tenants, node_ports = session.registry.tenants, session.workspace.facts.node_ports
    if allocate_missing:
        wanted = allocate(tenants, wanting=in_want(tenants), ports=node_ports)
        path = session.workspace.path
        session.carry_out([edit(path(one), dict(changes)) for one, changes in wanted.items()])
        return
    listed = [(one, ports_of(one)) for one in tenants if one.mqtt.mode is MqttMode.NODE_PORT]
    clusters = sorted({one.cluster for one in tenants})
    taken = taken_ports(tenants)
    free = {cluster: free_ports(taken[cluster], len(NODE_PORTS), node_ports) for cluster in clusters}
    if session.as_json:
        rows = [
            {"tenant": one.id, "cluster": one.cluster, **dict(zip(NODE_PORTS, held, strict=True))}
            for one, held in listed
        ]
        print_json({"taken": rows, "free": free})
        return
    names = ("MQTT", "WebSocket", "API", "dashboard")
    table = Table("tenant", "cluster", *names, box=None, pad_edge=False)
    for one, held in listed:
        table.add_row(one.id, one.cluster, *(str(port or "") for port in held))
    for cluster, next_ones in free.items():
        table.add_row("(free next)", cluster, *(str(port) for port in next_ones), style="dim")
    output.print(table)
