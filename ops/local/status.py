"""How the customers of a dev environment are, as a table or as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ops.local import tools
from ops.local.inventory import Inventory
from ops.local.target import STACK
from ops.stack_config import committed_config
from tenants.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.local.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantStatus:
    """One line of the table.

    Attributes:
        id: The tenant's id.
        name: The company's name.
        plan: The plan, and whether it is a trial.
        state: Where in its life the tenant is.
        pods: Number of pods, none while suspended.
        ready: How many of them are ready.
        licence_until: Last day on which the licence is valid, ISO 8601.
        url: Where the customer's people go.
        mqtt: Where the customer's devices go.
    """

    id: str
    name: str
    plan: str
    state: str
    pods: int
    ready: int
    licence_until: str
    url: str
    mqtt: str

    def as_json(self) -> dict[str, Any]:
        """Return the line as data."""
        return asdict(self)


def tenant_statuses(environment: Environment) -> list[TenantStatus]:
    """Return the status of every customer in the registry."""
    toolbox = tools.ensure(console=environment.console)
    pods = Inventory(toolbox, environment.access(toolbox)).tenant_pods()
    domain = committed_config(STACK, root=tools.ROOT)["iotistic:domain"]
    return [
        TenantStatus(
            id=tenant.id,
            name=tenant.company_name,
            plan=f"{tenant.plan.name} (trial)" if tenant.status is Status.TRIALING else tenant.plan.name,
            state=tenant.lifecycle.value,
            pods=len(pods.get(tenant.id, [])),
            ready=sum(pods.get(tenant.id, [])),
            licence_until=tenant.licence_expires_at.date().isoformat(),
            url=f"https://{tenant.host(domain)}",
            mqtt=f"mqtts://{tenant.mqtt_host(domain)}:8883",
        )
        for tenant in environment.registry().tenants
    ]


def as_table(statuses: Sequence[TenantStatus]) -> Table:
    """Return the statuses as a table for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "NAME", "PLAN", "STATE", "PODS", "LICENCE UNTIL", "URL", "MQTT"):
        table.add_column(heading, overflow="fold")
    for status in statuses:
        table.add_row(
            status.id,
            status.name,
            status.plan,
            status.state,
            f"{status.ready}/{status.pods}",
            status.licence_until,
            status.url,
            status.mqtt,
        )
    return table
