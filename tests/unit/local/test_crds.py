from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local import crds
from ops.local.gomodule import module_hash, pinned
from ops.local.sources import SourceFailedError
from ops.local.tools import MODULES_FOLDER, VERSIONS_FILE
from ops.local.versions import load_versions
from tenants.errors import UsageError
from tests.unit.local.publishing import Publisher, publishing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS = {name: f"{number}.0.0" for number, name in enumerate(crds.MODULES, start=1)}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as served:
        yield served


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of modules in which nothing is pinned yet."""
    folder = tmp_path / "modules"
    (folder / "crds").mkdir(parents=True)
    monkeypatch.setattr(crds, "MODULES_FOLDER", folder)
    versions = tmp_path / "versions.yaml"
    lines = [f"  {name}: '{version}'" for name, version in VERSIONS.items()]
    versions.write_text("\n".join(["tools: {}", "crds:", *lines]))
    monkeypatch.setattr(crds, "VERSIONS_FILE", versions)
    return folder


def offer(publisher: Publisher, modules: Path) -> None:
    """Publish and pin all modules."""
    go_sum = ""
    for name, version in VERSIONS.items():
        module, path = crds.MODULES[name]
        root = f"{module}@v{version}"
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as files:
            files.writestr(f"{root}/go.mod", f"module {module}\n")
            files.writestr(f"{root}/{path}/group.io_things.yaml", f"kind: {name}\n")
            files.writestr(f"{root}/{path}/group.io_vap_things.yaml", "a rule about definitions")
            files.writestr(f"{root}/{path}/README.md", "text")
            files.writestr(f"{root}/{path}/kustomization.yaml", "text")
            files.writestr(f"{root}/{path}/deeper/group.io_others.yaml", "text")
            files.writestr(f"{root}/elsewhere/group.io_others.yaml", "text")
        archive = modules / "one.zip"
        archive.write_bytes(buffer.getvalue())
        go_sum += f"{module} v{version}/go.mod h1:other=\n{module} v{version} {module_hash(archive)}\n"
        publisher.files[f"/{module}/@v/v{version}.zip"] = buffer.getvalue()
    (modules / "crds" / "go.sum").write_text(go_sum)


def fetch(folder: Path, *, proxy: str, go: str = "no-such-go") -> list[Path]:
    return crds.ensure_crds(
        crds.MODULES, console=Console(file=io.StringIO()), folder=folder, go=go, proxy=proxy
    )


def test_without_go_they_come_from_the_module_proxy(
    publisher: Publisher, modules: Path, tmp_path: Path
) -> None:
    offer(publisher, modules)
    folders = fetch(tmp_path / "tools", proxy=publisher.url)
    assert {folder.name: [file.read_text() for file in folder.iterdir()] for folder in folders} == {
        f"{name}-{version}": [f"kind: {name}\n"] for name, version in VERSIONS.items()
    }
    assert len(publisher.asked) == len(VERSIONS)
    assert fetch(tmp_path / "tools", proxy=publisher.url) == folders
    assert len(publisher.asked) == len(VERSIONS)


def test_what_another_run_fetched_meanwhile_is_not_fetched_again(
    publisher: Publisher, modules: Path, tmp_path: Path
) -> None:
    offer(publisher, modules)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(fetch, tmp_path / "tools", proxy=publisher.url) for _ in range(2)]
        assert runs[0].result(timeout=10) == runs[1].result(timeout=10)
    assert len(publisher.asked) == len(VERSIONS)


@pytest.mark.usefixtures("modules")
def test_with_go_they_come_from_its_module_cache(tmp_path: Path) -> None:
    for _, path in crds.MODULES.values():
        (tmp_path / "cache" / path).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / path / "group.io_things.yaml").write_text("kind: thing\n")
        (tmp_path / "cache" / path / "kustomization.yaml").write_text("text")
    go = tmp_path / "go"
    go.write_text(
        f"""#!/bin/sh\nif [ "$1" = list ]; then echo v1; else echo '{{"Dir": "{tmp_path}/cache"}}'; fi\n"""
    )
    go.chmod(0o755)
    folders = fetch(tmp_path / "tools", proxy="http://127.0.0.1:1", go=str(go))
    assert [[file.name for file in folder.iterdir()] for folder in folders] == [
        ["group.io_things.yaml"]
    ] * len(VERSIONS)


def test_other_content_than_pinned_is_refused(publisher: Publisher, modules: Path, tmp_path: Path) -> None:
    offer(publisher, modules)
    go_sum = modules / "crds" / "go.sum"
    go_sum.write_text(go_sum.read_text().replace("1.0.0 h1:", "1.0.0 h1:X"))
    with pytest.raises(UsageError, match="its hash is h1:") as caught:
        fetch(tmp_path / "tools", proxy=publisher.url)
    assert "go: the command no-such-go is not installed" in str(caught.value)
    assert list((tmp_path / "tools" / "crds").iterdir()) == []


def test_something_that_is_no_archive_is_refused(publisher: Publisher, modules: Path, tmp_path: Path) -> None:
    offer(publisher, modules)
    publisher.files = dict.fromkeys(publisher.files, b"sign in, please")
    with pytest.raises(UsageError, match="not a zip file"):
        fetch(tmp_path / "tools", proxy=publisher.url)


def test_an_unreachable_proxy_is_reported_with_the_missing_go(modules: Path, tmp_path: Path) -> None:
    with publishing() as gone:
        offer(gone, modules)
    with pytest.raises(UsageError) as caught:
        fetch(tmp_path / "tools", proxy=gone.url)
    [problem] = caught.value.problems
    assert problem.where == "definitions of cert-manager"
    assert "go: the command no-such-go is not installed" in problem.what
    assert "module proxy: http" in problem.what


@pytest.mark.usefixtures("modules")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "tools").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="cannot be written"):
        fetch(tmp_path / "tools", proxy="http://127.0.0.1:1")


def test_a_module_that_is_not_pinned(tmp_path: Path) -> None:
    go_sum = tmp_path / "go.sum"
    go_sum.write_text("example.com/a v1.0.0/go.mod h1:x=\n")
    with pytest.raises(SourceFailedError, match=r"does not pin example\.com/a"):
        pinned(go_sum, "example.com/a")


def test_every_module_is_pinned_as_versions_yaml_says() -> None:
    go_sum = MODULES_FOLDER / "crds" / "go.sum"
    found = {name: pinned(go_sum, module)[0] for name, (module, _) in crds.MODULES.items()}
    wanted = load_versions(VERSIONS_FILE).crds
    assert found == {name: f"v{version}" for name, version in wanted.items()}


def test_the_hash_is_the_one_that_go_computes(tmp_path: Path) -> None:
    """The value was taken from ``go mod download`` of a module with these two files."""
    archive = tmp_path / "module.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("example.com/a@v1.0.0/b.txt", "b\n")
        files.writestr("example.com/a@v1.0.0/a.txt", "a\n")
    assert module_hash(archive) == "h1:3gr1DEbpUw78erS5zAzn6ZWXEHHSoEhCuYs6WUuXWn8="
