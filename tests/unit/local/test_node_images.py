"""Which images a real node is given, and what is said when they cannot be had."""

from __future__ import annotations

import ast
import io
import json
import tarfile
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from rich.console import Console

from infra.images import load_images, load_platform_image
from infra.program import read_registry
from ops.local.node import debian, debian_images
from ops.local.node import images as node_images
from ops.local.node.commands import NodeError
from ops.local.node.debian_images import ARCHIVE, stand_in
from ops.local.node.images import NodeImages
from ops.local.node.layout import NodeLayout
from ops.local.node.namespaces import Namespaces
from ops.local.node.wanted import refuse_small_machine
from ops.local.overrides import CPU_PERCENT_KEY, cpu_percent
from ops.local.sources import SourceFailedError
from ops.local.tools import ROOT, Toolbox
from tenants.errors import UsageError
from tenants.models import LifecycleState

if TYPE_CHECKING:
    from ops.local.node.debian_images import Maker
    from tenants.registry import Registry


PARTS = ("infra", "ops", "tenants", "tools")
"""The folders of what users run."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry(environment="dev", domain="iotistic.localhost")


class TestProcessors:
    def test_what_runs_has_to_fit(self, registry: Registry) -> None:
        refuse_small_machine(registry, processors=3)
        with pytest.raises(UsageError, match=r"has 2 processors, and its customers ask for 2\.25") as caught:
            refuse_small_machine(registry, processors=2)
        assert "iotistic tenant suspend" in caught.value.problems[0].how

    def test_the_projects_customers_fit_on_two_where_half_is_set_aside(self, registry: Registry) -> None:
        refuse_small_machine(registry, processors=2, cpu_percent=cpu_percent({}))
        with pytest.raises(UsageError, match=r"has 2 processors"):
            refuse_small_machine(registry, processors=2, cpu_percent=cpu_percent({CPU_PERCENT_KEY: 95}))

    def test_who_is_suspended_asks_for_nothing(self, registry: Registry) -> None:
        largest = next(tenant for tenant in registry.tenants if tenant.id == "initech")
        others = tuple(tenant for tenant in registry.tenants if tenant is not largest)
        asleep = replace(largest, runs=False, lifecycle=LifecycleState.SUSPENDED)
        refuse_small_machine(replace(registry, tenants=(*others, asleep)), processors=2)


DIGEST = f"sha256:{'0' * 64}"


class Node(Namespaces):
    """A node whose ``ctr`` is played: what is "lost", or of a "library", cannot be fetched."""

    imported: ClassVar[list[str]] = []
    named: ClassVar[dict[str, str]] = {}
    pulled: ClassVar[list[str]] = []

    def run(self, *command: str, network: bool = True) -> str:
        if "list" in command:
            names = ["docker.io/here:1", f"docker.io/here@{DIGEST}", *self.imported, *self.named]
            if "--quiet" in command:
                return "\n".join(names)
            return "\n".join(["REF TYPE DIGEST SIZE", *(f"{name} a/b {DIGEST} 1" for name in names)])
        if "tag" in command:
            self.named[command[-1]] = command[-2]
            return ""
        if "import" in command:
            self.imported.append(command[-1])
            if not command[-1].endswith(".tar"):
                message = "ctr images import in the node: ctr: unrecognized image format"
                raise NodeError(message)
            return ""
        assert not network, "the node itself reaches no registry"
        if "lost" in command[-1] or "library" in command[-1]:
            message = "ctr images pull in the node: level=info\nctr: failed to resolve reference"
            raise NodeError(message)
        self.pulled.append(command[-1])
        return ""


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def images(tmp_path: Path, said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> NodeImages:
    monkeypatch.setattr(node_images, "which", lambda name: name)
    monkeypatch.setattr(node_images, "CACHE", tmp_path / "cache")
    for name, empty in (("imported", []), ("named", {}), ("pulled", [])):
        monkeypatch.setattr(Node, name, empty)
    console = Console(file=said, force_terminal=False, width=200)
    return NodeImages(Node(NodeLayout(tmp_path)), Toolbox(tmp_path, {}), console)


class TestPublished:
    def test_every_image_that_cannot_be_had_is_named(self, images: NodeImages) -> None:
        images.ensure_published(["docker.io/here:1", "docker.io/found:1"])
        with pytest.raises(UsageError) as caught:
            images.ensure_published(["a.example/lost:1", "docker.io/found:1", "b.example/lost:1"])
        assert [problem.where for problem in caught.value.problems] == [
            "a.example/lost:1",
            "b.example/lost:1",
        ]
        assert "failed to resolve reference" in caught.value.problems[0].what
        assert "iotistic local node load" in caught.value.problems[0].how

    def test_a_pinned_image_goes_by_the_name_that_the_runtime_looks_for(self, images: NodeImages) -> None:
        images.ensure_published([f"docker.io/here:1@{DIGEST}", f"docker.io/found:1@{DIGEST}"])
        assert Node.pulled == [f"docker.io/found@{DIGEST}"]
        lost = f"a.example/lost:1@{DIGEST}"
        with pytest.raises(UsageError) as caught:
            images.ensure_published([lost])
        assert [problem.where for problem in caught.value.problems] == [lost]

    def test_packages_stand_in_for_what_is_out_of_reach(
        self, images: NodeImages, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []

        def write_images(folder: Path, makers: dict[str, Maker]) -> None:
            made.extend(makers)
            (folder / ARCHIVE).write_bytes(b"")

        monkeypatch.setattr(debian_images, "write_images", write_images)
        monkeypatch.setattr(debian, "versions", lambda packages: packages)
        server = "docker.io/library/postgres:15.15"
        with pytest.raises(UsageError) as caught:
            images.ensure_published([server, "docker.io/here:1", "a.example/lost:1"])
        assert [problem.where for problem in caught.value.problems] == ["a.example/lost:1"]
        assert made == [server]
        assert f"{server} is not in reach: Debian's packages stand in for it" in said.getvalue()

    def test_without_packages_it_is_named_like_the_others(
        self, images: NodeImages, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(folder: Path, makers: object) -> None:
            message = f"{folder} {makers}"
            raise SourceFailedError(message)

        monkeypatch.setattr(debian_images, "write_images", fail)
        monkeypatch.setattr(debian, "versions", lambda packages: packages)
        with pytest.raises(UsageError) as caught:
            images.ensure_published(["docker.io/library/postgres:15.15"])
        assert [problem.where for problem in caught.value.problems] == ["docker.io/library/postgres:15.15"]


class TestStandIn:
    def test_the_published_images_of_servers_have_one(self) -> None:
        images = load_images()
        servers = {"postgres", "postgres_exporter", "restic"}
        found = {item.name for item in fields(images) if stand_in(str(getattr(images, item.name)))}
        assert found == servers
        assert stand_in(str(load_platform_image("haproxy")))

    @pytest.mark.parametrize(
        "reference",
        [
            "docker.io/library/postgres:16.1",
            f"docker.io/library/postgres:15.15@sha256:{'0' * 64}",
            "mirror.example.com/library/postgres:15.15",
            "docker.io/iotistic/api:2.0.10",
        ],
    )
    def test_nothing_else_has(self, reference: str) -> None:
        assert stand_in(reference) is None


def test_the_shell_of_customers_scripts_is_in_the_packages() -> None:
    """A pod whose image lacks its script's shell never starts; other images have no other shell either."""
    scripts = [*(ROOT / "infra" / "customer" / "files").glob("*.sh*")]
    first_lines = {file.read_text(encoding="utf-8").splitlines()[0] for file in scripts}
    assert {line for line in first_lines if line.startswith("#!")} == {"#!/bin/sh"}
    assert "dash" in debian_images.PACKAGES


