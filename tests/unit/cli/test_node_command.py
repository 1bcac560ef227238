"""``iotistic local node``: where there is no node, where there can be none, and where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ops.cli import node as node_commands
from ops.local.environment import Environment
from ops.local.node.supervision import PartStatus

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

COMMANDS = (("up",), ("down", "--yes"), ("status",), ("status", "--json"), ("load", "images.tar"))
WORKS = PartStatus(name="kubelet", pid=7, healthy=True, log=Path("/logs/kubelet.log"))
STUCK = PartStatus(name="kube-proxy", pid=8, healthy=False, log=Path("/logs/kube-proxy.log"))
DEAD = PartStatus(name="coredns", pid=None, healthy=False, log=Path("/logs/coredns.log"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that was never brought up, of root on Linux; whoever fetches a tool for it fails."""

    def fetch(*_: object, **__: object) -> None:
        message = "a tool was fetched"
        raise AssertionError(message)

    monkeypatch.setattr("ops.local.target.HOME", tmp_path / "home")
    monkeypatch.setattr("ops.local.environment.tools.ensure", fetch)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("ops.local.node.machine.sys.platform", "linux")
    return tmp_path / "home"


@pytest.mark.parametrize("command", ["up", "down", "status", "load"])
def test_each_says_what_it_does(project: Project, command: str) -> None:
    answer = project.run("local", "node", command, "--help")
    assert answer.status == 0
    assert "real node" in " ".join(answer.out.split())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_root_has_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    answer = project.run("local", "node", *command)
    assert (answer.status, answer.out) == (2, "")
    assert "this user: is not root, and a real node needs root" in answer.flat
    assert "simulated nodes (make up)" in answer.flat


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_only_linux_has_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, home: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("ops.local.node.machine.sys.platform", "darwin")
    answer = project.run("local", "node", *command)
    assert (answer.status, answer.out) == (2, "")
    assert "this machine: runs darwin, and a real node needs Linux" in answer.flat
    assert not home.exists()


class TestNone:
    def test_its_status_is_1(self, project: Project) -> None:
        answer = project.run("local", "node", "status")
        assert (answer.status, answer.out) == (1, "")
        assert answer.flat == "There is no real node. Bring it up with: iotistic local node up"

    def test_programs_read_an_empty_list(self, project: Project) -> None:
        answer = project.run("local", "node", "status", "--json")
        assert (answer.status, answer.data) == (1, [])

    def test_there_is_nothing_to_remove(self, project: Project) -> None:
        answer = project.run("local", "node", "down")
        assert (answer.status, answer.flat) == (0, "There is no real node.")

    def test_nothing_keeps_images(self, project: Project) -> None:
        answer = project.run("local", "node", "load", "images.tar")
        assert (answer.status, answer.out) == (2, "")
        assert "the real node: there is none" in answer.flat
        assert "bring it up first: iotistic local node up" in answer.flat


class TestMade:
    @pytest.fixture(autouse=True)
    def _made(self, home: Path) -> None:
        (home / "dev" / "node").mkdir(parents=True)

    def test_whoever_took_its_cluster_away_is_told_so(self, project: Project) -> None:
        answer = project.run("local", "node", "status")
        assert (answer.status, answer.out) == (2, "")
        assert "cluster iotistic-dev: it does not exist" in answer.flat

    @pytest.mark.parametrize("command", ["up", "down"])
    def test_all_of_the_environment_is_roots_then(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, home: Path, command: str
    ) -> None:
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        answer = project.run("local", command, *(["--yes"] if command == "down" else []))
        assert answer.status == 2
        assert "this user: is not root" in answer.flat
        assert (home / "dev" / "node").is_dir()


@dataclass
class PlayedNode:
    """A node that was started before with these parts, and that starts those named last."""

    parts: list[PartStatus]
    started: tuple[str, ...] = ()
    removed: bool = False

    def status(self) -> list[PartStatus]:
        return self.parts

    def down(self) -> None:
        self.removed = True


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> PlayedNode:
    node = PlayedNode([WORKS])
    monkeypatch.setattr(Environment, "node", lambda _: node)
    monkeypatch.setattr(Environment, "start_node", lambda _: list(node.started))
    return node


class TestThere:
    @pytest.mark.usefixtures("played")
    def test_each_part_is_shown_with_its_log(self, project: Project) -> None:
        answer = project.run("local", "node", "status")
        assert (answer.status, answer.flat) == (0, "")
        assert ["kubelet", "7", "yes", "/logs/kubelet.log"] in [
            line.split() for line in answer.out.splitlines()
        ]

    def test_programs_read_the_same(self, project: Project, played: PlayedNode) -> None:
        played.parts.append(DEAD)
        answer = project.run("local", "node", "status", "--json")
        assert answer.status == 1
        assert answer.data == [
            {"name": "kubelet", "pid": 7, "healthy": True, "log": "/logs/kubelet.log"},
            {"name": "coredns", "pid": None, "healthy": False, "log": "/logs/coredns.log"},
        ]

    def test_what_does_not_work_is_named(self, project: Project, played: PlayedNode) -> None:
        played.parts += [STUCK, DEAD]
        answer = project.run("local", "node", "status")
        words = [line.split()[:3] for line in answer.out.splitlines()]
        assert (answer.status, words[2:]) == (1, [["kube-proxy", "8", "no"], ["coredns", "-", "dead"]])
        assert answer.flat.startswith("Dead, or not working: kube-proxy, coredns. ")
        assert "iotistic local node up" in answer.flat

    def test_it_goes_only_with_somebodys_word(self, project: Project, played: PlayedNode) -> None:
        answer = project.run("local", "node", "down")
        assert (answer.status, "there is nobody to ask" in answer.flat, played.removed) == (2, True, False)
        assert project.run("local", "node", "down", "--yes").status == 0
        assert played.removed

    @pytest.mark.parametrize(("started", "said"), [((), "Everything was running."), (("kubelet",), "")])
    def test_up_shows_how_it_is(
        self, project: Project, played: PlayedNode, started: tuple[str, ...], said: str
    ) -> None:
        played.started = started
        answer = project.run("local", "node", "up")
        assert (answer.status, answer.flat) == (0, said)
        assert "kubelet" in answer.out


def test_the_commands_are_those(project: Project) -> None:
    names = {
        command.callback.__name__ for command in node_commands.app.registered_commands if command.callback
    }
    assert names == {command for command, *_ in COMMANDS}
    assert project.run("local", "node").status == 2
