"""Real programs as plain processes: HAProxy, the cluster's DNS and customers' brokers.

HAProxy runs from the configuration that the project renders. Only what ``Place`` names
differs from a pod: where it listens, whom it asks and where its files are.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import httpx

from infra.platform.edge_settings import EdgeSettings
from infra.platform.haproxy import BROKER_PORTS, FILES, Edge, Place, render
from tests.edge.certificates import Authority
from tests.edge.mqtt import Address, Client, Refused
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.edge.certificates import Pair

DOMAIN = "iotistic.localhost"
LOOPBACK = "127.0.0.1"
LOOPBACK6 = "::1"
PROGRAMS = ("haproxy", "dnsmasq", "mosquitto")

_START_SECONDS = 15.0
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/usr/lib/postgresql/15/bin"


def program(name: str) -> str | None:
    """Return where a program is. Debian keeps servers where a user's PATH does not look."""
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_PATH)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def child(pid: int) -> int:
    """Return the first process that a process has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Process:
    """A program that runs, and everything it says."""

    name: str
    command: list[str]
    log: Path
    popen: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(self.command, stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    @property
    def runs(self) -> bool:
        return self.popen.poll() is None

    def stop(self) -> None:
        if self.runs:
            # One that was paused has to go on before it can end.
            self.signal(signal.SIGCONT)
            self.popen.kill()
        self.popen.wait()

    def await_port(self, host: str, port: int, *, seconds: float = _START_SECONDS) -> None:
        def up() -> bool:
            assert self.runs, f"{self.name} ended: {self.said()}"
            return _accepts(host, port)

        wait_until(up, what=f"{self.name} listens on {host}:{port}", seconds=seconds)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass
class Proxy:
    """One HAProxy."""

    process: Process
    place: Place

    @property
    def address(self) -> Address:
        return Address(LOOPBACK, self.place.port)

    def metric(self, name: str, proxy: str) -> int:
        """Return a counter: ``metric("backend_sessions_total", "refused_no_name")``."""
        text = httpx.get(f"http://{LOOPBACK}:{self.place.metrics_port}/metrics").raise_for_status().text
        found = re.search(rf'^haproxy_{name}{{proxy="{proxy}"}} (\d+)$', text, re.MULTILINE)
        assert found, f"no metric {name} of {proxy}"
        return int(found[1])

    def refused(self, reason: str) -> int:
        return self.metric("backend_sessions_total", f"refused_{reason}")


class World:
    """A cluster's DNS, its customers' brokers, and the edge in front of them."""

    _networks: ClassVar[random.Random] = random.Random()  # noqa: S311 - only keeps runs apart

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.processes: list[Process] = []
        self.brokers: dict[str, Process] = {}
        # A network of this run's own: the brokers' port is always the same, so their addresses differ.
        self._network = f"127.{self._networks.randint(1, 254)}.{self._networks.randint(0, 254)}"
        self._hosts = folder / "hosts"
        self._hosts.mkdir()
        self._dns_port = free_port()
        self.dns = self._run(
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=root",
            "--no-resolv",
            "--no-hosts",
            f"--port={self._dns_port}",
            f"--listen-address={LOOPBACK}",
            "--bind-interfaces",
            f"--hostsdir={self._hosts}",
            "--local=/cluster.local/",
            "--local-ttl=5",
            "--cache-size=0",
        )
        self.dns.await_port(LOOPBACK, self._dns_port)

    def close(self) -> None:
        for process in self.processes:
            process.stop()

    def broker(
        self, customer: str, *, certificate: Pair | None = None, address: str | None = None
    ) -> Process:
        """Start a customer's broker and make it known to the DNS, as declaring the customer does.

        Args:
            customer: Whose it is.
            certificate: Its own, where TLS ends there.
            address: Where it listens; else an address of IPv4 of its own.
        """
        address = address or f"{self._network}.{len(self.brokers) + 1}"
        port = BROKER_PORTS["passthrough" if certificate else "terminate"]
        lines = ["user root", "allow_anonymous true", f"listener {port} {address}", "max_connections -1"]
        if certificate:
            file = certificate.write(self.folder / f"{customer}-tls")
            lines += [f"certfile {file}", f"keyfile {file.with_suffix('.key')}"]
        configuration = self.folder / f"{customer}.conf"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        process = self._run("mosquitto", "-c", str(configuration), name=f"broker of {customer}")
        process.await_port(address, port)
        self.brokers[customer] = process
        entry = f"{address} mosquitto.customer-{customer}.svc.cluster.local\n"
        (self._hosts / customer).write_text(entry, encoding="utf-8")
        return process

    def proxy(
        self,
        settings: EdgeSettings | None = None,
        *,
        certificate: Pair | None = None,
        around: Sequence[str] = (),
    ) -> Proxy:
        """Start an HAProxy from the rendered configuration.

        Args:
            settings: What the stack chose; else the defaults, with fewer connections.
            certificate: The wildcard certificate; else a new one.
            around: A command that runs it.
        """
        place = Place(
            address=LOOPBACK,
            address6=LOOPBACK6,
            port=free_port(),
            metrics_port=free_port(),
            nameserver=f"{LOOPBACK}:{self._dns_port}",
            certificate=str(
                (certificate or self.authority.issue(f"*.{DOMAIN}")).write(
                    self.folder / f"tls-{len(self.processes)}"
                )
            ),
            certificate_watch=str(FILES / "certificates.lua"),
            certificate_watch_seconds=1,
        )
        edge = Edge(domain=DOMAIN, settings=settings or edge_settings(), place=place)
        configuration = self.folder / f"haproxy-{len(self.processes)}.cfg"
        configuration.write_text(render(edge), encoding="utf-8")
        haproxy = (*around, "haproxy", "-db", "-f", str(configuration))
        process = self._run(*haproxy, name="haproxy")
        process.await_port(LOOPBACK, place.metrics_port)
        return Proxy(process, place)

    def client(self, proxy: Proxy, customer: str, *, name: str | None = None, keepalive: int = 60) -> Client:
        """Connect a device of a customer, which checks the certificate it is shown."""
        return Client(
            proxy.address,
            f"mqtt-{customer}.{DOMAIN}",
            self.authority.trust(),
            client_id=name or f"device-of-{customer}",
            keepalive=keepalive,
        )

    def accepts(self, proxy: Proxy) -> bool:
        """Return whether a process takes a new device."""
        try:
            self.client(proxy, "globex", name="probe").socket.close()
        except Refused:
            return False
        return True

    def _run(self, command: str, *arguments: str, name: str | None = None) -> Process:
        path = program(command)
        assert path, f"{command} is not installed"
        log = self.folder / f"{len(self.processes)}-{command}.log"
        process = Process(name or command, [path, *arguments], log)
        self.processes.append(process)
        return process


def edge_settings(**changes: object) -> EdgeSettings:
    """Return settings that fit a machine with few file descriptors to spare, and maybe without IPv6."""
    return EdgeSettings.model_validate(
        {"max_connections": 2_000, "drain_seconds": 60, "ipv6": False, **changes}
    )


@contextmanager
def paused(process: Process) -> Iterator[None]:
    """Hold a process still: it accepts connections, as its kernel does that, and never answers."""
    process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.signal(signal.SIGCONT)
