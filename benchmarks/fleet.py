"""How long a fleet of customers takes to come up, to be left alone, and to change, beside Helm and kubectl.

    .venv/bin/python -m benchmarks.fleet                       # 10 and 25 customers, some minutes
    .venv/bin/python -m benchmarks.fleet --customers=50        # some more minutes
    .venv/bin/python -m benchmarks.fleet --check               # fails if a limit is broken

Each number of customers has an embedded cluster of its own: API server, scheduler and
controllers are real, nodes are simulated, so that no time is spent on pulling and starting.
The three ways take turns on it with customers of their own, in the same minutes. Nothing is
deleted meanwhile; the program comes last, when the cluster is fullest.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.fleet_ways import (
    HELM,
    KUBECTL,
    OURS,
    PAID_UNTIL,
    Applied,
    Program,
    Releases,
    Renderer,
    Way,
    customer_file,
)
from benchmarks.verdict import conclude
from ops.local.cluster import EmbeddedCluster
from ops.local.tools import ROOT, ensure, everyday
from tests.cluster.dev_project import DevProject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.local.tools import Toolbox

SIZES: Final = (10, 25)
WORK: Final = {"first": 0, "unchanged": 0, "one changed": 1}
"""What is timed, in this order, with the number of customers that differ from the first time."""

CLUSTER: Final = "iotistic-dev"
"""What the dev environment calls its embedded cluster."""

WAYS: Final = (KUBECTL, HELM, OURS)
CUSTOMERS_ON_A_NODE: Final = 3

MOST_OF_HELM: Final = 1.0
"""How long ten customers, a cell, may take when nothing or one of them changed, as a share of Helm's time.

The first time has no limit: the engine writes its whole state at each step, so that a run that is
killed loses nothing.
"""

CELL: Final = 10


@dataclass(frozen=True, kw_only=True)
class Result:
    """How long one way took for one piece of work with one number of customers."""

    customers: int
    way: str
    work: str
    seconds: float


def main(
    *,
    customers: Annotated[list[int] | None, typer.Option(help="How many customers; may be repeated.")] = None,
    check: Annotated[bool, typer.Option(help="Fail if a limit is broken.")] = False,
) -> None:
    """Measure, show a table, and with --check fail if a limit is broken."""
    console = Console()
    toolbox = ensure([*everyday(), "helm"], console=console)
    results = [result for count in customers or SIZES for result in measure(count, toolbox, console)]
    conclude(console, table(results), broken_limits(results), check=check)


def measure(count: int, toolbox: Toolbox, console: Console) -> list[Result]:
    """Time every way on a cluster of its own, which goes again."""
    with tempfile.TemporaryDirectory() as folder:
        project = DevProject.clone(Path(folder) / "project")
        for file in project.registry.glob("[!_]*.yaml"):
            file.unlink()
        project.home.mkdir(parents=True)
        nodes = 1 + len(WAYS) * count // CUSTOMERS_ON_A_NODE
        cluster = EmbeddedCluster(CLUSTER, project.home / "cluster", toolbox, console, nodes=nodes)
        try:
            access = cluster.up()
            # The platform, which is the same for all of them, and one customer: a registry cannot be empty.
            first = customer_file("first", 0, paid_until=PAID_UNTIL)
            (project.registry / "first.yaml").write_text(first, encoding="utf-8")
            project.iotistic("local", "up")
            renderer = Renderer(ROOT)
            ways: list[Way] = [
                Applied(toolbox, access, renderer, Path(folder) / "kubectl"),
                Releases(toolbox, access, renderer, Path(folder) / "helm"),
                Program(project),
            ]
            return [result for way in ways for result in timed(way, count)]
        finally:
            cluster.down()


def timed(way: Way, count: int) -> Iterator[Result]:
    """Do each piece of work one way, one after the other."""
    for work, changed in WORK.items():
        way.prepare(count, changed=changed)
        started = time.perf_counter()
        way.bring()
        yield Result(customers=count, way=way.name, work=work, seconds=time.perf_counter() - started)


def share(results: Sequence[Result], result: Result, *, of: str) -> float:
    """Return how long a result took, as a share of what another way took for the same."""
    (other,) = [
        found
        for found in results
        if (found.customers, found.work, found.way) == (result.customers, result.work, of)
    ]
    return result.seconds / other.seconds


def table(results: Sequence[Result]) -> Table:
    """Return the results for people."""
    shown = Table("customers", "way", "work", "seconds", "of helm's time")
    for result in results:
        shown.add_row(
            f"{result.customers:,}",
            result.way,
            result.work,
            f"{result.seconds:.1f}",
            f"{share(results, result, of=HELM):.2f}",
        )
    return shown


def broken_limits(results: Sequence[Result]) -> list[str]:
    """Return what is slower than it may be, in words."""
    return [
        f"{result.customers} customers, {result.work}: {of_helm:.1f} times as long as Helm, "
        f"more than {MOST_OF_HELM:g}"
        for result in results
        if result.way == OURS
        and result.work != "first"
        and result.customers == CELL
        and (of_helm := share(results, result, of=HELM)) > MOST_OF_HELM
    ]


if __name__ == "__main__":
    typer.run(main)
