"""Which images a real node needs: those of the objects that the program declares, and no others."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from infra.configuration import read_settings
from infra.images import load_images
from infra.program import read_registry
from ops.local.node.wanted import wanted_images
from ops.stack_config import committed_config
from tenants.models import LifecycleState
from tenants.sizing import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.settings import Settings
    from tenants.registry import Registry

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry(environment="dev", domain="iotistic.localhost")


@pytest.fixture(scope="module")
def read(licence_private_key: str) -> Callable[..., Settings]:
    """Read the dev environment's own configuration with some keys changed."""

    def settings(**changes: object) -> Settings:
        declared = YAML(typ="safe").load(ROOT / "Pulumi.yaml")["config"]
        found: dict[str, Any] = {
            **{key: item["default"] for key, item in declared.items() if "default" in item},
            **{key.partition(":")[2]: value for key, value in committed_config("dev", root=ROOT).items()},
            "kubeconfig": "kubeconfig",
            "kubeContext": "test",
            "masterKey": base64.b64encode(bytes(32)).decode(),
            "licencePrivateKeys": {"1": licence_private_key},
            **changes,
        }
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}
        return read_settings(texts.get, stack="dev")

    return settings


def golden_images(*names: str) -> set[str]:
    """Return every image in golden manifests."""
    texts = ((GOLDEN / name).read_text(encoding="utf-8") for name in names)
    return {image for text in texts for image in re.findall(r"^\s*(?:- )?image: (\S+)$", text, re.MULTILINE)}


def test_they_are_those_of_the_declared_objects(registry: Registry, read: Callable[..., Settings]) -> None:
    customers = golden_images(*(f"dev/{tenant.id}.yaml" for tenant in registry.tenants))
    assert len(customers) > 6
    assert set(wanted_images(read(mqttEdge={}), registry)) == customers
    with_edge = golden_images("platform/mqtt-edge.yaml") | customers
    assert set(wanted_images(read(), registry)) == with_edge != customers


def test_billings_are_wanted_where_the_stack_has_it(
    registry: Registry, read: Callable[..., Settings]
) -> None:
    reference = "registry.example.com/iotistic/billing:1.2.3"
    more = set(wanted_images(read(billing={"image": reference}), registry)) - set(
        wanted_images(read(), registry)
    )
    assert more == golden_images("platform/billing.yaml") - golden_images("dev/acme.yaml")
    assert reference in more


def test_a_customers_own_version_is_wanted_beside_the_environments(
    registry: Registry, read: Callable[..., Settings]
) -> None:
    first, *others = registry.tenants
    pinned = replace(registry, tenants=(replace(first, version="2.0.8"), *others))
    more = set(wanted_images(read(), pinned)) - set(wanted_images(read(), registry))
    assert more == {"docker.io/iotistic/api:2.0.8", "docker.io/iotistic/dashboard:2.0.8"}


def test_they_come_through_the_mapping(registry: Registry, read: Callable[..., Settings]) -> None:
    override = {"api": "registry.example.com:5000/api:7"}
    found = wanted_images(
        read(imageMirror="mirror.example.com", imageOverrides=json.dumps(override)), registry
    )
    assert "registry.example.com:5000/api:7" in found
    assert all(name.startswith("mirror.example.com/") for name in found if "/api:7" not in name)


def test_an_options_image_is_wanted_where_a_customer_has_it(
    registry: Registry, read: Callable[..., Settings]
) -> None:
    first = registry.tenants[0]
    for name in OPTIONAL:
        image = str(getattr(load_images(), name))
        for chosen in (True, False):
            options = first.options.model_copy(update={name: chosen})
            only = replace(registry, tenants=(replace(first, options=options),))
            assert (image in wanted_images(read(), only)) is chosen, name


def test_who_is_suspended_needs_the_page_that_says_so(
    registry: Registry, read: Callable[..., Settings]
) -> None:
    first = replace(registry.tenants[0], runs=False, lifecycle=LifecycleState.SUSPENDED)
    found = wanted_images(read(mqttEdge={}), replace(registry, tenants=(first,)))
    assert found == [str(load_images().dashboard)]
