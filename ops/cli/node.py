"""``iotistic local node``: a real node beside the simulated ones."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads it when the program runs
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ops.cli.console import EXIT_FAILURE, confirm, notes, output, print_json, show_refusals
from ops.local.environment import Environment
from ops.local.target import Target
from tenants.errors import UsageError

if TYPE_CHECKING:
    from ops.local.node.node import RealNode
    from ops.local.node.supervision import PartStatus

app = typer.Typer(
    help="A real node of the embedded cluster, on which pods run (Linux, root).", no_args_is_help=True
)


@app.command()
@show_refusals
def up() -> None:
    """Bring the real node up, or start what of it has died or was made from something older."""
    if not _environment().start_node():
        notes.print("Everything was running.")
    _print(_found().status(), as_json=False)


@app.command()
@show_refusals
def down(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Remove the real node with all its volumes, and every trace of it on this machine."""
    node = _environment().node()
    if node is None:
        notes.print("There is no real node.")
        return
    confirm("Remove the real node with all data on its volumes?", yes=yes)
    node.down()
    notes.print("The node is removed.")


@app.command()
@show_refusals
def load(
    archive: Annotated[Path, typer.Argument(help="An archive of images, as 'docker save' writes it.")],
) -> None:
    """Bring images that no registry in reach offers to the real node."""
    found = _found().images.load(archive)
    notes.print(f"Loaded: {', '.join(found)}." if found else "The node had all of its images.")


@app.command()
@show_refusals
def status(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for programs instead of a table.")
    ] = False,
) -> None:
    """Show each part of the real node, whether it works, and where its log is."""
    node = _environment().node()
    found = [] if node is None else node.status()
    if found or as_json:
        _print(found, as_json=as_json)
    if not found:
        notes.print("There is no real node. Bring it up with: iotistic local node up")
        raise typer.Exit(EXIT_FAILURE)
    failing = [part.name for part in found if not part.healthy]
    if failing:
        notes.print(
            f"Dead, or not working: {', '.join(failing)}. Start what has died with: iotistic local node up"
        )
        raise typer.Exit(EXIT_FAILURE)


def _environment() -> Environment:
    return Environment(target=Target.of(None), console=notes)


def _found() -> RealNode:
    node = _environment().node()
    if node is None:
        raise UsageError.of(
            where="the real node",
            what="there is none",
            why="images are kept by a node, and go with it",
            how="bring it up first: iotistic local node up",
        )
    return node


def _print(found: list[PartStatus], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": part.name, "pid": part.pid, "healthy": part.healthy, "log": str(part.log)}
                for part in found
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("PART", "PROCESS", "WORKS", "LOG"):
        table.add_column(heading, overflow="fold")
    for part in found:
        works = "yes" if part.healthy else ("no" if part.pid else "dead")
        table.add_row(part.name, str(part.pid or "-"), works, str(part.log))
    output.print(table)
