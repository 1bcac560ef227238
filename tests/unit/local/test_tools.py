from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import stat
import subprocess
import threading
import time
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from rich.console import Console

from ops.local.crds import MODULES
from ops.local.gobuild import GoSource
from ops.local.onpath import InstalledSource
from ops.local.pipinstall import PipSource
from ops.local.recipe import GoBuild
from ops.local.recipes import known_tools
from ops.local.releases import ReleaseSource
from ops.local.sources import SourceFailedError
from ops.local.tools import MODULES_FOLDER, ROOT, VERSIONS_FILE, ensure, located
from ops.local.versions import load_versions
from tenants.errors import UsageError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.local.recipe import Tool
    from ops.local.sources import Say, Source

VERSIONS = load_versions(VERSIONS_FILE)
KNOWN = known_tools(VERSIONS)
BUILT = [tool for tool in KNOWN.values() if not tool.python_module]


class Fake:
    """A source that does what a test says."""

    label = "fake"

    def __init__(self, act: Callable[[Tool, Path], None]) -> None:
        self.act = act

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        say("working, a bit")
        say("working, a bit more")
        self.act(tool, into)


def deliver(tool: Tool, into: Path) -> None:
    for binary in tool.binaries:
        (into / binary).write_text(binary)


def forbidden(tool: Tool, _into: Path) -> None:
    pytest.fail(f"{tool.name} was fetched again")


def fails(_tool: Tool, into: Path) -> None:
    (into / "half").write_text("half")
    message = "this way is closed"
    raise SourceFailedError(message)


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


