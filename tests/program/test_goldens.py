"""Every object of the dev environment's customers, as YAML that a person can review."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from infra.customer.instance import manifests
from infra.customer.model import Credentials, Instance
from infra.images import load_images
from infra.program import read_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.component import Manifest

GOLDEN = Path(__file__).parent.parent / "golden" / "dev"

PLACEHOLDERS = Credentials(
    licence="<licence>",
    licence_public_key="<public key>",
    database_superuser="<superuser's password>",
    database_api="<API's password>",
    mqtt_api="<API's MQTT password>",
    jwt_secret="<JWT secret>",  # noqa: S106 - a placeholder
)


@pytest.mark.parametrize("tenant_id", ["acme", "globex", "initech"])
def test_objects_are_those_in_the_golden_file(tenant_id: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{tenant_id}.yaml", as_yaml(manifests(instance_of(tenant_id))))


def instance_of(tenant_id: str) -> Instance:
    registry = read_registry(environment="dev", domain="iotistic.localhost")
    (tenant,) = (tenant for tenant in registry.tenants if tenant.id == tenant_id)
    return Instance(
        tenant=tenant,
        domain="iotistic.localhost",
        storage_class="standard",
        ingress_class="traefik",
        await_routes=True,
        images=load_images(),
        credentials=PLACEHOLDERS,
    )


def as_yaml(objects: list[Manifest]) -> str:
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump_all(objects, text)
    return text.getvalue()
