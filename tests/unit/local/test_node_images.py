"""Which images a real node is given, and what is said when they cannot be had."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from infra.program import read_registry
from ops.local.node import images as node_images
from ops.local.node.images import NodeImages
from ops.local.node.layout import NodeLayout
from ops.local.node.namespaces import Namespaces, NodeError
from ops.local.node.wanted import wanted_images
from ops.local.tools import Toolbox
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry(environment="dev", domain="iotistic.localhost")


class TestWanted:
    def test_the_edge_is_wanted_where_it_is_enabled(self, registry: Registry) -> None:
        without = wanted_images(registry, {"iotistic:mqttEdge": {}})
        with_edge = wanted_images(registry, {"iotistic:mqttEdge": {"enabled": True}})
        [more] = set(with_edge) - set(without)
        assert "/haproxy:" in more

    def test_they_come_through_the_mapping(self, registry: Registry) -> None:
        config = {
            "iotistic:imageMirror": "mirror.example.com",
            "iotistic:imageOverrides": '{"api": "registry.local:5000/api:7"}',
        }
        found = wanted_images(registry, config)
        assert "registry.local:5000/api:7" in found
        assert all(name.startswith("mirror.example.com/") for name in found if "/api:7" not in name)

    def test_none_is_no_mirror(self, registry: Registry) -> None:
        found = wanted_images(registry, {"iotistic:imageMirror": "none"})
        assert any(name.startswith("docker.io/library/postgres:") for name in found)


class Node(Namespaces):
    """A node whose ``ctr`` is played."""

    def run(self, *command: str, network: bool = True) -> str:
        if "list" in command:
            return "docker.io/here:1\n"
        assert not network, "the node itself reaches no registry"
        if command[-1].endswith("/lost:1"):
            message = "ctr images pull in the node: level=info\nctr: failed to resolve reference"
            raise NodeError(message)
        return ""


def test_every_image_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_images, "which", lambda name: name)
    images = NodeImages(
        Node(NodeLayout(tmp_path)), Toolbox(tmp_path, {}), Console(file=io.StringIO(), force_terminal=False)
    )
    images.ensure_published(["docker.io/here:1", "docker.io/found:1"])
    with pytest.raises(UsageError) as caught:
        images.ensure_published(["a.example/lost:1", "docker.io/found:1", "b.example/lost:1"])
    assert [problem.where for problem in caught.value.problems] == ["a.example/lost:1", "b.example/lost:1"]
    assert "failed to resolve reference" in caught.value.problems[0].what