class TestOwn:
    def test_a_pause_image_that_cannot_be_made_is_no_traceback(
        self, images: NodeImages, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def offline(*_: object, **__: object) -> None:
            message = "apt-get: E: Unable to locate package busybox-static"
            raise SourceFailedError(message)

        monkeypatch.setattr(debian, "download", offline)
        with pytest.raises(UsageError, match="Unable to locate package busybox-static") as caught:
            images.ensure_own()
        [problem] = caught.value.problems
        assert problem.where == node_images.PAUSE
        assert "iotistic local node load pause.tar" in problem.how

    def test_another_version_of_the_dns_is_another_image(
        self, images: NodeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(node_images, "_pause", lambda folder: (folder / ARCHIVE).write_bytes(b""))
        for version in ("1.13.1", "1.13.2"):
            program = tmp_path / "coredns" / version / "coredns"
            program.parent.mkdir(parents=True)
            program.write_text(version)
            replace(images, toolbox=Toolbox(tmp_path, {"coredns": program})).ensure_own()
        written = [archive_references(Path(name)) for name in Node.imported]
        assert [names for names in written if names] == [
            ["registry.k8s.io/coredns/coredns:local-1.13.1"],
            ["registry.k8s.io/coredns/coredns:local-1.13.2"],
        ]


class TestKept:
    def test_the_same_recipe_is_built_once_and_another_one_anew(self, images: NodeImages) -> None:
        built: list[str] = []

        def build(folder: Path) -> None:
            (folder / ARCHIVE).write_text(f"{len(built)}")
            built.append(folder.name)

        console = images.console
        first = node_images.built_archive("a recipe", build, console)
        assert node_images.built_archive("a recipe", build, console) == first
        assert len(built) == 1
        second = node_images.built_archive("another", build, console)
        assert (len(built), first.read_text(), second.read_text()) == (2, "0", "1")

    def test_an_update_of_a_package_is_another_recipe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        recipes = []
        for version in ("15.14-1", "15.15-1", "15.15-1"):
            monkeypatch.setattr(debian, "versions", lambda _, version=version: (f"postgresql-15 {version}",))
            recipes.append(debian_images.recipe())
        assert recipes[0] != recipes[1] == recipes[2]


def archive_references(archive: Path) -> list[str]:
    """Return the references that an archive of images gives."""
    if not archive.stat().st_size:
        return []
    with tarfile.open(archive) as tar:
        listing = tar.extractfile("manifest.json")
        assert listing is not None
        return [name for image in json.load(listing) for name in image["RepoTags"]]


class TestLoad:
    def test_an_archive_is_imported(self, images: NodeImages, tmp_path: Path) -> None:
        archive = tmp_path / "images.tar"
        archive.write_bytes(b"")
        assert images.load(archive) == [str(archive)]
        assert Node.named == {f"{str(archive).rpartition(':')[0]}@{DIGEST}": str(archive)}
        assert images.load(archive) == []

    @pytest.mark.parametrize("there", [True, False])
    def test_what_is_none_is_refused(self, images: NodeImages, tmp_path: Path, *, there: bool) -> None:
        archive = tmp_path / "images.zip"
        if there:
            archive.write_bytes(b"")
        with pytest.raises(UsageError, match="is no archive of images") as caught:
            images.load(archive)
        assert "docker save" in caught.value.problems[0].how


def test_no_path_of_a_user_leads_to_the_doubles() -> None:
    """What is installed and run imports nothing of the tests, and names none of their folders."""
    sources = [ROOT / "__main__.py", *(file for name in PARTS for file in (ROOT / name).rglob("*.py"))]
    assert len(sources) > len(PARTS)
    for source in sources:
        text = source.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.partition(".")[0] == "tests"], source
        assert "tests/node" not in text, source
        assert "doubles" not in text, source
