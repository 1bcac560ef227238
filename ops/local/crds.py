"""Brings the custom resource definitions that the embedded cluster knows.

They come out of Go modules, whose content ``tools/crds/go.sum`` pins by hash:
with Go if there is any, else straight from the module proxy.
"""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING, Final

from ops.local.gobuild import GoSource
from ops.local.gomodule import PROXY, download_module
from ops.local.progress import step
from ops.local.sources import SourceFailedError, disk_full
from ops.local.store import exclusive, new_folder
from ops.local.tools import MODULES_FOLDER, TOOLS_FOLDER, VERSIONS_FILE
from ops.local.versions import load_versions
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console

MODULES: Final = {
    "cert-manager": ("github.com/cert-manager/cert-manager", "deploy/crds"),
    "prometheus-operator": (
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
    ),
    "gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
    "velero": ("github.com/vmware-tanzu/velero", "config/crd/v1/bases"),
    "external-snapshotter": ("github.com/kubernetes-csi/external-snapshotter/client/v8", "config/crd"),
}
"""For each set of definitions its Go module and the folder in it."""

OF_EVERY_CLUSTER: Final = ("cert-manager", "prometheus-operator", "gateway-api")
"""What every embedded cluster knows. The others are for who asks: each definition makes a start longer."""

_FOLDER: Final = "crds"


def ensure_crds(
    names: Iterable[str] = OF_EVERY_CLUSTER,
    *,
    console: Console,
    folder: Path = TOOLS_FOLDER,
    go: str = "go",
    proxy: str = PROXY,
) -> list[Path]:
    """Return a folder of YAML files for each set of definitions, fetching what is missing.

    Args:
        names: Which sets.
        console: Where progress is shown.
        folder: Where they are kept, by name and version.
        go: Name or path of the ``go`` command.
        proxy: Address of the module proxy to use without it.

    Raises:
        UsageError: They cannot be had in any way, or the folder cannot be written.
    """
    versions = load_versions(VERSIONS_FILE).crds
    homes = {name: folder / _FOLDER / f"{name}-{versions[name]}" for name in names}
    try:
        if _missing(homes):
            with exclusive(folder / ".lock", console, what="fetching tools"):
                for name in _missing(homes):  # Another run may have fetched them meanwhile.
                    title = f"definitions of {name} {versions[name]}"
                    with step(console, title) as say, new_folder(homes[name]) as home:
                        say("fetching")
                        _fetch(name, home, go=go, proxy=proxy)
    except OSError as error:
        raise disk_full(folder, error) from error
    return list(homes.values())


def _missing(homes: dict[str, Path]) -> list[str]:
    return [name for name, home in homes.items() if not home.is_dir()]


def _fetch(name: str, home: Path, *, go: str, proxy: str) -> None:
    module, path = MODULES[name]
    try:
        _copy_with_go(module, path, home, go=go)
    except SourceFailedError as without_go:
        try:
            _copy_from_proxy(module, path, home, proxy=proxy)
        except SourceFailedError as without_proxy:
            raise UsageError.of(
                where=f"definitions of {name}",
                what=f"could not be had. Tried:\n  - go: {without_go}\n  - module proxy: {without_proxy}",
                why="the embedded cluster would refuse the objects they define",
                how="connect to the internet and run again; a company's proxy goes into HTTPS_PROXY",
            ) from without_proxy


def _copy_with_go(module: str, path: str, home: Path, *, go: str) -> None:
    source = GoSource(modules=MODULES_FOLDER, go=go).download(_FOLDER, module)
    for file in (source / path).iterdir():
        if _is_definition(file.name):
            shutil.copyfile(file, home / file.name)


def _copy_from_proxy(module: str, path: str, home: Path, *, proxy: str) -> None:
    archive = download_module(module, MODULES_FOLDER / _FOLDER / "go.sum", home, proxy=proxy)
    with zipfile.ZipFile(archive) as files:
        for entry in files.namelist():
            folder, _, name = entry.rpartition("/")
            if folder.endswith(f"/{path}") and _is_definition(name):
                (home / name).write_bytes(files.read(entry))
    archive.unlink()


def _is_definition(name: str) -> bool:
    """Return True for ``<group>_<plural>.yaml``, which tells definitions from what lies beside them.

    The Gateway API's rule against its own older definitions has a name of three parts.
    """
    return name.endswith(".yaml") and name.count("_") == 1
