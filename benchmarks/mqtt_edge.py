"""How many new connections the MQTT edge takes, whatever the number of customers, beside a rule for each.

    .venv/bin/python -m benchmarks.mqtt_edge            # 100, 1,000 and 10,000 customers, about 3 minutes
    .venv/bin/python -m benchmarks.mqtt_edge --check    # fails if a limit is broken

Everything runs on this machine's loopback: HAProxy with one thread; dnsmasq as the cluster's DNS;
brokers that answer with their address; devices of random customers that check it. The edge runs
in both of its modes: with TLS passed through, so that names are routed and nothing is encrypted,
and with TLS ended, where each device does a whole handshake of TLS 1.3 and no session is taken up
again. The other configuration passes TLS through, with one ``use_backend`` and one backend for
each customer, without health checks, which would cost it more.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.edge_load import Device, brokers, client_hello, cpu_seconds, load, most_megabytes
from benchmarks.verdict import conclude
from infra.platform.edge_settings import EdgeLimits, EdgeSettings
from infra.platform.haproxy import BROKER_PORTS, FILES, Edge, Place, render
from tests.edge.certificates import Authority
from tests.edge.world import LOOPBACK, Process, free_port, program

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

    from benchmarks.edge_load import Tally

DOMAIN = "iotistic.localhost"
SIZES = (100, 1_000, 10_000)
NETWORK = "127.88.83"
BROKERS = 200
PORT = BROKER_PORTS["passthrough"]

MODES: Final[dict[str, Literal["passthrough", "terminate"]]] = {
    "edge": "passthrough",
    "edge, TLS ended": "terminate",
}
"""The edge's configurations that are measured, with their mode."""
RULES: Final = "a rule each"

DEVICES = 2_000
START_SECONDS = 120.0
"""Ten thousand rules take their time on a busy machine."""
ROUNDS = 5
SECONDS = 2.0
LEAST_CONNECTIONS = 100
"""Of a round, however long it takes: fewer would show what a process costs that does nothing."""

LEAST_OF_BEST = 0.8
"""The edge's cost of a connection at any size, against its own best."""

MOST_MEGABYTES = 60.0

MOST_CONNECTIONS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one configuration did with one number of customers.

    Attributes:
        per_second: New connections per second, on a machine that also runs both their ends.
        per_cpu_second: New connections per second of the proxy's own processor time.
        megabytes: The most memory the proxy had.
        right: Connections that the right broker answered.
        other: Those that another one answered, or none.
    """

    customers: int
    configuration: str
    per_second: float
    per_cpu_second: float
    megabytes: float
    right: int
    other: int


def main(*, check: Annotated[bool, typer.Option(help="Fail if a limit is broken.")] = False) -> None:
    """Measure, show a table, and with --check fail if a limit is broken."""
    console = Console()
    missing = [name for name in ("haproxy", "dnsmasq") if program(name) is None]
    if missing:
        console.print(f"not installed: {', '.join(missing)} (on Debian: apt-get install haproxy dnsmasq)")
        raise typer.Exit(2)
    with brokers([address(number) for number in range(BROKERS)], sorted(BROKER_PORTS.values())):
        results = measure(SIZES)
    conclude(console, table(results), broken_limits(results), check=check)


def measure(sizes: Sequence[int]) -> list[Result]:
    """Run everything in turn, round by round, so that the machine's moods hit all alike."""
    with ExitStack() as stack:
        subjects = [subject for customers in sizes for subject in start(stack, customers)]
        for _ in range(ROUNDS):
            for subject in subjects:
                before = cpu_seconds(subject.pid)
                tally = load(
                    subject.port,
                    subject.devices,
                    seconds=SECONDS,
                    least=LEAST_CONNECTIONS,
                    trust=subject.trust,
                )
                subject.rounds.append((tally, cpu_seconds(subject.pid) - before))
        return [subject.result() for subject in subjects]


