"""Brings the custom resource definitions that the embedded cluster knows.

They come out of Go modules, whose content ``tools/crds/go.sum`` pins by hash.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from ops.local.gobuild import GoSource
from ops.local.progress import step
from ops.local.store import exclusive, new_folder
from ops.local.tools import MODULES_FOLDER, TOOLS_FOLDER, VERSIONS_FILE
from ops.local.versions import load_versions

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

MODULES: Final = {
    "cert-manager": ("github.com/cert-manager/cert-manager", "deploy/crds"),
    "prometheus-operator": (
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
    ),
    "gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
}
"""For each set of definitions its Go module and the folder in it."""


def ensure_crds(*, console: Console, folder: Path = TOOLS_FOLDER) -> list[Path]:
    """Return a folder of YAML files for each set of definitions, fetching what is missing."""
    versions = load_versions(VERSIONS_FILE).crds
    homes = {name: folder / "crds" / f"{name}-{versions[name]}" for name in MODULES}
    missing = [name for name, home in homes.items() if not home.is_dir()]
    if missing:
        with exclusive(folder / ".lock", console, what="fetching tools"):
            for name in missing:
                module, path = MODULES[name]
                with (
                    step(console, f"definitions of {name} {versions[name]}") as say,
                    new_folder(homes[name]) as home,
                ):
                    say("fetching")
                    source = GoSource(modules=MODULES_FOLDER).download("crds", module)
                    for file in (source / path).glob("*_*.yaml"):
                        shutil.copyfile(file, home / file.name)
    return list(homes.values())