class TestEnsure:
    def test_all_but_the_optional_ones(self, tmp_path: Path) -> None:
        toolbox = ensure(console=quiet(), folder=tmp_path, sources=[Fake(deliver)])
        assert set(toolbox.binaries) == {
            "etcd",
            "kubectl",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kwok",
            "kwokctl",
            "pulumi",
            "pulumi-language-python",
            "pulumi-language-python-exec",
            "pulumi-resource-kubernetes",
        }
        for name, path in toolbox.binaries.items():
            assert path.read_text() == name
            assert path.stat().st_mode & stat.S_IXUSR
            assert (toolbox.bin_dir / name).resolve() == path.resolve()
        with pytest.raises(KeyError):
            toolbox.path("helm")

    def test_an_optional_one_by_name(self, tmp_path: Path) -> None:
        assert (
            ensure(["helm"], console=quiet(), folder=tmp_path, sources=[Fake(deliver)]).path("helm").exists()
        )

    def test_progress_says_which_of_how_many_and_once_what(self, tmp_path: Path) -> None:
        console = quiet()
        ensure(["etcd", "kubectl"], console=console, folder=tmp_path, sources=[Fake(deliver)])
        etcd, kubernetes = VERSIONS.tools["etcd"], VERSIONS.tools["kubernetes"]
        assert said(console).splitlines() == [
            f"[1/2] etcd {etcd}: working, a bit",
            f"[1/2] etcd {etcd}: done in 0 s",
            f"[2/2] kubectl {kubernetes}: working, a bit",
            f"[2/2] kubectl {kubernetes}: done in 0 s",
        ]

    def test_a_terminal_gets_a_moving_line(self, tmp_path: Path) -> None:
        console = Console(file=io.StringIO(), width=100, force_terminal=True)
        ensure(["etcd"], console=console, folder=tmp_path, sources=[Fake(deliver)])
        assert f"[1/1] etcd {VERSIONS.tools['etcd']}: working, a bit more" in said(console)

    def test_a_second_run_does_and_says_nothing(self, tmp_path: Path) -> None:
        first = ensure(console=quiet(), folder=tmp_path, sources=[Fake(deliver)])
        console = quiet()
        started = time.monotonic()
        assert ensure(console=console, folder=tmp_path, sources=[Fake(forbidden)]) == first
        assert time.monotonic() - started < 0.5
        assert said(console) == ""

    def test_only_what_is_missing_is_fetched(self, tmp_path: Path) -> None:
        ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(deliver)])
        fetched: list[str] = []

        def note(tool: Tool, into: Path) -> None:
            fetched.append(tool.name)
            deliver(tool, into)

        ensure(["etcd", "kubectl"], console=quiet(), folder=tmp_path, sources=[Fake(note)])
        assert fetched == ["kubectl"]

    def test_a_moved_folder_goes_on_working(self, tmp_path: Path) -> None:
        ensure(["etcd"], console=quiet(), folder=tmp_path / "here", sources=[Fake(deliver)])
        (tmp_path / "here").rename(tmp_path / "there")
        toolbox = ensure(["etcd"], console=quiet(), folder=tmp_path / "there", sources=[Fake(forbidden)])
        assert (toolbox.bin_dir / "etcd").read_text() == "etcd"

    def test_another_version_is_another_folder(self, tmp_path: Path) -> None:
        (tmp_path / "etcd" / "3.0.0").mkdir(parents=True)
        (tmp_path / "etcd" / "3.0.0" / "etcd").write_text("old")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "etcd").symlink_to(tmp_path / "etcd" / "3.0.0" / "etcd")
        toolbox = ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(deliver)])
        assert (toolbox.bin_dir / "etcd").read_text() == "etcd"
        assert (tmp_path / "etcd" / "3.0.0" / "etcd").read_text() == "old"

    def test_the_next_source_starts_with_an_empty_folder(self, tmp_path: Path) -> None:
        toolbox = ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(fails), Fake(deliver)])
        assert [path.name for path in toolbox.path("etcd").parent.iterdir()] == ["etcd"]

    def test_a_half_finished_one_is_never_used(self, tmp_path: Path) -> None:
        def interrupted(_tool: Tool, into: Path) -> None:
            (into / "etcd").write_text("half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(interrupted)])
        left_by_a_killed_run = tmp_path / "etcd" / f".{VERSIONS.tools['etcd']}.unfinished"
        left_by_a_killed_run.mkdir()
        (left_by_a_killed_run / "etcd").write_text("half")
        toolbox = ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(deliver)])
        assert toolbox.path("etcd").read_text() == "etcd"
        assert not left_by_a_killed_run.exists()

    def test_a_second_run_at_once_waits_and_says_so(self, tmp_path: Path) -> None:
        console = quiet()
        lock = FileLock(tmp_path / ".lock")
        with lock:
            other = threading.Thread(
                target=ensure,
                kwargs={
                    "names": ["etcd"],
                    "console": console,
                    "folder": tmp_path,
                    "sources": [Fake(deliver)],
                },
            )
            other.start()
            wait_until(lambda: "waiting for it to end" in said(console), seconds=5)
            assert not (tmp_path / "etcd").exists()
        other.join(timeout=5)
        assert (tmp_path / "etcd" / VERSIONS.tools["etcd"] / "etcd").exists()

    def test_the_one_who_waited_uses_what_the_other_fetched(self, tmp_path: Path) -> None:
        def deliver_slowly(tool: Tool, into: Path) -> None:
            time.sleep(0.2)
            deliver(tool, into)

        runs = [
            threading.Thread(
                target=ensure,
                kwargs={"names": ["etcd"], "console": quiet(), "folder": tmp_path, "sources": [source]},
            )
            for source in (Fake(deliver_slowly), Fake(forbidden))
        ]
        for run in runs:
            run.start()
            time.sleep(0.05)
        for run in runs:
            run.join(timeout=5)
        assert (tmp_path / "etcd" / VERSIONS.tools["etcd"] / "etcd").exists()

    def test_disk_full(self, tmp_path: Path) -> None:
        def full(_tool: Tool, into: Path) -> None:
            (into / "etcd").write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.raises(UsageError) as caught:
            ensure(["etcd"], console=quiet(), folder=tmp_path, sources=[Fake(full), Fake(forbidden)])
        [problem] = caught.value.problems
        assert problem.where == str(tmp_path)
        assert problem.what.startswith("no space left on the device")
        assert "free about" in problem.how
        assert list((tmp_path / "etcd").iterdir()) == []

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "tools").write_text("a file, not a folder")
        with pytest.raises(UsageError, match="cannot be written"):
            ensure(["etcd"], console=quiet(), folder=tmp_path / "tools", sources=[Fake(forbidden)])

    def test_no_internet_no_go_nothing_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        sources: list[Source] = [
            InstalledSource(search_path=str(tmp_path), ignore=tmp_path / "bin"),
            ReleaseSource(mirror="http://127.0.0.1:1"),
            GoSource(modules=MODULES_FOLDER),
        ]
        with pytest.raises(UsageError) as caught:
            ensure(["kubectl"], console=quiet(), folder=tmp_path / "tools", sources=sources)
        [problem] = caught.value.problems
        assert problem.where == f"kubectl {VERSIONS.tools['kubernetes']}"
        lines = problem.what.splitlines()
        assert lines[0] == "could not be had. Tried:"
        assert lines[1] == "  - installed on PATH: kubectl is not on PATH"
        assert lines[2].startswith("  - official release: https://dl.k8s.io/release/")
        assert lines[3] == "  - go build: the command go is not installed"
        assert "install Go (https://go.dev/dl)" in problem.how


