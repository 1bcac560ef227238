"""Every plan with every variant of an instance: what rules have to hold for."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from infra.clusters.backups import BackupRoute
from tenants.models import LifecycleState, MqttMode
from tenants.sizing import OPTIONAL
from tests.program.instances import instance_of, with_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infra.customer.model import Instance

PLANS = {"starter": "acme", "professional": "globex", "enterprise": "initech"}
"""A customer of the dev environment for each plan."""

BARE = {"monitoring": False, "prometheus": None, "broker_issuer": None, "backup_repository": None}
STORE = BackupRoute(pattern="gs:backups:/{namespace}", credentials="169.254.169.254/32")


BROKERS: dict[str, dict[str, Any]] = {
    "shared": {},
    "managed": {"mode": MqttMode.MANAGED, "endpoint": "broker.example", "endpoint_port": 8883},
    "managed inside": {
        "mode": MqttMode.MANAGED,
        "endpoint": "broker.example",
        "endpoint_address": "10.99.0.7",
        "endpoint_port": 8883,
    },
    "dedicated": {"mode": MqttMode.DEDICATED},
    "node ports": {
        "mode": MqttMode.NODE_PORT,
        "node_port": 31883,
        "websocket_node_port": 31901,
        "api_node_port": 31302,
        "dashboard_node_port": 31080,
    },
}
"""What differs in a tenant's MQTT, by where its devices go."""

OPTION_SETS = [
    chosen
    for count in range(len(OPTIONAL) + 1)
    for chosen in itertools.combinations(OPTIONAL, count)
    if "grafana" not in chosen or "prometheus" in chosen
]
"""Every set of options that the registry takes."""


def variant(
    customer: str,
    *,
    options: Sequence[str] = (),
    broker: str = "shared",
    surroundings: dict[str, Any] | None = None,
    **tenant: Any,  # noqa: ANN401 - fields of several types
) -> Instance:
    """Return a customer's instance with these options, this broker, and other fields changed."""
    mqtt = dataclasses.replace(instance_of(customer).tenant.mqtt, **BROKERS[broker])
    return with_options(customer, *options, surroundings=surroundings or {}, mqtt=mqtt, **tenant)


def _with(**chosen: Any) -> Callable[[str], Instance]:  # noqa: ANN401 - as above
    return lambda customer: variant(customer, **chosen)


VARIANTS: dict[str, Callable[[str], Instance]] = {
    "default": _with(),
    **{name: _with(options=[name]) for name in OPTIONAL},
    "all options": _with(options=OPTIONAL),
    "managed broker": _with(broker="managed"),
    "dedicated entrance": _with(broker="dedicated"),
    "node ports": _with(broker="node ports"),
    "gateway": _with(surroundings={"routes": "gateway"}),
    "bare": _with(surroundings=BARE),
    "remote backup": _with(surroundings={"backup_repository": "s3:https://s3.example/backups"}),
    "store with credentials": _with(surroundings={"backup_repository": None, "backup_route": STORE}),
    "proof by web page": _with(
        surroundings={"answers_authority": True, "web_issuer": "public", "own_certificates": True}
    ),
    "names of its own": _with(
        surroundings={"web_issuer": "public", "answers_for_extra": True}, extra_hosts=("iot.acme.example",)
    ),
    "broker asks the database": _with(surroundings={"mqtt_authentication": "postgres"}),
    "suspended": _with(runs=False, lifecycle=LifecycleState.SUSPENDED),
    "decommissioned": _with(runs=False, lifecycle=LifecycleState.DECOMMISSIONED),
}
"""How each variant is made from a customer of the dev environment."""

INSTANCES = {
    f"{plan}, {variant}": make(customer)
    for plan, customer in PLANS.items()
    for variant, make in VARIANTS.items()
}
"""Every plan with every variant."""


def combinations() -> Iterator[tuple[str, Instance]]:
    """Yield every plan with every set of options, every kind of broker and both kinds of routes."""
    for (plan, customer), options, broker, routes in itertools.product(
        PLANS.items(), OPTION_SETS, BROKERS, ("ingress", "gateway")
    ):
        name = ", ".join((plan, *options, broker, routes))
        yield name, variant(customer, options=options, broker=broker, surroundings={"routes": routes})