@dataclass(kw_only=True)
class Subject:
    """A proxy that is measured.

    Attributes:
        customers: How many customers it serves.
        configuration: Which configuration it has.
        pid: Its process.
        port: Where it listens.
        devices: Who connects to it, without end.
        trust: How they check its certificate, if TLS ends at it.
        rounds: What came of each round, and the processor seconds that it took.
    """

    customers: int
    configuration: str
    pid: int
    port: int
    devices: Iterator[Device]
    trust: ssl.SSLContext | None
    rounds: list[tuple[Tally, float]] = field(default_factory=list)

    def result(self) -> Result:
        """Return the medians of the rounds."""
        return Result(
            customers=self.customers,
            configuration=self.configuration,
            per_second=statistics.median(tally.right / tally.seconds for tally, _ in self.rounds),
            per_cpu_second=statistics.median(tally.right / used for tally, used in self.rounds),
            megabytes=most_megabytes(self.pid),
            right=sum(tally.right for tally, _ in self.rounds),
            other=sum(tally.wrong + tally.failed for tally, _ in self.rounds),
        )


def start(stack: ExitStack, customers: int) -> list[Subject]:
    """Start a DNS that knows so many customers, and a proxy of each configuration."""
    authority = Authority()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    dns_port = free_port()
    dns = start_dns(folder, customers, dns_port)
    stack.callback(dns.stop)
    dns.await_port(LOOPBACK, dns_port)
    certificate = authority.issue(f"*.{DOMAIN}").write(folder / "tls")
    devices = sample(customers)
    subjects = []
    for name, text, port in (
        *((name, *edge_configuration(dns_port, mode, certificate)) for name, mode in MODES.items()),
        (RULES, *rules_configuration(customers)),
    ):
        proxy = start_proxy(folder, name.replace(" ", "-").replace(",", ""), text)
        stack.callback(proxy.stop)
        proxy.await_port(LOOPBACK, port, seconds=START_SECONDS)
        subjects.append(
            Subject(
                customers=customers,
                configuration=name,
                pid=proxy.popen.pid,
                port=port,
                devices=itertools.cycle(devices),
                trust=authority.trust() if MODES.get(name) == "terminate" else None,
            )
        )
    return subjects


def address(number: int) -> str:
    """Return the address of a customer's broker: customers share some brokers, which is all the same here."""
    return f"{NETWORK}.{number % BROKERS + 1}"


def customer(number: int) -> str:
    """Return a customer's id."""
    return f"customer-{number:05}"


def sample(customers: int) -> list[Device]:
    """Return devices of random customers, the same ones each time."""
    chosen = random.Random(customers)  # noqa: S311 - nothing secret
    numbers = [chosen.randrange(customers) for _ in range(DEVICES)]
    names = {number: f"mqtt-{customer(number)}.{DOMAIN}" for number in numbers}
    return [Device(names[number], client_hello(names[number]), address(number)) for number in numbers]


def start_dns(folder: Path, customers: int, port: int) -> Process:
    """Start a DNS that knows every customer's broker."""
    hosts = folder / "hosts"
    hosts.write_text(
        "".join(
            f"{address(number)} mosquitto.customer-{customer(number)}.svc.cluster.local\n"
            for number in range(customers)
        ),
        encoding="utf-8",
    )
    return Process(
        "dnsmasq",
        [
            str(program("dnsmasq")),
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=root",
            "--no-resolv",
            "--no-hosts",
            f"--port={port}",
            f"--listen-address={LOOPBACK}",
            "--bind-interfaces",
            f"--addn-hosts={hosts}",
            "--local=/cluster.local/",
        ],
        folder / "dnsmasq.log",
    )


def start_proxy(folder: Path, name: str, text: str) -> Process:
    """Start HAProxy from a configuration."""
    file = folder / f"{name}.cfg"
    file.write_text(text, encoding="utf-8")
    return Process(name, [str(program("haproxy")), "-db", "-f", str(file)], folder / f"{name}.log")


