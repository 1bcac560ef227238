"""Starts the parts of a node, knows old ones from current ones, and says how each of them is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ops.local import processes
from ops.local.node import cgroups
from ops.local.node.commands import SEARCH_PATH, NodeError
from ops.local.node.manifests import DNS_COMMAND, DNS_NAME
from ops.local.node.namespaces import start_detached, wait_for
from ops.local.node.parts import dns_question, is_relay, parts, python_path, relay
from ops.local.store import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from ops.local.node.addresses import Addresses
    from ops.local.node.layout import NodeLayout
    from ops.local.node.namespaces import Namespaces
    from ops.local.node.parts import Part
    from ops.local.tools import Toolbox

READY_SECONDS: Final = 180
_PATIENCE_SECONDS: Final = 10
"""For an old part to end well, before a new one takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """How one part of the node is.

    Attributes:
        name: The part.
        pid: Its process id, or None if it does not run.
        healthy: It runs and says that it works.
        log: Where it writes what it does.
    """

    name: str
    pid: int | None
    healthy: bool
    log: Path


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Looks after the parts of one node.

    Attributes:
        layout: The node's folder.
        namespaces: Where its parts run.
        toolbox: The binaries.
        server: Address of the API server.
        addresses: The node's.
    """

    layout: NodeLayout
    namespaces: Namespaces
    toolbox: Toolbox
    server: str
    addresses: Addresses

    def parts(self) -> list[Part]:
        """Return everything that runs inside the node, in the order in which it starts."""
        return parts(self.toolbox, self.addresses, self.server, self.layout.etc)

    def start_relay(self) -> list[str]:
        """Start the relay, unless it runs as it should, and return its name if it was started."""
        wanted = self._wanted_relay()
        running = self._relays()
        if any(processes.is_same(found, wanted.command) for found in running.values()) and self._is_current(
            wanted
        ):
            return []
        processes.end(running, patience=0)
        self._start(wanted, wanted.command)
        self._wait(wanted)
        return [wanted.name]

    def end_relay(self) -> None:
        """End the relay, whatever it was started for."""
        processes.end(self._relays(), patience=0)

    def start(self, part: Part) -> list[str]:
        """Start a part, unless it runs as it should, and return its name if it was started."""
        command = self.namespaces.enter(*part.command)
        inside = self.namespaces.processes()
        running = [pid for pid, found in inside.items() if part.is_command(found)]
        # One that is still on its way in.
        coming = processes.find(lambda found: found[-len(command) :] == command)
        if (running or coming) and self._is_current(part):
            return []
        processes.end([*running, *coming], patience=_PATIENCE_SECONDS)
        self._start(part, command)
        return [part.name]

    def wait(self, part: Part) -> None:
        """Wait until a part works. One that ends meanwhile is started again, as any supervisor would.

        The kubelet gives up where containerd answers, and its half for Kubernetes does not yet.

        Raises:
            NodeError: It does not work in time.
        """
        self._wait(part, again=True)

    def wait_for_dns(self) -> None:
        """Wait until the cluster's DNS answers, which it does a little later than its pod is ready.

        Raises:
            NodeError: It does not answer in time.
        """
        wait_for(
            lambda: self._succeeds(dns_question()),
            what="the cluster DNS",
            log=self._log("kube-proxy"),
            seconds=READY_SECONDS,
        )

    def status(self) -> list[PartStatus]:
        """Return how each part is, changing nothing."""
        inside = self.namespaces.processes()
        relay_pid = min(self._relays(), default=None)
        found = [self._status("relay", relay_pid, self._wanted_relay().healthy if inside else [])]
        for part in self.parts():
            pid = next((pid for pid, command in inside.items() if part.is_command(command)), None)
            found.append(self._status(part.name, pid, part.healthy))
        return [*found, self._dns()]

    def _dns(self) -> PartStatus:
        """Return how the cluster's DNS is, which runs in a pod."""
        ours = processes.find(lambda command: command == DNS_COMMAND)
        pid = next((pid for pid in ours if cgroups.holds(self.layout.cgroup, pid)), None)
        logs = self.layout.folder / "pod-logs"
        found = logs.glob(f"kube-system_{DNS_NAME}-*/{DNS_NAME}/*.log")
        return PartStatus(
            name=DNS_NAME,
            pid=pid,
            healthy=pid is not None and self._succeeds(dns_question()),
            log=max(found, key=lambda file: file.stat().st_mtime, default=logs),
        )

    def _status(self, name: str, pid: int | None, question: list[str]) -> PartStatus:
        healthy = pid is not None and self._succeeds(question)
        return PartStatus(name=name, pid=pid, healthy=healthy, log=self._log(name))

    def _succeeds(self, question: list[str]) -> bool:
        try:
            self.namespaces.run(*question)
        except NodeError:
            return False
        return True

    def _wait(self, part: Part, *, again: bool = False) -> None:
        def works() -> bool:
            if again:
                self.start(part)
            return self._succeeds(part.healthy)

        wait_for(works, what=part.name, log=self._log(part.name), seconds=READY_SECONDS)

    def _start(self, part: Part, command: list[str]) -> None:
        # Before it starts: a run that is killed in between finds nothing running, and starts it.
        self._remember(part)
        start_detached(command, self._log(part.name), self._environment())

    def _remember(self, part: Part) -> None:
        write_atomically(self.layout.started, json.dumps({**self._started(), part.name: part.made_from}))

    def _is_current(self, part: Part) -> bool:
        return self._started().get(part.name) == part.made_from

    def _started(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self.layout.started.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _wanted_relay(self) -> Part:
        return relay(self.namespaces.started, int(self.server.rsplit(":", 1)[1]), self.addresses)

    def _relays(self) -> dict[int, list[str]]:
        return processes.find(lambda command: is_relay(command, self.addresses))

    def _log(self, name: str) -> Path:
        return self.layout.logs / f"{name}.log"

    def _environment(self) -> dict[str, str]:
        path = f"{self.layout.folder / 'bin'}:{SEARCH_PATH}"
        return {"PATH": path, "PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/root"}
