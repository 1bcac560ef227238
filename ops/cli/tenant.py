"""``iotistic tenant``: add customers' tenants and change them."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import tenant_restore, tenant_view
from ops.cli.edits import Session, edits_registry
from ops.cli.keys import assignments, nested
from ops.cli.options import TenantId, day_option, offer_plans
from ops.known import require_known
from ops.node_ports import KEYS, allocate
from ops.workspace import tenant_of
from tenants.changes import Limits
from tenants.editing import deletion, edit, new_file, removal_record
from tenants.errors import UsageError
from tenants.models import Lifecycle, LifecycleState, MqttMode

if TYPE_CHECKING:
    from tenants.plans import PlanTable
    from tenants.splice import Value

app = typer.Typer(help="Add, show and change tenants.", no_args_is_help=True)
app.command(name="list")(tenant_view.list_tenants)
app.command(name="show")(tenant_view.show)
app.command(name="restore-job")(tenant_restore.restore_job)

Company = Annotated[str, typer.Option("--company", help="The customer's name.", show_default=False)]
Email = Annotated[str, typer.Option("--email", help="Where mails about it go.", show_default=False)]
Plan = Annotated[
    str, typer.Option("--plan", help="What it pays for.", autocompletion=offer_plans, metavar="NAME")
]
CustomerId = Annotated[
    str | None,
    typer.Option("--customer-id", help="The billing's id.", metavar="cust_…", show_default="a new one"),
]
PaidUntil = Annotated[
    date | None, day_option("--paid-until", explanation="Last day that is paid for; without it, a trial.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Argument(
        help="Keys and their values; lists with commas.", metavar="KEY=VALUE…", show_default=False
    ),
]
Further = Annotated[
    list[str] | None, typer.Option("--set", help="Further keys of the file.", metavar="KEY=VALUE")
]
Unset = Annotated[
    list[str] | None, typer.Option("--unset", help="Key to take out, for its default.", metavar="KEY")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why, in one line; kept in the file.", show_default=False)
]
Notice = Annotated[
    str | None,
    typer.Option("--notice", help="What the tenant's page says in public, in one line.", show_default=False),
]
RemovalReason = Annotated[
    str, typer.Option("--reason", help="Why, and who asked for it; kept for ever.", show_default=False)
]
KeepDays = Annotated[
    int | None,
    typer.Option("--keep-days", help="Days for which it can be revived.", min=1, show_default="the plan's"),
]
EarlyDeletion = Annotated[
    bool,
    typer.Option(
        "--allow-early-deletion", help="Keep data for less than the plan says, as the customer wants."
    ),
]
CellOfNew = Annotated[
    str | None, typer.Option("--cell", help="The cell it belongs to, where there are cells.")
]
CellName = Annotated[str, typer.Option("--cell", help="The cell it goes to.", show_default=False)]


@app.command()
@edits_registry()
def add(  # noqa: PLR0913 - each is an option of the command
    session: Session,
    tenant_id: TenantId,
    *,
    company: Company,
    email: Email,
    plan: Plan = "starter",
    customer_id: CustomerId = None,
    paid_until: PaidUntil = None,
    cell: CellOfNew = None,
    values: Further = None,
) -> None:
    """Add a tenant: on trial where its plan has one, else paid until a day."""
    file: dict[tuple[str, ...], Value | None] = {
        ("schema_version",): 1,
        ("id",): tenant_id,
        ("customer_id",): customer_id or f"cust_{secrets.token_hex(16)}",
        ("company_name",): company,
        ("contact_email",): email,
        ("plan",): plan,
        ("created",): session.today.isoformat(),
        **_subscription(plan, session.workspace.plans, paid_until, session.today),
        ("cell",): cell,
        **assignments(values or ()),
    }
    session.carry_out([new_file(session.workspace.path(tenant_id), nested(file))])


@app.command(name="set")
@edits_registry()
def set_values(
    session: Session, tenant_id: TenantId, values: Assignments = None, *, unset: Unset = None
) -> None:
    """Change keys of a tenant's file; comments and order stay."""
    changes = assignments(values or (), unset or ())
    tenant = tenant_of(session.registry, tenant_id)
    if changes.get(("mqtt", "mode")) == MqttMode.NODE_PORT and not changes.keys() & set(KEYS):
        ports = session.workspace.facts.node_ports
        changes |= allocate(session.registry.tenants, wanting=[tenant], ports=ports)[tenant_id]
    session.carry_out([edit(session.workspace.path(tenant_id), changes)])


@app.command()
@edits_registry()
def suspend(session: Session, tenant_id: TenantId, *, reason: Reason, notice: Notice = None) -> None:
    """Stop serving a tenant; its data stays."""
    lifecycle: dict[str, Value] = {"state": "suspended", "reason": reason, "since": session.today.isoformat()}
    if notice is not None:
        lifecycle["notice"] = notice
    _change_state(session, tenant_id, lifecycle, was=(LifecycleState.ACTIVE,))


@app.command()
@edits_registry()
def resume(session: Session, tenant_id: TenantId) -> None:
    """Serve a suspended tenant again."""
    _change_state(session, tenant_id, {}, was=(LifecycleState.SUSPENDED,))


