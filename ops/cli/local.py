"""``iotistic local``: the dev environment on this machine."""

from __future__ import annotations

import enum
import shlex
from ipaddress import ip_address
from typing import Annotated

import typer

from ops.cli import node as node_commands
from ops.cli.console import confirm, notes, output, print_json, show_refusals
from ops.local import tools
from ops.local.environment import Environment
from ops.local.existing import describe
from ops.local.hosts import LOOPBACK, host_names
from ops.local.status import TenantStatus, as_table, tenant_statuses
from ops.local.target import STACK, Target
from ops.stack_config import committed_config

app = typer.Typer(help="The dev environment on this machine.", no_args_is_help=True)
app.add_typer(node_commands.app, name="node")


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        message = f'"{text}" is no address such as {LOOPBACK}; a hosts file takes no names'
        raise typer.BadParameter(message) from error


Cluster = Annotated[
    str | None,
    typer.Option(
        help="Context of your kubeconfig to use instead of the embedded cluster.", show_default="embedded"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


Address = Annotated[
    str,
    typer.Option(
        help="Where the ingress and the MQTT edge are.", parser=_address, metavar="IP", show_default=LOOPBACK
    ),
]


class NodeKind(enum.StrEnum):
    """What carries the pods of the embedded cluster."""

    SIMULATED = "simulated"
    REAL = "real"


Node = Annotated[
    NodeKind | None,
    typer.Option(
        help="What carries the pods: simulated nodes, where nothing runs, or a real one (Linux, root).",
        show_default="as it is, simulated at first",
    ),
]


@app.command()
@show_refusals
def up(*, cluster: Cluster = None, node: Node = None, yes: Yes = False) -> None:
    """Bring the dev environment up, or finish what an interrupted run began."""
    environment = Environment(target=Target.of(cluster), console=notes)
    environment.registry()
    if cluster is not None:
        confirm(f"Bring the dev environment up in {describe(cluster)}?", yes=yes)
    if node is NodeKind.REAL:
        environment.refuse_small_machine()
        environment.start_node()
    outcome = environment.up()
    notes.print(f"{outcome.changed} resources changed." if outcome.changed else "Nothing changed.")
    _print_tenants(environment, as_json=False)
    notes.print("\nNext:")
    for command, meaning in _NEXT:
        notes.print(f"  {command:<44} {meaning}")


_NEXT = (
    ("make status", "this table again"),
    ('eval "$(.venv/bin/iotistic local env)"', "then pulumi and kubectl work on it from this shell"),
    ("pulumi preview --diff", "what an edit of tenants/registry/dev/ would change"),
    ("make down", "remove everything again"),
)


@app.command()
@show_refusals
def down(*, cluster: Cluster = None, yes: Yes = False) -> None:
    """Remove everything that ``up`` made, customers' data included."""
    environment = Environment(target=Target.of(cluster), console=notes)
    if not environment.exists():
        notes.print("There is nothing to remove.")
        return
    where = "the embedded cluster" if cluster is None else describe(cluster)
    confirm(f"Remove the dev environment in {where}, with all its data?", yes=yes)
    environment.down()
    notes.print("Everything is removed.")


@app.command()
@show_refusals
def status(*, cluster: Cluster = None, as_json: Json = False) -> None:
    """Show the tenants and how they are."""
    environment = Environment(target=Target.of(cluster), console=notes)
    if not environment.exists():
        notes.print("Nothing is up. Bring it up with: make up")
        raise typer.Exit(1)
    _print_tenants(environment, as_json=as_json)


@app.command()
@show_refusals
def env(*, cluster: Cluster = None) -> None:
    """Print the variables with which pulumi and kubectl work on the dev environment: eval "$(...)"."""
    for name, value in Environment(target=Target.of(cluster), console=notes).variables().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
@show_refusals
def hosts(*, address: Address = LOOPBACK, as_json: Json = False) -> None:
    """Print the lines for the hosts file of a machine that does not find the environment's names."""
    domain = committed_config(STACK, root=tools.ROOT)["iotistic:domain"]
    tenants = Environment(target=Target.of(None), console=notes).registry().tenants
    names = host_names(tenants, domain=domain)
    if as_json:
        print_json({"address": address, "names": names})
        return
    for name in names:
        typer.echo(f"{address} {name}")


@app.command(name="tools")
@show_refusals
def fetch_tools() -> None:
    """Fetch or build every tool that is missing, and print where they are."""
    typer.echo(tools.ensure(console=notes).bin_dir)


def _print_tenants(environment: Environment, *, as_json: bool) -> None:
    statuses: list[TenantStatus] = tenant_statuses(environment)
    if as_json:
        print_json([status.as_json() for status in statuses])
    else:
        output.print(as_table(statuses))
