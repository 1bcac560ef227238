"""Instances to render in tests: the dev registry's customers, with placeholders for secrets."""

from __future__ import annotations

import dataclasses
import functools
import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from infra.customer.model import Credentials, Instance, Surroundings
from infra.images import load_images
from infra.program import read_registry
from tenants.sizing import quota_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenants.tenant import Tenant

PLACEHOLDERS = Credentials(
    licence="<licence>",
    licence_public_key="<public key>",
    database_superuser="<superuser's password>",
    database_api="<API's password>",
    database_exporter="<exporter's password>",
    database_broker="<broker's password>",
    mqtt_api="<API's MQTT password>",
    jwt_secret="<JWT secret>",  # noqa: S106 - a placeholder
    admin="<administrator's password>",
    former_admin="<administrator's former password>",
    backup="<backup key>",
    node_red_admin="<Node-RED's administrator's password>",
    node_red_key="<Node-RED's key>",
    mqtt_node_red="<Node-RED's MQTT password>",
    grafana_admin="<Grafana's administrator's password>",
    grafana_key="<Grafana's key>",
)

SURROUNDINGS = Surroundings(
    domain="iotistic.localhost",
    storage_class="standard",
    routes="ingress",
    ingress_class="traefik",
    await_routes=True,
    broker_issuer="iotistic-ca",
    monitoring=True,
    prometheus="prometheus",
    backup_repository="volume",
)


def instance_of(
    tenant_id: str,
    *,
    surroundings: dict[str, Any] | None = None,
    credentials: dict[str, Any] | None = None,
    **tenant: Any,  # noqa: ANN401 - fields of a tenant have all kinds of types
) -> Instance:
    """Return a dev customer's instance, with some fields of the tenant or around it changed."""
    return Instance(
        tenant=dataclasses.replace(_customers()[tenant_id], **tenant),
        surroundings=dataclasses.replace(SURROUNDINGS, **(surroundings or {})),
        images=_images(),
        credentials=dataclasses.replace(PLACEHOLDERS, **(credentials or {})),
    )


_images = functools.cache(load_images)


@functools.cache
def _customers() -> dict[str, Tenant]:
    """Return the dev environment's customers by id. Reading their files anew each time would be slow."""
    registry = read_registry(environment="dev", domain="iotistic.localhost")
    return {tenant.id: tenant for tenant in registry.tenants}


def with_options(tenant_id: str, *names: str, **more: Any) -> Instance:  # noqa: ANN401 - as above
    """Return a dev customer's instance with some options switched on, and the quota that follows."""
    tenant = instance_of(tenant_id).tenant
    options = tenant.options.model_copy(update=dict.fromkeys(names, True))
    quota = quota_for(tenant.sizes, tenant.storage, options)
    return instance_of(tenant_id, options=options, quota=quota, **more)


def as_yaml(objects: Sequence[Mapping[str, object]]) -> str:
    """Return objects, or values of a chart, as a stream of YAML documents."""
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump_all(objects, text)
    return text.getvalue()