class TestLocated:
    def test_nothing_is_fetched_and_each_is_where_it_would_be(self, tmp_path: Path) -> None:
        found = located(["kubectl"], folder=tmp_path)
        version = VERSIONS.tools["kubernetes"]
        assert found.path("kubectl") == tmp_path / "kubectl" / version / "kubectl"
        assert found.version("kubectl") == version
        assert list(tmp_path.iterdir()) == []
        assert set(located(folder=tmp_path).binaries) > {"kubectl", "etcd"}


class TestInstalled:
    """kubectl stands for them all."""

    VERSION = VERSIONS.tools["kubernetes"]

    def fetch(self, folder: Path, search_path: Path, *others: Source) -> Path:
        installed = InstalledSource(search_path=str(search_path), ignore=folder / "bin")
        return ensure(["kubectl"], console=quiet(), folder=folder, sources=[installed, *others]).path(
            "kubectl"
        )

    def test_the_right_version_is_linked(self, tmp_path: Path) -> None:
        mine = program(tmp_path / "usr" / "kubectl", f"echo 'Client Version: v{self.VERSION}'")
        assert self.fetch(tmp_path / "tools", tmp_path / "usr").resolve() == mine

    def test_one_that_cannot_be_asked_is_not_trusted(self, tmp_path: Path) -> None:
        program(tmp_path / "usr" / "pulumi-resource-kubernetes", "exit 0")
        installed = InstalledSource(search_path=str(tmp_path / "usr"), ignore=tmp_path)
        with pytest.raises(UsageError, match="cannot be asked for its version"):
            ensure(
                ["pulumi-resource-kubernetes"],
                console=quiet(),
                folder=tmp_path / "tools",
                sources=[installed],
            )

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("echo v1.2.3", "is version 1.2.3, not"),
            (f"echo v{VERSION}-rc.1", f"is version {VERSION}-rc.1, not"),
            (f"echo v1{VERSION}", f"is version 1{VERSION}, not"),
            ("true", "is version unknown, not"),
            (f"echo v{VERSION}; exit 3", "did not tell its version: it ended with 3"),
            (f"echo v{VERSION} >&2", "is version unknown, not"),
        ],
    )
    def test_another_version_is_not(self, tmp_path: Path, body: str, message: str) -> None:
        program(tmp_path / "usr" / "kubectl", body)
        with pytest.raises(UsageError, match=re.escape(message)):
            self.fetch(tmp_path / "tools", tmp_path / "usr")

    def test_one_that_cannot_run_is_not(self, tmp_path: Path) -> None:
        program(tmp_path / "usr" / "kubectl", "").write_text("#!/nowhere/interpreter\n")
        with pytest.raises(UsageError, match="did not tell its version"):
            self.fetch(tmp_path / "tools", tmp_path / "usr")

    def test_one_that_does_not_answer_is_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ops.local.onpath._PROBE_SECONDS", 0.1)
        program(tmp_path / "usr" / "kubectl", "exec sleep 5")
        with pytest.raises(UsageError, match="timed out"):
            self.fetch(tmp_path / "tools", tmp_path / "usr")

    def test_the_projects_own_links_do_not_count(self, tmp_path: Path) -> None:
        program(tmp_path / "tools" / "bin" / "kubectl", f"echo v{self.VERSION}")
        with pytest.raises(UsageError, match="kubectl is not on PATH"):
            self.fetch(tmp_path / "tools", tmp_path / "tools" / "bin")

    def test_it_is_asked_once_until_it_is_replaced_or_gone(self, tmp_path: Path) -> None:
        asked = tmp_path / "asked"
        mine = program(tmp_path / "usr" / "kubectl", f"echo x >> {asked}; echo v{self.VERSION}")
        for _ in range(3):
            self.fetch(tmp_path / "tools", tmp_path / "usr")
        assert asked.read_text().split() == ["x"]
        program(mine, "echo v9.9.9")
        assert self.fetch(tmp_path / "tools", tmp_path / "usr", Fake(deliver)).read_text() == "kubectl"

    def test_one_that_was_removed_is_replaced(self, tmp_path: Path) -> None:
        mine = program(tmp_path / "usr" / "kubectl", f"echo v{self.VERSION}")
        self.fetch(tmp_path / "tools", tmp_path / "usr")
        mine.unlink()
        assert self.fetch(tmp_path / "tools", tmp_path / "usr", Fake(deliver)).read_text() == "kubectl"


