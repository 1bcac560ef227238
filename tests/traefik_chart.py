"""Traefik's chart, as Helm renders it from the program's values, and the definitions that it brings."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ruamel.yaml import YAML

from ops.local.gobuild import GoSource
from ops.local.gomodule import download_module
from ops.local.sources import SourceFailedError
from ops.local.tools import MODULES_FOLDER

RENDERED: Final = Path(__file__).parent / "data" / "traefik-chart.yaml"
"""What the chart makes of the program's values, with both kinds of routes."""
_FOLDER: Final = "traefik"
_MODULE: Final = "github.com/traefik/traefik/v3"
_DEFINITIONS: Final = "integration/fixtures/k8s/01-traefik-crd.yml"
"""The file of the module with the definitions that the chart brings too."""


def rendered() -> list[dict[str, Any]]:
    """Return the chart's objects."""
    return _documents(RENDERED.read_text(encoding="utf-8"))


def arguments() -> list[str]:
    """Return what the chart starts Traefik with."""
    [deployment] = (item for item in rendered() if item["kind"] == "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["args"]
    return found


def definitions() -> list[dict[str, Any]]:
    """Return Traefik's own definitions, as the module has them that the program is built from."""
    try:
        source = GoSource(modules=MODULES_FOLDER).download(_FOLDER, _MODULE)
        text = (source / _DEFINITIONS).read_text(encoding="utf-8")
    except SourceFailedError:  # There is no Go: the module proxy has it too.
        with TemporaryDirectory() as work:
            archive = download_module(_MODULE, MODULES_FOLDER / _FOLDER / "go.sum", Path(work))
            with zipfile.ZipFile(archive) as files:
                [name] = (name for name in files.namelist() if name.endswith(_DEFINITIONS))
                text = files.read(name).decode()
    return _documents(text)


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]