def edge_configuration(
    dns_port: int, mode: Literal["passthrough", "terminate"], certificate: Path
) -> tuple[str, int]:
    """Return the project's own configuration, with room for one address to connect without end."""
    place = Place(
        address=LOOPBACK,
        port=free_port(),
        metrics_port=free_port(),
        nameserver=f"{LOOPBACK}:{dns_port}",
        certificate=str(certificate),
        certificate_watch=str(FILES / "certificates.lua"),
    )
    limits = EdgeLimits(
        connections_per_customer=MOST_CONNECTIONS,
        new_connections_per_customer=MOST_CONNECTIONS,
        connections_per_address=MOST_CONNECTIONS,
        new_connections_per_address=MOST_CONNECTIONS,
    )
    settings = EdgeSettings(mode=mode, ipv6=False, threads=1, max_connections=2_000, limits=limits)
    return render(Edge(domain=DOMAIN, settings=settings, place=place)), place.port


def rules_configuration(customers: int) -> tuple[str, int]:
    """Return a configuration with a rule and a backend for each customer."""
    port = free_port()
    lines = [
        "global",
        "    maxconn 2000",
        "    nbthread 1",
        "defaults",
        "    mode tcp",
        "    timeout connect 5s",
        "    timeout client 60s",
        "    timeout server 60s",
        "frontend mqtt_tls",
        f"    bind {LOOPBACK}:{port}",
        "    tcp-request inspect-delay 5s",
        "    tcp-request content accept if { req.ssl_hello_type 1 }",
    ]
    numbers = range(customers)
    lines += [
        f"    use_backend mqtt_{number} if {{ req.ssl_sni -i mqtt-{customer(number)}.{DOMAIN} }}"
        for number in numbers
    ]
    for number in numbers:
        lines += [f"backend mqtt_{number}", f"    server mosquitto {address(number)}:{PORT}"]
    return "\n".join(lines) + "\n", port


def table(results: Sequence[Result]) -> Table:
    """Return the results for people: new connections per second, of the clock and of the processor."""
    shown = Table("customers", "configuration", "per s", "per CPU s", "of its best", "MB", "right", "other")
    for result in results:
        best = best_of(results, result.configuration)
        shown.add_row(
            f"{result.customers:,}",
            result.configuration,
            f"{result.per_second:,.0f}",
            f"{result.per_cpu_second:,.0f}",
            f"{result.per_cpu_second / best:.0%}",
            f"{result.megabytes:.1f}",
            f"{result.right:,}",
            f"{result.other:,}",
        )
    return shown


def best_of(results: Sequence[Result], configuration: str) -> float:
    """Return what a configuration did at best, whatever the number of customers, per processor second."""
    return max(result.per_cpu_second for result in results if result.configuration == configuration)


def broken_limits(results: Sequence[Result]) -> list[str]:
    """Return what is not as it must be, in words.

    Growth is judged by processor time, of rounds that take turns: a busy machine changes it less than the
    clock's, and all sizes alike.
    """
    ours = [result for result in results if result.configuration in MODES]
    problems = [
        f"{result.customers:,} customers, {result.configuration}: {result.per_cpu_second:,.0f} connections "
        f"per CPU second, less than {LEAST_OF_BEST:.0%} of the best, {best:,.0f}"
        for result in ours
        if result.per_cpu_second < LEAST_OF_BEST * (best := best_of(results, result.configuration))
    ]
    problems += [
        f"{result.customers:,} customers, {result.configuration}: {result.megabytes:.1f} MB, "
        f"more than {MOST_MEGABYTES:.0f}"
        for result in ours
        if result.megabytes > MOST_MEGABYTES
    ]
    problems += [
        f"{result.customers:,} customers, {result.configuration}: {result.other:,} connections went wrong"
        for result in results
        if result.other
    ]
    return problems


if __name__ == "__main__":
    typer.run(main)
