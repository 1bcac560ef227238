"""The ingress controller on the real node: as its chart renders it from the program's values."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from ruamel.yaml import YAML

from infra.names import INGRESS_NAMESPACE
from infra.platform import certificates, gateway, ingress
from infra.platform.certificates import WILDCARD_SECRET, Issuing
from infra.platform.certificates_settings import CertificatesSettings
from ops.local.gobuild import GoSource
from ops.local.gomodule import download_module
from ops.local.node.archive import ImageSpec, write_archive, write_layer
from ops.local.node.debian_images import ARCHIVE
from ops.local.sources import SourceFailedError
from ops.local.tools import MODULES_FOLDER, VERSIONS_FILE, ensure
from ops.local.versions import load_versions
from tests.node.outside import DOMAIN
from tests.node.world import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.local.node.images import NodeImages
    from tests.node.world import World

RENDERED: Final = Path(__file__).parent.parent / "data" / "traefik-chart.yaml"
"""What the chart makes of the program's values, with both kinds of routes."""
_NAME: Final = "traefik"
_MODULE: Final = "github.com/traefik/traefik/v3"
_DEFINITIONS: Final = "integration/fixtures/k8s/01-traefik-crd.yml"
"""The file of the module with the definitions that the chart brings too."""


def rendered() -> list[dict[str, Any]]:
    """Return the chart's objects."""
    documents = YAML(typ="safe").load_all(RENDERED.read_text(encoding="utf-8"))
    return [document for document in documents if document is not None]


@contextmanager
def controller(world: World) -> Iterator[None]:
    """Run the ingress controller, with the platform's certificate for every host and its Gateway."""
    objects = rendered()
    [deployment] = (item for item in objects if item["kind"] == "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    # One node has room for one.
    deployment["spec"]["replicas"] = 1
    _bring_image(world.node.images, container["image"])
    beside = [
        *ingress.manifests("dev", _NAME),
        *certificates.certificates(_ISSUING),
        *gateway.manifests("dev", wildcard=True),
    ]
    world.apply(*_definitions())
    world.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    try:
        world.apply(*beside, *objects)
        where = (f"--namespace={INGRESS_NAMESPACE}", "--timeout=180s")
        world.kubectl("wait", "--for=condition=Ready", f"certificate/{WILDCARD_SECRET}", *where)
        world.kubectl("rollout", "status", f"deployment/{_NAME}", *where)
        yield
    finally:
        gone = as_list([*beside, *objects])
        world.kubectl("delete", "--filename=-", "--wait=false", "--ignore-not-found", stdin=gone)


_ISSUING: Final = Issuing(
    environment="dev",
    domain=DOMAIN,
    settings=CertificatesSettings(issuer="private-ca"),
    ingress_class=_NAME,
    private_ca=True,
    solver=None,
    wanted=[(INGRESS_NAMESPACE, WILDCARD_SECRET)],
)


def _bring_image(images: NodeImages, reference: str) -> None:
    """Bring an image with nothing but the program, which takes the pod's arguments."""
    program = ensure([_NAME], console=Console()).path(_NAME)

    def build(folder: Path) -> None:
        with TemporaryDirectory(dir=folder) as work:
            layer = write_layer(Path(work) / "layer.tar", {_NAME: (program.read_bytes(), 0o755)})
            image = ImageSpec(layers=[layer], entrypoint=[f"/{_NAME}"], user="65532:65532")
            write_archive(folder / ARCHIVE, {reference: image})

    images.bring(f"{reference} {load_versions(VERSIONS_FILE).tools[_NAME]}", build)


def _definitions() -> list[dict[str, Any]]:
    """Return Traefik's own definitions, as the module has them that the program is built from."""
    try:
        source = GoSource(modules=MODULES_FOLDER).download(_NAME, _MODULE)
        text = (source / _DEFINITIONS).read_text(encoding="utf-8")
    except SourceFailedError:  # There is no Go: the module proxy has it too.
        with TemporaryDirectory() as work:
            archive = download_module(_MODULE, MODULES_FOLDER / _NAME / "go.sum", Path(work))
            with zipfile.ZipFile(archive) as files:
                [name] = (name for name in files.namelist() if name.endswith(_DEFINITIONS))
                text = files.read(name).decode()
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]