class TestGo:
    """Against a stand-in for ``go`` that notes how it was called."""

    @pytest.fixture
    def modules(self, tmp_path: Path) -> Path:
        for folder in ("kubernetes", "pulumi", "pulumi-language-python", "traefik"):
            (tmp_path / "modules" / folder).mkdir(parents=True)
        return tmp_path / "modules"

    def fetch(self, name: str, tmp_path: Path, modules: Path, body: str) -> Path:
        go = program(tmp_path / "go" / "go", body)
        source = GoSource(modules=modules, go=str(go))
        return ensure([name], console=quiet(), folder=tmp_path / "tools", sources=[source]).path(name)

    def test_builds_just_what_is_pinned(
        self, tmp_path: Path, modules: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GOFLAGS", "-mod=mod -race")
        monkeypatch.setenv("CGO_ENABLED", "1")
        body = (
            'while [ "$1" != -o ]; do echo "$1"; shift; done > args; echo "$3" >> args\n'
            'echo "$PWD $GOFLAGS $CGO_ENABLED $GOWORK" > environment; echo binary > "$2"'
        )
        assert self.fetch("kubectl", tmp_path, modules, body).read_text() == "binary\n"
        version = VERSIONS.tools["kubernetes"]
        major, minor, _ = version.split(".")
        stamp = "-X k8s.io/component-base/version"
        assert (modules / "kubernetes" / "args").read_text().splitlines() == [
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            f"-s -w {stamp}.gitVersion=v{version} {stamp}.gitMajor={major} {stamp}.gitMinor={minor}",
            "k8s.io/kubernetes/cmd/kubectl",
        ]
        folder = modules / "kubernetes"
        assert (folder / "environment").read_text() == f"{folder} -mod=readonly 0 off\n"

    def test_copies_a_script_out_of_its_module(self, tmp_path: Path, modules: Path) -> None:
        script = tmp_path / "module" / "python" / "cmd" / "pulumi-language-python-exec"
        script.parent.mkdir(parents=True)
        script.write_text("#!/usr/bin/env python3\n")
        body = (
            'case "$1" in\n'
            "list) echo v3.4.5;;\n"
            'mod) [ "$4" = github.com/pulumi/pulumi/sdk/v3@v3.4.5 ] &&'
            f""" echo '{{"Dir": "{tmp_path}/module"}}';;\n"""
            'build) while [ "$1" != -o ]; do shift; done; echo binary > "$2";;\n'
            "esac"
        )
        self.fetch("pulumi", tmp_path, modules, body)
        copied = tmp_path / "tools" / "bin" / "pulumi-language-python-exec"
        assert copied.read_text() == "#!/usr/bin/env python3\n"
        assert os.access(copied, os.X_OK)

    def test_builds_with_a_changed_copy_of_a_module(self, tmp_path: Path, modules: Path) -> None:
        lego = "github.com/go-acme/lego/v5"
        providers = f"{lego}@v5.0.1/providers/dns/zz_gen_dns_providers.go"
        with zipfile.ZipFile(tmp_path / "lego.zip", "w") as files:
            files.writestr(providers, "theirs")
            files.writestr(f"{lego}@v5.0.1/go.mod", "module lego")
        home = modules / "traefik"
        for name in ("go.mod", "go.sum", "dns_providers.go.txt"):
            (home / name).write_text(f"our {name}\n")
        found = json.dumps({"Version": "v5.0.1", "Zip": str(tmp_path / "lego.zip")})
        body = (
            'case "$1 $2" in\n'
            '"list -m") echo v5.0.1;;\n'
            f""""mod download") [ "$4" = {lego}@v5.0.1 ] && echo '{found}';;\n"""
            '"mod edit") echo "$3" >> "$4";;\n'
            "build*) modules=${2#-modfile=}\n"
            f'  cat "$modules" > seen; cat "$(dirname "$modules")/{providers}" >> seen\n'
            '  echo "$modules" > where; while [ "$1" != -o ]; do shift; done; echo binary > "$2";;\n'
            "esac"
        )
        self.fetch("traefik", tmp_path, modules, body)
        work = (home / "where").read_text().strip().removesuffix("/go.mod")
        assert (home / "seen").read_text().splitlines() == [
            "our go.mod",
            f"-replace={lego}={work}/{lego}@v5.0.1",
            "our dns_providers.go.txt",
        ]
        assert not os.path.lexists(work), "the copy is gone"
        assert (home / "go.mod").read_text() == "our go.mod\n", "what is pinned is as it was"

    def test_a_failed_build_shows_its_last_words(self, tmp_path: Path, modules: Path) -> None:
        body = "for n in $(seq 100); do echo line $n >&2; done; exit 1"
        with pytest.raises(UsageError) as caught:
            self.fetch("etcd", tmp_path, modules, body)
        text = str(caught.value)
        assert "go build in tools/kubernetes ended with 1:" in text
        assert "line 100" in text
        assert "line 85\n" not in text

    def test_a_full_disk_while_building(self, tmp_path: Path, modules: Path) -> None:
        body = "echo 'link: write /tmp/x: no space left on device' >&2; exit 1"
        with pytest.raises(UsageError, match="no space left on the device"):
            self.fetch("etcd", tmp_path, modules, body)


class TestPip:
    """Against a stand-in for ``python``, which makes the environments."""

    MAKES_ONE = """
mkdir -p "$3/bin"
cat > "$3/bin/python" <<'INNER'
#!/bin/sh
[ "$2" = checkov.main ] && echo "linted $3" && exit
echo "$@" > "$(dirname "$0")/asked"
exit {status}
INNER
chmod +x "$3/bin/python"
"""

    def fetch(self, tmp_path: Path, name: str = "checkov", *, status: int = 0) -> Path:
        python = program(tmp_path / "python", self.MAKES_ONE.replace("{status}", str(status)))
        source = PipSource(modules=MODULES_FOLDER, python=str(python))
        return ensure([name], console=quiet(), folder=tmp_path / "tools", sources=[source]).path(name)

    def test_installs_only_what_is_pinned_by_hash_into_an_environment_of_its_own(
        self, tmp_path: Path
    ) -> None:
        checkov = self.fetch(tmp_path)
        asked = (checkov.parent / "environment" / "bin" / "asked").read_text()
        assert "--require-hashes" in asked
        assert str(MODULES_FOLDER / "checkov" / "requirements.txt") in asked

    def test_the_program_runs_from_its_link_even_after_a_move(self, tmp_path: Path) -> None:
        self.fetch(tmp_path)
        (tmp_path / "tools").rename(tmp_path / "moved")
        answer = subprocess.check_output([tmp_path / "moved" / "bin" / "checkov", "this"], text=True)
        assert answer == "linted this\n"

    def test_a_failure_says_so_and_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"pip install: -m pip install ended with 3"):
            self.fetch(tmp_path, status=3)
        assert list((tmp_path / "tools" / "checkov").iterdir()) == []

    def test_what_is_no_python_package_is_left_to_others(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="pip install: it is no Python package"):
            self.fetch(tmp_path, "etcd")

    def test_what_is_no_go_module_is_left_to_others(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="go build: it is no Go module"):
            ensure(["checkov"], console=quiet(), folder=tmp_path, sources=[GoSource(modules=MODULES_FOLDER)])


