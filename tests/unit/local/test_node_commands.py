"""What is said when this machine's own programs fail, or are not there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local.node import commands, debian, machine
from ops.local.node.commands import NodeError, run, which
from ops.local.sources import SourceFailedError
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder in which programs are looked for, empty at first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(commands, "SEARCH_PATH", str(folder))
    monkeypatch.setattr(machine, "SEARCH_PATH", str(folder))
    debian.versions.cache_clear()
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


class TestRun:
    def test_a_failure_is_quoted(self) -> None:
        with pytest.raises(NodeError, match=r"^sh -c echo why >&2; exit 3: why$"):
            run(["sh", "-c", "echo why >&2; exit 3"])
        with pytest.raises(NodeError, match=r"^the thing: status 3$"):
            run(["sh", "-c", "exit 3"], said="the thing")

    def test_one_that_is_gone_is_no_traceback(self, tmp_path: Path) -> None:
        with pytest.raises(NodeError, match="gone: No such file or directory"):
            run([str(tmp_path / "gone")])

    def test_what_is_not_installed_is_named(self, programs: Path) -> None:
        with pytest.raises(NodeError, match="containerd is not installed"):
            which("containerd")
        write(programs, "containerd", "")
        assert which("containerd") == str(programs / "containerd")


class TestDebian:
    @pytest.mark.usefixtures("programs")
    def test_a_machine_without_it_is_said_so(self, tmp_path: Path) -> None:
        with pytest.raises(SourceFailedError, match="apt-get is not installed"):
            debian.download(["busybox-static"], tmp_path / "packages")
        with pytest.raises(SourceFailedError, match="apt-get is not installed"):
            debian.versions(("busybox-static",))

    def test_an_archive_out_of_reach_is_quoted(self, programs: Path, tmp_path: Path) -> None:
        write(programs, "apt-get", "echo 'E: Unable to locate package busybox-static' >&2; exit 100")
        with pytest.raises(SourceFailedError, match="apt-get: E: Unable to locate package"):
            debian.download(["busybox-static"], tmp_path / "packages", alone=True)

    def test_what_was_downloaded_is_returned(self, programs: Path, tmp_path: Path) -> None:
        write(programs, "apt-get", "touch busybox-static_1_amd64.deb")
        found = debian.download(["busybox-static"], tmp_path / "packages", alone=True)
        assert found == [tmp_path / "packages" / "busybox-static_1_amd64.deb"]

    def test_versions_are_those_of_everything_below(self, programs: Path) -> None:
        lines = (
            "NOTE: This is only a simulation!",
            "Inst libc6 (2.36-9+deb12u14 Debian:12.15 [amd64]) []",
            "Inst dash (0.5.12-2 Debian:12.15 [amd64])",
            "Conf dash (0.5.12-2 Debian:12.15 [amd64])",
        )
        write(programs, "apt-get", "\n".join(f"echo '{line}'" for line in lines))
        assert debian.versions(("dash",)) == ("dash 0.5.12-2", "libc6 2.36-9+deb12u14")

    def test_a_package_that_is_broken_is_named(self, programs: Path, tmp_path: Path) -> None:
        write(programs, "dpkg-deb", "exit 2")
        with pytest.raises(SourceFailedError, match=r"dash_1\.deb cannot be unpacked"):
            debian.unpack([tmp_path / "dash_1.deb"], tmp_path / "root")
        write(programs, "dpkg-deb", "echo no archive")
        with pytest.raises(SourceFailedError, match=r"dash_1\.deb cannot be unpacked: .*tar"):
            debian.unpack([tmp_path / "dash_1.deb"], tmp_path / "root")

    def test_python_is_compiled_by_itself_where_there_is_one(self, programs: Path, tmp_path: Path) -> None:
        said = tmp_path / "said"
        write(programs, "chroot", f'echo "$@" > {said}')
        root = tmp_path / "root"
        root.mkdir()
        debian.compile_python(root)
        assert not said.exists()
        for name in ("python3", "python3.11"):
            (root / "usr" / "lib" / name).mkdir(parents=True)
        debian.compile_python(root)
        compiled = "/usr/bin/python3 -m compileall -q --invalidation-mode=unchecked-hash"
        assert said.read_text() == f"{root} {compiled} /usr/lib/python3 /usr/lib/python3.11\n"

    def test_python_that_cannot_be_compiled_is_said_so(self, programs: Path, tmp_path: Path) -> None:
        write(programs, "chroot", "echo 'no such interpreter' >&2; exit 127")
        (tmp_path / "usr" / "lib" / "python3").mkdir(parents=True)
        with pytest.raises(SourceFailedError, match=r"compiling Python's modules: no such interpreter"):
            debian.compile_python(tmp_path)


class TestPrepare:
    @pytest.fixture(autouse=True)
    def _root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr("os.geteuid", lambda: 0)

    @pytest.mark.usefixtures("programs")
    def test_without_apt_the_packages_are_named(self) -> None:
        with pytest.raises(UsageError, match=r"lacks programs .* containerd, .* runc") as caught:
            machine.prepare(Console())
        assert "whatever name your distribution" in caught.value.problems[0].how

    @pytest.mark.parametrize("failing", ["update", "install"])
    def test_an_installation_that_fails_is_quoted(self, programs: Path, failing: str) -> None:
        write(programs, "apt-get", f'[ "$1" != {failing} ] || {{ echo "E: no {failing}" >&2; exit 100; }}')
        with pytest.raises(
            UsageError, match=rf"they cannot be installed: .*apt-get {failing} .*E: no {failing}"
        ):
            machine.prepare(Console())

    def test_one_that_brings_nothing_is_no_success(self, programs: Path) -> None:
        write(programs, "apt-get", "exit 0")
        with pytest.raises(UsageError, match=r"lacks programs") as caught:
            machine.prepare(Console())
        assert "cannot be installed" not in str(caught.value)
