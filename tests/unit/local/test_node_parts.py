"""Parts of a node: which are started, which are old, and what says that they work."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from ops.local.node import ask_dns, cgroups, supervision
from ops.local.node import parts as node_parts
from ops.local.node.addresses import Addresses
from ops.local.node.commands import NodeError
from ops.local.node.layout import NodeLayout
from ops.local.node.namespaces import Namespaces
from ops.local.node.parts import Part, fingerprint, parts, relay
from ops.local.node.supervision import Supervisor
from ops.local.tools import Toolbox
from tests.waiting import last_seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESSES = Addresses(IPv4Network("10.245.0.0/23"))
SERVER = "https://127.0.0.1:20000"
TOOLS = ("kubelet", "kube-proxy", "kube-router", "cert-manager")
NAMES = ["containerd", "kubelet", "kube-proxy", "kube-router", "cert-manager", "volumes"]


class TestMadeFrom:
    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "containerd").touch()
        monkeypatch.setattr(node_parts, "which", lambda name: str(tmp_path / name))

    @staticmethod
    def made_from(folder: Path, *, home: str = "tools", **versions: str) -> dict[str, str]:
        """Return what each part is made from, with the tools in ``home``."""
        binaries = {name: folder / home / name / versions.get(name, "1.0") / name for name in TOOLS}
        found = parts(Toolbox(folder, binaries), ADDRESSES, SERVER, folder / "etc")
        assert [part.name for part in found] == NAMES
        return {part.name: part.made_from for part in found}

    def changed(self, folder: Path, before: dict[str, str], **more: str) -> set[str]:
        after = self.made_from(folder, **more)
        return {name for name in NAMES if after[name] != before[name]}

    def test_another_version_of_a_program_is_another_part(self, tmp_path: Path) -> None:
        before = self.made_from(tmp_path)
        assert self.changed(tmp_path, before) == set()
        assert self.changed(tmp_path, before, kubelet="1.1") == {"kubelet"}

    def test_another_checkout_with_the_same_tools_is_not(self, tmp_path: Path) -> None:
        assert self.changed(tmp_path, self.made_from(tmp_path), home="elsewhere") == set()

    @pytest.mark.parametrize(
        ("file", "read_by"),
        [
            ("containerd.toml", {"containerd"}),
            ("kubelet.yaml", {"kubelet"}),
            ("kube-proxy.yaml", {"kube-proxy"}),
            ("kubeconfig", {"kubelet", "kube-proxy", "kube-router", "cert-manager"}),
            ("client.key", {"volumes"}),
            ("unread", set()),
        ],
    )
    def test_what_a_part_reads_makes_it_another(self, tmp_path: Path, file: str, read_by: set[str]) -> None:
        before = self.made_from(tmp_path)
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / file).write_text("changed")
        assert self.changed(tmp_path, before) == read_by

    def test_an_update_of_the_machines_containerd_is_noticed(self, tmp_path: Path) -> None:
        before = self.made_from(tmp_path)
        (tmp_path / "containerd").write_text("newer")
        assert self.changed(tmp_path, before) == {"containerd"}


def test_a_relay_of_another_node_or_port_is_another() -> None:
    made = {relay(holder, port, ADDRESSES).made_from for holder, port in ((1, 2), (1, 3), (2, 2))}
    assert len(made) == 3


@dataclass(frozen=True, slots=True)
class Outside(Namespaces):
    """A node whose parts run beside the tests, told from all else by their folder."""

    def enter(self, *command: str, network: bool = True) -> list[str]:
        assert network
        return list(command)

    def run(self, *command: str, network: bool = True) -> str:
        assert network
        if command[0] != "works":
            message = f"{command[0]} does not"
            raise NodeError(message)
        return ""

    def processes(self) -> dict[int, list[str]]:
        return processes.find(lambda command: str(self.layout.folder) in command)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    layout = NodeLayout(tmp_path)
    found = Supervisor(layout, Outside(layout), Toolbox(tmp_path, {}), SERVER, ADDRESSES)
    yield found
    processes.end(found.namespaces.processes(), patience=0)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    command = ["/bin/sh", "-c", "sleep 60 & wait", str(tmp_path)]
    return Part("sleeper", command, ["works"], fingerprint("1", command[1:]))


def pids(supervisor: Supervisor, *, count: int = 1) -> list[int]:
    """Return the part's processes, once there are as many as there shall be, and none is on its way."""

    def complete(found: dict[int, list[str]]) -> bool:
        return len(found) == count and all(command[0] == "/bin/sh" for command in found.values())

    found = last_seen(supervisor.namespaces.processes, complete, seconds=10)
    assert complete(found), found
    return sorted(found)