@app.command()
@edits_registry()
def decommission(
    session: Session,
    tenant_id: TenantId,
    *,
    reason: Reason,
    keep_days: KeepDays = None,
    allow_early_deletion: EarlyDeletion = False,
) -> None:
    """End a tenant: stopped at once, its data kept until a day."""
    days = keep_days or tenant_of(session.registry, tenant_id).plan.retention_days
    _change_state(
        session,
        tenant_id,
        {
            "state": "decommissioned",
            "reason": reason,
            "since": session.today.isoformat(),
            "delete_after": (session.today + timedelta(days=days)).isoformat(),
        },
        was=(LifecycleState.ACTIVE, LifecycleState.SUSPENDED),
        limits=_limits(tenant_id, early=allow_early_deletion),
    )


@app.command()
@edits_registry()
def revive(session: Session, tenant_id: TenantId) -> None:
    """Bring a decommissioned tenant back while its data is there."""
    _change_state(session, tenant_id, {}, was=(LifecycleState.DECOMMISSIONED,))


@app.command()
@edits_registry()
def remove(
    session: Session,
    tenant_id: TenantId,
    *,
    reason: RemovalReason,
    allow_early_deletion: EarlyDeletion = False,
) -> None:
    """Remove a decommissioned tenant after its last day, and its data with the next run, for ever."""
    _require_state(session, tenant_id, (LifecycleState.DECOMMISSIONED,))
    workspace = session.workspace
    stone = {"id": tenant_id, "removed_on": session.today.isoformat(), "reason": reason}
    # The record first: a file that is gone without one would look like an accident.
    session.carry_out(
        [removal_record(workspace.tombstones, stone), deletion(workspace.path(tenant_id))],
        limits=_limits(tenant_id, early=allow_early_deletion),
        question=f"Remove {tenant_id}? Its database and volumes go with the next run, and never come back.",
    )


@app.command()
@edits_registry()
def move(session: Session, tenant_id: TenantId, *, cell: CellName) -> None:
    """Record that a tenant goes to another cell."""
    tenant = tenant_of(session.registry, tenant_id)
    if tenant.cell == cell:
        raise UsageError.of(
            where=f"{session.workspace.folder}/{tenant_id}.yaml: cell",
            what=f'the tenant is in the cell "{cell}" already',
            why="a record of a move that is none would let a later slip of the pen pass",
            how="name another cell",
        )
    changes: dict[tuple[str, ...], Value | None] = {
        ("cell",): cell,
        ("move", "since"): session.today.isoformat(),
        ("move", "from_cell"): tenant.cell,
    }
    session.carry_out([edit(session.workspace.path(tenant_id), changes)])


def _subscription(
    plan: str, plans: PlanTable, paid_until: date | None, today: date
) -> dict[tuple[str, ...], Value | None]:
    """Return the trial or the paid period with which a tenant begins."""
    known = {str(name): found.trial_days for name, found in plans.plans.items()}
    require_known("plan", plan, list(known), where="--plan", why="nobody could tell what the customer gets")
    if paid_until is not None:
        return {
            ("subscription", "status"): "active",
            ("subscription", "current_period_end"): paid_until.isoformat(),
        }
    trial_days = known[plan]
    if trial_days is None:
        raise UsageError.of(
            where="--paid-until",
            what=f"is missing, and the plan {plan} has no trial",
            why="the licence would have no end",
            how="give the last day that is paid for, or use a plan with a trial",
        )
    ends = today + timedelta(days=trial_days)
    return {("trial", "ends"): ends.isoformat(), ("subscription", "status"): "trialing"}


def _limits(tenant_id: str, *, early: bool) -> Limits:
    """Return the limits of a command that ends a tenant, with its own option in their messages."""
    wanted = frozenset({tenant_id} if early else ())
    return Limits(early_deletion=wanted, early_option="--allow-early-deletion")


def _change_state(
    session: Session,
    tenant_id: str,
    lifecycle: dict[str, Value],
    *,
    was: tuple[LifecycleState, ...],
    limits: Limits | None = None,
) -> None:
    """Write the lifecycle of a tenant that is in one of the states from which the command leads.

    Raises:
        UsageError: It is in another state, or the change must not happen.
    """
    _require_state(session, tenant_id, was)
    changes: dict[tuple[str, ...], Value | None] = {
        ("lifecycle", key): lifecycle.get(key) for key in Lifecycle.model_fields
    }
    session.carry_out([edit(session.workspace.path(tenant_id), changes)], limits=limits)


def _require_state(session: Session, tenant_id: str, states: tuple[LifecycleState, ...]) -> None:
    tenant = tenant_of(session.registry, tenant_id)
    if tenant.lifecycle not in states:
        raise UsageError.of(
            where=f"{session.workspace.folder}/{tenant_id}.yaml: lifecycle.state",
            what=f"the tenant is {tenant.lifecycle}, not {' or '.join(states)}",
            why="the command would do something else than its name says",
            how="from active: suspend, decommission; from suspended: resume, decommission; "
            "from decommissioned: revive, remove",
        )
