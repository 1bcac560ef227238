"""A tenant with everything decided: its file, its plan and all that follows from both.

Nothing here needs a cluster, a clock or the network, so that a tenant can be tested in
milliseconds and printed before anything is applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from tenants.models import NODE_PORTS, Epochs, LifecycleState, MqttMode, Ring, TenantFile
from tenants.sizing import Quota, quota_for
from tenants.statuses import OUTCOMES, Outcome, Status, ValidUntil

if TYPE_CHECKING:
    from tenants.plans import BackupPolicy, Options, Plan, Sizes, Storage

Base = TypeVar("Base", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAccess:
    """How devices reach the tenant's broker.

    Attributes:
        mode: Which of the four ways.
        endpoint: Host name of a managed broker, else None.
        endpoint_address: Its address where it is in a private network, else None.
        endpoint_port: Its TLS port.
        node_port: Port on the nodes for MQTT, with the mode node_port, else None.
        websocket_node_port: The same for MQTT over WebSocket.
        api_node_port: The same for the API.
        dashboard_node_port: The same for the dashboard.
    """

    mode: MqttMode
    endpoint: str | None
    endpoint_address: str | None
    endpoint_port: int
    node_port: int | None
    websocket_node_port: int | None
    api_node_port: int | None
    dashboard_node_port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One customer's tenant, complete.

    Attributes:
        id: DNS label of 3 to 32 characters, unique for ever.
        customer_id: The billing's id, ``cust_`` and 32 hexadecimal digits.
        company_name: Free text in any script.
        contact_email: Where mails about the tenant go.
        environment: ``dev``, ``prod`` and so on.
        cluster: The cluster that holds it.
        cell: The group of tenants it is changed with, or None where there are no cells.
        ring: When it receives a change.
        plan: What it pays for.
        created: First day, in UTC.
        status: What the subscription says.
        outcome: What follows from the status for licence and workloads.
        trial_ends: Last day of the trial, if there was one.
        trial_grace_days: Days of grace after the trial.
        current_period_end: Last day that is paid for, if any.
        stripe_customer_id: The customer's id at Stripe, if any.
        stripe_subscription_id: The subscription's id at Stripe, if any.
        lifecycle: Whether it is served at all.
        lifecycle_reason: Why it is not, or None. Not for the customer's eyes.
        lifecycle_notice: What its page says in public while it is suspended, or None.
        lifecycle_since: Since when it is not, or None.
        delete_after: Last day on which a decommissioned tenant can be brought back, or None.
        runs: Whether its workloads are above zero.
        licensed: Whether its licence is one that the API accepts.
        licence_issued_at: First second of the day it was created.
        licence_expires_at: First second at which the licence is no longer valid.
        sizes: What each container is promised and allowed.
        storage: Size of each volume.
        storage_class: Kind of volume, or None for the environment's.
        database_version: Major version of PostgreSQL.
        quota: What the namespace may use in all.
        options: Which optional parts it has.
        mqtt: How devices reach its broker.
        extra_hosts: The customer's own names for it.
        version: Exact release it stays on, or None for the environment's.
        regions: Where its data may be kept; empty for anywhere.
        epochs: Raising one rotates that secret.
        backup: When backups are made and how long they stay.
        notes: Free text.
    """

    id: str
    customer_id: str
    company_name: str
    contact_email: str
    environment: str
    cluster: str
    cell: str | None
    ring: Ring
    plan: Plan
    created: date
    status: Status
    outcome: Outcome
    trial_ends: date | None
    trial_grace_days: int
    current_period_end: date | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    lifecycle: LifecycleState
    lifecycle_reason: str | None
    lifecycle_notice: str | None
    lifecycle_since: date | None
    delete_after: date | None
    runs: bool
    licensed: bool
    licence_issued_at: datetime
    licence_expires_at: datetime
    sizes: Sizes
    storage: Storage
    storage_class: str | None
    database_version: int
    quota: Quota
    options: Options
    mqtt: MqttAccess
    extra_hosts: tuple[str, ...]
    version: str | None
    regions: tuple[str, ...]
    epochs: Epochs
    backup: BackupPolicy
    notes: str

    @property
    def namespace(self) -> str:
        """The tenant's namespace."""
        return f"customer-{self.id}"

    def host(self, domain: str) -> str:
        """Return the host name of the tenant's pages and API."""
        return f"{self.id}.{domain}"

    def mqtt_host(self, domain: str) -> str:
        """Return the host name of the tenant's broker: one label, so that a wildcard covers it."""
        return f"mqtt-{self.id}.{domain}"