class TestPins:
    """Versions that must be repeated where a tool wants them agree with versions.yaml."""

    EXPECTED = (
        ("pulumi", "github.com/pulumi/pulumi/pkg/v3", "pulumi"),
        ("pulumi", "github.com/pulumi/pulumi/sdk/v3", "pulumi"),
        ("kubernetes", "k8s.io/kubernetes", "kubernetes"),
        ("kubernetes", "go.etcd.io/etcd/server/v3", "etcd"),
        ("kwok", "sigs.k8s.io/kwok", "kwok"),
        ("helm", "helm.sh/helm/v3", "helm"),
        ("kube-score", "github.com/zegl/kube-score", "kube-score"),
        ("pebble", "github.com/letsencrypt/pebble/v2", "pebble"),
        ("traefik", "github.com/traefik/traefik/v3", "traefik"),
        ("kube-state-metrics", "k8s.io/kube-state-metrics/v2", "kube-state-metrics"),
    )

    @staticmethod
    def required(folder: str) -> dict[str, str]:
        text = (MODULES_FOLDER / folder / "go.mod").read_text()
        return dict(re.findall(r"^\s*(?:require )?(\S+) v(\S+)(?: // indirect)?$", text, re.MULTILINE))

    @pytest.mark.parametrize(("folder", "module", "tool"), EXPECTED)
    def test_go_modules(self, folder: str, module: str, tool: str) -> None:
        assert self.required(folder)[module] == VERSIONS.tools[tool]

    def test_the_staging_modules_of_kubernetes(self) -> None:
        text = (MODULES_FOLDER / "kubernetes" / "go.mod").read_text()
        replaced = set(re.findall(r"^\s*(\S+) => \1 v0\.(\S+)$", text, re.MULTILINE))
        assert len(replaced) > 25
        assert {f"1.{version}" for _, version in replaced} == {VERSIONS.tools["kubernetes"]}

    def test_definitions(self) -> None:
        required = self.required("crds")
        assert {name: required[module] for name, (module, _) in MODULES.items()} == VERSIONS.crds

    @pytest.mark.parametrize(
        ("package", "tool"), [("pulumi", "pulumi"), ("pulumi-kubernetes", "pulumi-resource-kubernetes")]
    )
    def test_python_packages(self, package: str, tool: str) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert f"{package}=={VERSIONS.tools[tool]}" in project["dependencies"]

    def test_a_python_package_with_a_hash_for_each_of_its_packages(self) -> None:
        (tool,) = (tool for tool in KNOWN.values() if tool.python_module)
        text = (MODULES_FOLDER / tool.name / "requirements.txt").read_text()
        assert f"{tool.name}=={tool.version} \\\n    --hash=sha256:" in text
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert len(entries) > 50
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)

    @pytest.mark.parametrize("tool", BUILT, ids=lambda tool: tool.name)
    def test_every_binary_can_be_built_from_a_pinned_module(self, tool: Tool) -> None:
        assert [step.binary for step in tool.builds] == list(tool.binaries)
        for step in tool.builds:
            folder = MODULES_FOLDER / step.directory
            assert (folder / "go.sum").stat().st_size > 0
            wanted = step.package if isinstance(step, GoBuild) else step.module
            assert wanted == "." or wanted in (folder / "go.mod").read_text()

    @pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
    def test_a_build_downloads_nothing_that_is_not_pinned(self) -> None:
        for folder in {step.directory for tool in KNOWN.values() for step in tool.builds}:
            assert "toolchain" not in (MODULES_FOLDER / folder / "go.mod").read_text()
