"""Every plan with every variant of an instance: what rules have to hold for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from infra.customer.available import refuse_unavailable
from tenants.errors import UsageError
from tenants.models import LifecycleState, MqttMode
from tenants.plans import Options
from tenants.sizing import quota_for
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.customer.model import Instance

PLANS = {"starter": "acme", "professional": "globex", "enterprise": "initech"}
"""A customer of the dev environment for each plan."""

BARE = {"monitoring": False, "broker_issuer": None, "backup_repository": None}


def _with_options(customer: str, **chosen: bool) -> Instance:
    tenant = instance_of(customer).tenant
    options = tenant.options.model_copy(update=chosen)
    quota = quota_for(tenant.sizes, tenant.storage, options)
    return instance_of(customer, options=options, quota=quota)


def _with_option(name: str) -> Callable[[str], Instance]:
    return lambda customer: _with_options(customer, **{name: True})


def _with_mqtt(customer: str, **chosen: Any) -> Instance:  # noqa: ANN401 - fields of several types
    return instance_of(customer, mqtt=dataclasses.replace(instance_of(customer).tenant.mqtt, **chosen))


def _available(option: str) -> bool:
    tenant = _with_options("initech", **{option: True}).tenant
    try:
        refuse_unavailable([tenant], folder="", broker_issuer="ca")
    except UsageError:
        return False
    return True


OPTIONS = [name for name in Options.model_fields if _available(name)]
"""The options that an instance can have so far."""

VARIANTS: dict[str, Callable[[str], Instance]] = {
    "default": instance_of,
    **{name: _with_option(name) for name in OPTIONS},
    "all options": lambda customer: _with_options(customer, **dict.fromkeys(OPTIONS, True)),
    "managed broker": lambda customer: _with_mqtt(
        customer, mode=MqttMode.MANAGED, endpoint="broker.example", endpoint_port=8883
    ),
    "dedicated entrance": lambda customer: _with_mqtt(customer, mode=MqttMode.DEDICATED),
    "node ports": lambda customer: _with_mqtt(
        customer, mode=MqttMode.NODE_PORT, node_port=31883, websocket_node_port=31901
    ),
    "gateway": lambda customer: instance_of(customer, surroundings={"routes": "gateway"}),
    "bare": lambda customer: instance_of(customer, surroundings=BARE),
    "remote backup": lambda customer: instance_of(
        customer, surroundings={"backup_repository": "s3:https://s3.example/backups"}
    ),
    "suspended": lambda customer: instance_of(customer, runs=False, lifecycle=LifecycleState.SUSPENDED),
    "decommissioned": lambda customer: instance_of(
        customer, runs=False, lifecycle=LifecycleState.DECOMMISSIONED
    ),
}
"""How each variant is made from a customer of the dev environment."""

INSTANCES = {
    f"{plan}, {variant}": make(customer)
    for plan, customer in PLANS.items()
    for variant, make in VARIANTS.items()
}
"""Every plan with every variant."""