def midnight(day: date) -> datetime:
    """Return the first moment of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def end_of(day: date) -> datetime:
    """Return the first moment after a day in UTC: what ends on the day ends here."""
    return midnight(day + timedelta(days=1))


def resolve(file: TenantFile, *, environment: str, plan: Plan) -> Tenant:
    """Return the tenant that a file and its plan describe; the file's rules are checked before.

    Raises:
        ValueError: They were not, which is a defect of the caller.
    """
    outcome = OUTCOMES[file.subscription.status]
    active = file.lifecycle.state is LifecycleState.ACTIVE
    licensed = active and outcome.licensed
    grace = file.trial.grace_days if file.trial and file.trial.grace_days else plan.grace_days
    sizes = sizes_of(file, plan)
    options = merged(plan.options, file.options)
    storage = merged(plan.storage, file.storage)
    return Tenant(
        id=file.id,
        customer_id=file.customer_id,
        company_name=file.company_name,
        contact_email=file.contact_email,
        environment=environment,
        cluster=file.cluster,
        cell=file.cell,
        ring=file.ring or Ring.STABLE,
        plan=plan,
        created=file.created,
        status=file.subscription.status,
        outcome=outcome,
        trial_ends=file.trial.ends if file.trial else None,
        trial_grace_days=grace,
        current_period_end=file.subscription.current_period_end,
        stripe_customer_id=file.subscription.stripe_customer_id,
        stripe_subscription_id=file.subscription.stripe_subscription_id,
        lifecycle=file.lifecycle.state,
        lifecycle_reason=file.lifecycle.reason,
        lifecycle_notice=file.lifecycle.notice,
        lifecycle_since=file.lifecycle.since,
        delete_after=file.lifecycle.delete_after,
        runs=active and outcome.runs,
        licensed=licensed,
        licence_issued_at=midnight(file.created),
        licence_expires_at=_licence_end(file, plan, grace) if licensed else midnight(file.created),
        sizes=sizes,
        storage=storage,
        storage_class=file.storage.storage_class,
        database_version=file.database_version,
        quota=quota_for(sizes, storage, options_with_room(file, plan)),
        options=options,
        mqtt=MqttAccess(
            mode=file.mqtt.mode,
            endpoint=file.mqtt.endpoint,
            endpoint_address=file.mqtt.endpoint_address,
            endpoint_port=file.mqtt.endpoint_port,
            **{key: getattr(file.mqtt, key) for key in NODE_PORTS},
        ),
        extra_hosts=file.extra_hosts,
        version=file.version,
        regions=file.regions,
        epochs=file.epochs,
        backup=merged(plan.backup, file.backup),
        notes=file.notes,
    )


def _licence_end(file: TenantFile, plan: Plan, trial_grace: int) -> datetime:
    """Return the moment after the last day of grace."""
    kind = OUTCOMES[file.subscription.status].valid_until
    if kind is ValidUntil.TRIAL_END and file.trial:
        last, grace = file.trial.ends, trial_grace
    elif kind is ValidUntil.PAST_DUE_SINCE and file.subscription.past_due_since:
        last, grace = file.subscription.past_due_since, plan.grace_days
    elif kind is ValidUntil.PERIOD_END and file.subscription.current_period_end:
        last, grace = file.subscription.current_period_end, plan.grace_days
    else:
        message = f"{file.id}: its rules were not checked: the status {file.subscription.status} has no day"
        raise ValueError(message)
    return end_of(last + timedelta(days=grace))


def sizes_of(file: TenantFile, plan: Plan) -> Sizes:
    """Return the container sizes: the plan's, with the file's changes."""
    changes = {
        name: merged(getattr(plan.sizes, name), choice)
        for name in file.resources.model_fields_set
        if (choice := getattr(file.resources, name)) is not None
    }
    return plan.sizes.model_copy(update=changes) if changes else plan.sizes


def options_with_room(file: TenantFile, plan: Plan) -> Options:
    """Return the options that a tenant has room for: those it has, and those its file names as off.

    What is switched off goes last in a run, and what else the run changes has to start beside it.
    Its volume stays for longer.
    """
    named = {name: True for name, choice in file.options if choice is not None}
    return plan.options.model_copy(update=named)


def merged(base: Base, choices: BaseModel) -> Base:
    """Return a part of the plan with the values that a file gives in their place."""
    changes = {
        name: value
        for name in choices.model_fields_set
        if name in type(base).model_fields and (value := getattr(choices, name)) is not None
    }
    return base.model_copy(update=changes) if changes else base
