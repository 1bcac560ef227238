"""The API server takes everything of monitoring and logs that this program declares beside the charts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.names import MONITORING_NAMESPACE, NODE_EXPORTER_NAMESPACE
from infra.platform import alertmanager, dashboards, logging_stack, monitoring_stack
from infra.platform.platform import platform_namespace
from tests.program.watching import SECRETS, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.cluster

NAMESPACES = [
    platform_namespace(MONITORING_NAMESPACE, "dev"),
    platform_namespace(NODE_EXPORTER_NAMESPACE, "dev", level="privileged"),
    *logging_stack.namespaces("dev"),
]


def as_list(objects: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.fixture
def homes(kubectl: Callable[..., str]) -> Iterator[list[str]]:
    """Create the namespaces, which no other test of the shared cluster has."""
    kubectl("apply", "--server-side", "--filename=-", stdin=as_list(NAMESPACES))
    names = [item["metadata"]["name"] for item in NAMESPACES]
    yield names
    kubectl("delete", "namespace", *names, "--wait=false")


def test_every_object_is_taken(kubectl: Callable[..., str], homes: list[str]) -> None:
    chosen = watch()
    objects = [
        alertmanager.manifest("dev", chosen.settings.receivers, SECRETS),
        *monitoring_stack.manifests("dev", chosen),
        *dashboards.manifests("dev", edge=True, backups=True),
        *logging_stack.manifests("dev"),
    ]
    assert {item["metadata"]["namespace"] for item in objects} <= set(homes)
    said = kubectl("apply", "--server-side", "--filename=-", stdin=as_list(objects))
    assert len(said.strip().splitlines()) == len(objects)
