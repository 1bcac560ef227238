"""``iotistic tenant list`` and ``show``: what the registry says about tenants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ops.cli.console import notes, output, print_json, show_refusals
from ops.cli.options import Env, Json, TenantId, Today, offer_plans, time_option, today_or
from ops.known import require_known
from ops.workspace import Workspace, tenant_of
from tenants.changes import flattened
from tenants.models import LifecycleState, Ring
from tenants.statuses import Status

if TYPE_CHECKING:
    from datetime import date

    from tenants.tenant import Tenant

PlanFilter = Annotated[
    str | None, typer.Option("--plan", help="Only this plan.", autocompletion=offer_plans, metavar="NAME")
]
StateFilter = Annotated[str | None, typer.Option("--state", help="Only this state of the lifecycle.")]
RingFilter = Annotated[str | None, typer.Option("--ring", help="Only this ring.")]
CellFilter = Annotated[str | None, typer.Option("--cell", help="Only this cell.")]
TrialWithin = Annotated[
    int | None, time_option("--trial-ends-within", explanation="Only trials that end within 7d, 2w, …")
]
ExpiresWithin = Annotated[
    int | None, time_option("--expires-within", explanation="Only licences that end within 30d, …")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which tenants are meant; what is None matches all."""

    plan: str | None
    state: str | None
    ring: str | None
    cell: str | None
    trial_until: date | None
    licence_until: date | None
    today: date

    def matches(self, tenant: Tenant) -> bool:
        """Return whether a tenant is meant."""
        trial = tenant.trial_ends if tenant.status is Status.TRIALING else None
        licence = licence_end(tenant) if tenant.licensed else None
        return (
            self.plan in {None, tenant.plan.name}
            and self.state in {None, tenant.lifecycle}
            and self.ring in {None, tenant.ring}
            and self.cell in {None, tenant.cell}
            and self._ends(trial, self.trial_until)
            and self._ends(licence, self.licence_until)
        )

    def _ends(self, day: date | None, until: date | None) -> bool:
        return until is None or (day is not None and self.today <= day <= until)


@show_refusals
def list_tenants(  # noqa: PLR0913 - each is an option of the command
    *,
    plan: PlanFilter = None,
    state: StateFilter = None,
    ring: RingFilter = None,
    cell: CellFilter = None,
    trial_ends_within: TrialWithin = None,
    expires_within: ExpiresWithin = None,
    env: Env = "dev",
    today: Today = None,
    as_json: Json = False,
) -> None:
    """List tenants, all or some."""
    tenants = Workspace.open(env).registry().tenants
    day = today_or(today)
    for kind, value, known in (
        ("plan", plan, offer_plans("")),
        ("state", state, list(LifecycleState)),
        ("ring", ring, list(Ring)),
        ("cell", cell, sorted({tenant.cell for tenant in tenants if tenant.cell})),
    ):
        if value is not None:
            why = "an empty list would look as if there were no such tenant"
            require_known(kind, value, known, where=f"--{kind}", why=why)
    wanted = Filter(
        plan=plan,
        state=state,
        ring=ring,
        cell=cell,
        trial_until=None if trial_ends_within is None else day + timedelta(days=trial_ends_within),
        licence_until=None if expires_within is None else day + timedelta(days=expires_within),
        today=day,
    )
    found = [tenant for tenant in tenants if wanted.matches(tenant)]
    if as_json:
        print_json([_summary(tenant) for tenant in found])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "company", "plan", "status", "state", "ring", "cell", "trial ends", "licence ends"):
        table.add_column(heading, overflow="fold")
    for tenant in found:
        table.add_row(*(Text("" if value is None else str(value)) for value in _summary(tenant).values()))
    output.print(table)
    notes.print(f"{len(found)} of {len(tenants)} tenants.")


@show_refusals
def show(tenant_id: TenantId, *, env: Env = "dev", as_json: Json = False) -> None:
    """Show all that is decided about a tenant, plan and defaults included."""
    workspace = Workspace.open(env)
    registry = workspace.registry()
    tenant = tenant_of(registry, tenant_id)
    domain = workspace.facts.domain
    result: dict[str, Any] = {
        "file": flattened(registry.files[tenant_id]),
        "derived": {
            "namespace": tenant.namespace,
            "host": tenant.host(domain),
            "mqtt_host": tenant.mqtt_host(domain),
            "runs": tenant.runs,
            "licensed": tenant.licensed,
            "licence_ends": licence_end(tenant).isoformat() if tenant.licensed else None,
            **{f"storage.{name}": size for name, size in flattened(tenant.storage).items()},
            **{f"options.{name}": chosen for name, chosen in flattened(tenant.options).items()},
            "quota.cpu": tenant.quota.cpu,
            "quota.memory": tenant.quota.memory,
            "quota.storage": tenant.quota.storage,
        },
    }
    if as_json:
        print_json(result)
        return
    for heading, values in result.items():
        table = Table(heading, "", box=None, pad_edge=False)
        for key, value in values.items():
            table.add_row(key, Text(value if isinstance(value, str) else json.dumps(value)))
        output.print(table)


def licence_end(tenant: Tenant) -> date:
    """Return the last day of a tenant's licence."""
    return (tenant.licence_expires_at - timedelta(seconds=1)).date()


def _summary(tenant: Tenant) -> dict[str, str | None]:
    return {
        "id": tenant.id,
        "company": tenant.company_name,
        "plan": tenant.plan.name,
        "status": tenant.status,
        "state": tenant.lifecycle,
        "ring": tenant.ring,
        "cell": tenant.cell,
        "trial_ends": tenant.trial_ends.isoformat() if tenant.trial_ends else None,
        "licence_ends": licence_end(tenant).isoformat() if tenant.licensed else None,
    }
