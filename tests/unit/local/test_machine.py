"""What the embedded cluster asks of the machine: ports, processes, files."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ops.local import ports, processes
from ops.local.store import write_atomically
from ops.local.versions import load_versions
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


class TestPorts:
    def test_chosen_ones_are_free_different_and_not_handed_out_by_the_system(self) -> None:
        chosen = ports.choose(["a", "b", "c"])
        assert list(chosen) == ["a", "b", "c"]
        assert len(set(chosen.values())) == 3
        assert ports.taken(chosen.values()) == []
        assert max(chosen.values()) < 32_768

    def test_one_that_somebody_listens_on_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert ports.taken([port]) == [port]
        assert ports.taken([port]) == []

    def test_one_that_somebody_listens_on_everywhere_is_taken_too(self) -> None:
        with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - a short-lived one without an answer
            port = server.getsockname()[1]
            assert not ports.is_free(port)

    def test_another_failure_is_not_taken_for_that(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise OSError(errno.ENETDOWN, "down")

        monkeypatch.setattr(socket.socket, "bind", broken)
        with pytest.raises(OSError, match="down"):
            ports.is_free(20_000)


@pytest.fixture
def child(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", getattr(request, "param", SLEEP), "the child"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


class TestProcesses:
    @pytest.mark.parametrize("way", ["proc", "ps"])
    def test_found_by_its_command_line(
        self, child: subprocess.Popen[str], way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if way == "ps":
            if not Path("/bin/ps").exists():
                pytest.skip("this machine has no ps")
            monkeypatch.setattr(processes, "_PROC", Path("/nowhere"))
        found = processes.find(lambda command: command[-1].endswith("child"))
        assert child.pid in found
        assert found[child.pid][0].endswith(Path(sys.executable).name)

    @pytest.mark.parametrize(
        "found",
        [
            ["/checkout/.venv/bin/python", "-m", "ops.part", "server"],
            ["/elsewhere/.venv/bin/python3", "-m", "ops.part", "server"],
        ],
    )
    def test_a_module_is_the_same_whatever_its_interpreter_is_called(self, found: list[str]) -> None:
        assert processes.is_same(found, ["/checkout/.venv/bin/python3", "-m", "ops.part", "server"])
        assert not processes.is_same(found, ["/checkout/.venv/bin/python3", "-m", "ops.part", "other"])
        assert not processes.is_same(found, ["/checkout/.venv/bin/python3", "-m", "ops.other", "server"])

    def test_a_program_is_the_same_wherever_it_lies(self) -> None:
        wanted = ["/checkout/.tools/kubelet", "--config=a"]
        assert processes.is_same(["/elsewhere/.tools/kubelet", "--config=a"], wanted)
        assert not processes.is_same(["/checkout/.tools/kubectl", "--config=a"], wanted)
        assert not processes.is_same(["/checkout/.tools/kubelet", "--config=b"], wanted)

    @pytest.mark.parametrize(
        ("found", "same"),
        [
            (["/elsewhere/kubelet", "--config=b", "--more"], True),
            (["/elsewhere/kubectl", "--config=a"], False),
            (["python3", "-m", "kubelet", "--config=a"], False),
        ],
    )
    def test_a_program_stays_itself_with_other_arguments(self, found: list[str], *, same: bool) -> None:
        assert processes.is_same_program(found, ["/checkout/kubelet", "--config=a"]) is same

    def test_a_module_stays_itself_with_other_arguments(self) -> None:
        wanted = ["python", "-m", "ops.part", "server"]
        assert processes.is_same_program(["python3", "-m", "ops.part", "other"], wanted)
        assert not processes.is_same_program(["python3", "-m", "ops.other", "server"], wanted)

    def test_ended_when_asked(self, child: subprocess.Popen[str]) -> None:
        started = time.monotonic()
        processes.end([child.pid], patience=30)
        assert time.monotonic() - started < 10
        assert child.wait() == -signal.SIGTERM

    @pytest.mark.parametrize("child", [STUBBORN], indirect=True)
    def test_forced_to_end_when_it_does_not_listen(self, child: subprocess.Popen[str]) -> None:
        processes.end([child.pid], patience=0.1)
        assert child.wait() == -signal.SIGKILL

    def test_killed_without_being_asked(self, child: subprocess.Popen[str]) -> None:
        processes.kill([child.pid])
        assert child.wait() == -signal.SIGKILL

    def test_one_that_is_gone_already_is_no_trouble(self, child: subprocess.Popen[str]) -> None:
        child.kill()
        child.wait()
        processes.end([child.pid], patience=0)
        processes.kill([child.pid])


class TestStore:
    def test_a_file_is_written_whole_and_for_its_owner(self, tmp_path: Path) -> None:
        file = tmp_path / "deep" / "file"
        write_atomically(file, "one")
        write_atomically(file, "two")
        assert file.read_text() == "two"
        assert file.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in file.parent.iterdir()] == ["file"]

    def test_what_a_killed_run_left_is_replaced(self, tmp_path: Path) -> None:
        left = tmp_path / ".file.unfinished"
        left.write_text("half")
        left.chmod(0o666)
        write_atomically(tmp_path / "file", "whole")
        assert (tmp_path / "file").read_text() == "whole"
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


class TestVersions:
    @pytest.mark.parametrize(
        ("text", "where", "what"),
        [
            ("tools: {etcd: 1.5}\ncrds: {}\n", "versions.yaml: tools.etcd", "valid string"),
            ("tools: {}\n", "versions.yaml: crds", "Field required"),
            ("tools: [", "versions.yaml", "while parsing"),
            ("", "versions.yaml", "valid dictionary"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, text: str, where: str, what: str) -> None:
        file = tmp_path / "versions.yaml"
        file.write_text(text)
        with pytest.raises(UsageError) as caught:
            load_versions(file)
        [problem] = caught.value.problems
        assert problem.where == where
        assert what in problem.what

    def test_all_problems_at_once(self, tmp_path: Path) -> None:
        file = tmp_path / "versions.yaml"
        file.write_text("tools: {etcd: 1.5, kwok: 2.5}\n")
        with pytest.raises(UsageError) as caught:
            load_versions(file)
        assert len(caught.value.problems) == 3

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="No such file"):
            load_versions(tmp_path / "versions.yaml")
