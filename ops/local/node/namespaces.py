"""The namespaces a node lives in, held by its first process."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.local import processes
from ops.local.control_plane import SERVICE_RANGE
from ops.local.node.commands import SEARCH_PATH, NodeError, run, which
from ops.local.node.layout import BRIDGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.local.node.addresses import Addresses
    from ops.local.node.layout import NodeLayout

_SCRIPT: Final = Path(__file__).parent / "templates" / "holder.sh"
_READY_SECONDS: Final = 10
_LOG: Final = "holder"
_PREFERENCE: Final = "100"
"""Before the rules that Linux has of its own, but for that of a machine's own addresses."""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Processes, mounts and network of one node, apart from the machine's own.

    Attributes:
        layout: The node's folder.
    """

    layout: NodeLayout

    @property
    def holder(self) -> int | None:
        """Process id of the node's first process, or None if the node does not run."""
        # Whichever checkout of the project started it: the folder tells whose node it is.
        shell, script, *arguments = self._command
        found = processes.find(
            lambda command: (
                command[0] == shell
                and command[1:2] != []
                and Path(command[1]).name == Path(script).name
                and command[2:] == arguments
            )
        )
        return min(found, default=None)

    @property
    def started(self) -> int:
        """Process id of the node's first process.

        Raises:
            NodeError: The node does not run.
        """
        holder = self.holder
        if holder is None:
            message = f"the node in {self.layout.folder} does not run: start it with: iotistic local node up"
            raise NodeError(message)
        return holder

    @property
    def _command(self) -> list[str]:
        return ["/bin/sh", str(_SCRIPT), str(self.layout.folder)]

    def start(self, addresses: Addresses) -> None:
        """Make the namespaces, unless they are there, and lay the cable to them."""
        if self.holder is None:
            ready = self.layout.etc / "ready"
            ready.unlink(missing_ok=True)
            isolate = ("--net", "--mount", "--pid", "--fork", "--mount-proc", "--propagation=private")
            start_detached(
                [which("unshare"), *isolate, "--", *self._command], self.layout.logs / f"{_LOG}.log"
            )
            wait_for(ready.exists, what="namespaces", log=self.layout.logs / f"{_LOG}.log")
        self._lay_cable(addresses)

    def end(self) -> None:
        """End the first process, and with it everything in the namespaces."""
        holder = self.holder
        if holder is not None:
            inside = self.processes()
            # Each of those waits out here for a process inside. One that was stopped would never take
            # notice of its end, and the namespaces would never be empty.
            waiting = processes.find(lambda command: f"--target={holder}" in command)
            processes.end([*waiting, holder, *inside], patience=0)

    def remove_cable(self) -> None:
        """Remove the cable, which goes with the node's network unless something still holds that."""
        interface = self.layout.interface
        if _has_interface(interface):
            # The kernel may be just about to remove it.
            with contextlib.suppress(NodeError):
                _ip(f"link delete {interface}")
        wait_for(
            lambda: not _has_interface(interface),
            what="removal of the cable",
            log=self.layout.logs / f"{_LOG}.log",
        )

    def enter(self, *command: str, network: bool = True) -> list[str]:
        """Return ``command`` so that it runs inside.

        Args:
            command: Program and arguments.
            network: False to leave it in this machine's network.
        """
        kinds = ["--mount", "--pid", *(["--net"] if network else [])]
        return [which("nsenter"), f"--target={self.started}", *kinds, "--", *command]

    def run(self, *command: str, network: bool = True) -> str:
        """Run ``command`` inside and return what it printed.

        Raises:
            NodeError: It did not end with 0.
        """
        return run(
            self.enter(*command, network=network),
            said=f"{' '.join(command)} in the node",
            environment={"PATH": f"{self.layout.folder / 'bin'}:{SEARCH_PATH}"},
        )

    def processes(self) -> dict[int, list[str]]:
        """Return the command lines of everything that runs inside, by process id out here."""
        holder = self.holder
        if holder is None:
            return {}
        home = _pid_namespace(holder)
        everything = processes.find(lambda _: True)
        return {pid: command for pid, command in everything.items() if _pid_namespace(pid) == home}

    def _lay_cable(self, addresses: Addresses) -> None:
        """Lay the cable, or what is missing of it: a run may have been killed between any two steps."""
        interface = self.layout.interface
        if not _has_interface(interface):
            _ip(f"link add {interface} type veth peer name eth0 netns {self.started}")
        _ip(f"address replace {addresses.host}/30 dev {interface}")
        _ip(f"link set {interface} up")
        for arguments in (
            "link set lo up",
            f"address replace {addresses.node}/30 dev eth0",
            "link set eth0 up",
            f"route replace default via {addresses.host}",
        ):
            self.run(which("ip"), *arguments.split())
        self._keep_in_what_nobody_serves()
        _ip(f"route replace {addresses.pods} via {addresses.node} dev {interface}")

    def _keep_in_what_nobody_serves(self) -> None:
        """Refuse what a pod sends to a service without pods. Any other has a pod's address by now.

        kube-proxy would refuse it, but kube-router lets it out before, since no policy forbids it. It would
        leave the node, and the connection would never find the pods that come later.
        """
        ip = which("ip")
        if not self.run(ip, "rule", "show", "pref", _PREFERENCE):
            refused = f"rule add pref {_PREFERENCE} iif {BRIDGE} to {SERVICE_RANGE} unreachable"
            self.run(ip, *refused.split())


def start_detached(command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
    """Start a process that outlives this one, and append what it says to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        subprocess.run(  # noqa: S603 - the project's own commands
            [which("setsid"), "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment or {"PATH": SEARCH_PATH},
            check=True,
        )


def wait_for(check: Callable[[], bool], *, what: str, log: Path, seconds: float = _READY_SECONDS) -> None:
    """Wait until ``check()`` is true.

    Raises:
        NodeError: It did not become so in time.
    """
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            message = f"{what}: not ready after {seconds:.0f} s; the last lines of {log}:\n{tail(log)}"
            raise NodeError(message)
        time.sleep(0.1)


def tail(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(there is none)"


def _ip(arguments: str) -> None:
    run([which("ip"), *arguments.split()])


def _has_interface(name: str) -> bool:
    return (Path("/sys/class/net") / name).exists()


def _pid_namespace(pid: int) -> str:
    try:
        return str((Path("/proc") / str(pid) / "ns" / "pid").readlink())
    except OSError:
        return ""