class TestStart:
    def test_what_runs_stays(self, supervisor: Supervisor, part: Part) -> None:
        assert supervisor.start(part) == ["sleeper"]
        before = pids(supervisor)
        assert supervisor.start(part) == []
        assert pids(supervisor) == before

    def test_what_died_comes_back(self, supervisor: Supervisor, part: Part) -> None:
        supervisor.start(part)
        processes.end(pids(supervisor), patience=0)
        assert supervisor.start(part) == ["sleeper"]
        pids(supervisor)

    def test_an_old_one_makes_room_for_a_new_one(self, supervisor: Supervisor, part: Part) -> None:
        supervisor.start(part)
        before = pids(supervisor)
        newer = replace(part, command=[*part.command, "--new"], made_from="newer")
        assert supervisor.start(newer) == ["sleeper"]
        assert pids(supervisor) != before
        assert supervisor.start(newer) == []

    def test_one_of_which_nobody_knows_what_it_was_made_from_is_old(
        self, supervisor: Supervisor, part: Part
    ) -> None:
        supervisor.start(part)
        before = pids(supervisor)
        supervisor.layout.started.unlink()
        assert supervisor.start(part) == ["sleeper"]
        assert pids(supervisor) != before

    def test_one_that_never_works_is_given_up_with_its_log(
        self, supervisor: Supervisor, part: Part, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "READY_SECONDS", 0.3)
        talking = replace(part, command=["/bin/sh", "-c", "echo my reason", str(supervisor.layout.folder)])
        with pytest.raises(NodeError, match=r"sleeper: not ready after .* s; .*\n(my reason\n?)+"):
            supervisor.wait(replace(talking, healthy=["fails"]))
        supervisor.wait(replace(part, healthy=["works"]))


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("0::/ours/kubepods/pod1", True),
        ("4:memory:/ours", True),
        ("0::/ours-too/pod1", False),
        ("0::/", False),
        ("0::/other/ours", False),
    ],
)
def test_a_process_is_in_a_group_or_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, *, held: bool
) -> None:
    monkeypatch.setattr(cgroups, "PROC", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"9:name=systemd:/\n{line}\n")
    assert cgroups.holds("ours", 7) is held
    assert not cgroups.holds("ours", 8), "it ended"


class TestDns:
    @staticmethod
    def ask(answer: bytes | None) -> tuple[int, bytes]:
        """Ask a name server that answers so, and return what was made of it and what it was asked."""
        asked: list[bytes] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))

            def serve() -> None:
                message, client = server.recvfrom(512)
                asked.append(message)
                if answer is not None:
                    server.sendto(answer, client)

            thread = threading.Thread(target=serve)
            thread.start()
            status = ask_dns.main("127.0.0.1", "a.example", server.getsockname()[1])
            thread.join()
        return status, asked[0]

    def test_a_name_that_is_known_is_good(self) -> None:
        status, asked = self.ask(bytes([0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1]))
        assert status == 0
        assert asked == b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"

    @pytest.mark.parametrize(
        "answer",
        [
            bytes([0, 1, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
            bytes([0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
            b"short",
            None,
        ],
        ids=["no such name", "no record", "no answer of a name server", "silence"],
    )
    def test_everything_else_is_not(self, answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ask_dns, "_SECONDS", 0.2)
        assert self.ask(answer)[0] == 1

    def test_nobody_there_is_not(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            port = gone.getsockname()[1]
        assert ask_dns.main("127.0.0.1", "a.example", port) == 1
