"""Names: the zone of the customers' domain, and what leads where.

A wildcard leads to the ingress. It cannot tell ``mqtt-<id>`` from ``<id>``, so every customer's
MQTT name is a record of its own: to the edge they share, or to the balancer that is theirs.
A managed broker is reached at its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pulumi

    from infra.clusters.services import Zone
    from infra.customer.instance import CustomerInstance
    from tenants.tenant import Tenant

EDGE_HOST: Final = "mqtt"
INGRESS_HOSTS: Final = ("*", "billing", "grafana")
"""Those with a certificate of their own stand beside the wildcard: while its challenge is answered
below a name, that name exists, and for names that exist a wildcard does not answer (RFC 4592)."""


class DnsSettings(BaseModel):
    """The names of a stack."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    enabled: bool = Field(default=True, description="Whether there are any.")
    ingress_address: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")] | None = Field(
        default=None,
        description=(
            "Where the ingress controller's balancer is: its address, or in AWS its name. "
            "Not set: the stack asks the controller that it installs."
        ),
    )


def declare_names(
    zone: Zone,
    *,
    ingress: pulumi.Input[str] | None,
    edge: pulumi.Input[str] | None,
    tenants: Iterable[Tenant],
    customers: Mapping[str, CustomerInstance],
) -> None:
    """Let every name of the domain lead where it should.

    Args:
        zone: The domain's zone.
        ingress: Where the ingress controller is, if there is one.
        edge: Where the MQTT edge is, if there is one.
        tenants: The customers.
        customers: Their instances, by id.
    """
    if ingress is not None:
        for host in INGRESS_HOSTS:
            zone.point(host, ingress)
    if edge is not None:
        zone.point(EDGE_HOST, edge)
    for tenant in tenants:
        host = f"mqtt-{tenant.id}"
        balancer = customers[tenant.id].balancer
        if balancer is not None:
            zone.point(host, balancer, passing=True)
        elif edge is not None and tenant.mqtt.mode is MqttMode.SHARED:
            zone.alias(host, EDGE_HOST)
