"""What Traefik's chart makes of the program's values, as far as tests need it, and its definitions."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML

from infra.names import INGRESS_NAMESPACE
from ops.local.gobuild import GoSource
from ops.local.gomodule import download_module
from ops.local.sources import SourceFailedError
from ops.local.tools import MODULES_FOLDER

VALUES: Final = Path(__file__).parent / "golden" / "platform" / "traefik-values.yaml"
"""The program's values, by which the facts were seen."""
_FACTS: Final = Path(__file__).parent / "data" / "traefik.yaml"
_FOLDER: Final = "traefik"
_MODULE: Final = "github.com/traefik/traefik/v3"
_DEFINITIONS: Final = "integration/fixtures/k8s/01-traefik-crd.yml"
"""The file of the module with the definitions that the chart brings too."""
_PARTS: Final = {"tlsOptions": "TLSOption", "tlsStore": "TLSStore"}
"""Kinds of objects that the chart makes of a value each, with the value's content."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IngressClass(_Strict):
    """The class of routes that are Traefik's.

    Attributes:
        name: Its name.
        controller: What Traefik calls itself.
    """

    name: str
    controller: str


class Service(_Strict):
    """What people reach.

    Attributes:
        type: How it is reached.
        external_traffic_policy: Whether a node hands callers on to others.
        ip_family_policy: Which kinds of addresses it has.
        ports: Numbers by the ports' names.
    """

    model_config = ConfigDict(alias_generator=to_camel)

    type: str
    external_traffic_policy: str
    ip_family_policy: str
    ports: dict[str, int]


class Facts(_Strict):
    """What was seen of the chart.

    Attributes:
        chart: Its version.
        values_sha256: Of the program's values that it was given, with the Gateway API switched on.
        image: What it runs.
        ingress_class: Whose routes it serves.
        container_ports: Where the program listens, by entry point.
        service: What people reach.
        changes: Resources in the API server that it may change.
        arguments: What the program is started with.
    """

    chart: str
    values_sha256: str
    image: str
    ingress_class: IngressClass
    container_ports: dict[str, int]
    service: Service
    changes: tuple[str, ...]
    arguments: tuple[str, ...]


def facts() -> Facts:
    """Return what was seen of the chart."""
    return Facts.model_validate(YAML(typ="safe").load(_FACTS))


def read_by_traefik() -> list[dict[str, Any]]:
    """Return the chart's objects that Traefik itself reads: its class, its Service, options and limits."""
    values = YAML(typ="safe").load(VALUES)
    seen = facts()
    service = seen.service.model_dump(exclude={"ports"}, by_alias=True)
    ports = [{"name": name, "port": port, "targetPort": name} for name, port in seen.service.ports.items()]
    named = {"name": seen.ingress_class.name}
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": named,
            "spec": {"controller": seen.ingress_class.controller},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "traefik", "namespace": INGRESS_NAMESPACE},
            "spec": {**service, "ports": ports},
        },
        *values["extraObjects"],
        *(
            {
                "apiVersion": "traefik.io/v1alpha1",
                "kind": kind,
                "metadata": {"name": name, "namespace": INGRESS_NAMESPACE},
                "spec": spec,
            }
            for value, kind in _PARTS.items()
            for name, spec in values[value].items()
        ),
    ]


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
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]
