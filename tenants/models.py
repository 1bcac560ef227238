"""The file of one tenant, field by field: what is written, before anything is derived.

Only what differs from the plan and the defaults needs to be written. Rules between
fields are in `tenants.file_rules`, rules between files in `tenants.registry_rules`;
what follows from the fields is in `tenants.tenant`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tenants.fields import (
    Address,
    Bytes,
    CellName,
    Cpu,
    Cron,
    CustomerId,
    Day,
    Email,
    Flag,
    Host,
    Line,
    Number,
    Region,
    StorageClassName,
    StripeCustomerId,
    StripeSubscriptionId,
    TenantId,
    Text,
    Version,
)
from tenants.plans import Days, PlanName
from tenants.statuses import Status

Epoch = Annotated[Number, Field(ge=1, le=9999)]
Port = Annotated[Number, Field(ge=1, le=65535)]


class LifecycleState(StrEnum):
    """Whether the tenant is served, apart from what its subscription says."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DECOMMISSIONED = "decommissioned"


class Ring(StrEnum):
    """The order in which tenants receive a change: canary first, stable last."""

    CANARY = "canary"
    EARLY = "early"
    STABLE = "stable"


class MqttMode(StrEnum):
    """How devices reach the tenant's broker."""

    SHARED = "shared"
    DEDICATED = "dedicated"
    MANAGED = "managed"
    NODE_PORT = "node_port"


NODE_PORTS = ("node_port", "websocket_node_port", "api_node_port", "dashboard_node_port")
"""The keys of a tenant's ports on the nodes, which the mode node_port needs, all of them."""


class Trial(BaseModel, frozen=True, extra="forbid"):
    """The trial, while there is one and after it."""

    ends: Day = Field(title="Last day", description="Last day of the trial.")
    grace_days: Days | None = Field(
        default=None, title="Grace", description="Days of grace after it; the plan's unless told."
    )


class Subscription(BaseModel, frozen=True, extra="forbid"):
    """What the billing knows about the subscription."""

    status: Status = Field(title="Status", description="In Stripe's words; see docs/reference/statuses.md.")
    current_period_end: Day | None = Field(
        default=None, title="Paid until", description="Last day of the paid period; renewing moves it."
    )
    past_due_since: Day | None = Field(
        default=None, title="Past due since", description="Day the payment failed; the grace runs from it."
    )
    stripe_customer_id: StripeCustomerId | None = Field(
        default=None, title="Stripe customer", description="Id of the customer at Stripe."
    )
    stripe_subscription_id: StripeSubscriptionId | None = Field(
        default=None, title="Stripe subscription", description="Id of the subscription at Stripe."
    )


class Lifecycle(BaseModel, frozen=True, extra="forbid"):
    """Whether the tenant is served."""

    state: LifecycleState = Field(
        default=LifecycleState.ACTIVE,
        title="State",
        description="active, suspended (stopped, data kept) or decommissioned (stopped, to be deleted).",
    )
    reason: Line | None = Field(
        default=None, title="Reason", description="Why it is not active. The customer never sees it."
    )
    notice: Annotated[Line, Field(max_length=300)] | None = Field(
        default=None,
        json_schema_extra={"maxLength": 300},
        title="Notice",
        description="What the page of a suspended tenant says in public, at most 300 characters; plain text.",
    )
    since: Day | None = Field(default=None, title="Since", description="First day of the state.")
    delete_after: Day | None = Field(
        default=None,
        title="Delete after",
        description="Last day on which a decommissioned tenant can be brought back.",
    )


class Mqtt(BaseModel, frozen=True, extra="forbid"):
    """How devices reach the broker."""

    mode: MqttMode = Field(
        default=MqttMode.SHARED,
        title="Mode",
        description=(
            "shared (one entrance for all, routed by name); dedicated (a load balancer of its own); "
            "managed (a broker run by others); node_port (ports on the nodes, for local clusters)."
        ),
    )
    endpoint: Host | None = Field(
        default=None, title="Endpoint", description="Host name of a managed broker."
    )
    endpoint_address: Address | None = Field(
        default=None,
        title="Address",
        description="Address of a managed broker in a private network; on the internet it needs none.",
    )
    endpoint_port: Port = Field(default=8883, title="Port", description="TLS port of a managed broker.")
    node_port: Port | None = Field(
        default=None, title="MQTT port", description="Port on the nodes for MQTT; allocated once."
    )
    websocket_node_port: Port | None = Field(
        default=None, title="WebSocket port", description="Port on the nodes for MQTT over WebSocket."
    )
    api_node_port: Port | None = Field(
        default=None, title="API port", description="Port on the nodes for the API, by plain HTTP."
    )
    dashboard_node_port: Port | None = Field(
        default=None,
        title="Dashboard port",
        description="Port on the nodes for the dashboard, by plain HTTP; it leads to the API too.",
    )


class Move(BaseModel, frozen=True, extra="forbid"):
    """The record that the tenant's change of cell is meant; without it the change is refused."""

    from_cell: CellName | None = Field(
        default=None, title="From cell", description="The cell it came from; left out if it had none."
    )
    since: Day = Field(title="Since", description="Day on which the move was recorded.")


class OptionChoices(BaseModel, frozen=True, extra="forbid"):
    """Options that differ from the plan's."""

    node_red: Flag | None = Field(default=None, title="Node-RED", description="A flow editor of its own.")
    prometheus: Flag | None = Field(default=None, title="Prometheus", description="A Prometheus of its own.")
    grafana: Flag | None = Field(default=None, title="Grafana", description="A Grafana of its own.")
    exporter: Flag | None = Field(default=None, title="Exporter", description="Reports usage to billing.")


class SizeChoice(BaseModel, frozen=True, extra="forbid"):
    """Amounts of one container that differ from the plan's."""

    cpu_request: Cpu | None = Field(default=None, title="CPU request", description="Processor set aside.")
    cpu_limit: Cpu | None = Field(default=None, title="CPU limit", description="Processor at most.")
    memory_request: Bytes | None = Field(
        default=None, title="Memory request", description="Memory set aside."
    )
    memory_limit: Bytes | None = Field(default=None, title="Memory limit", description="Memory at most.")


class SizeChoices(BaseModel, frozen=True, extra="forbid"):
    """Container sizes that differ from the plan's."""

    api: SizeChoice | None = Field(default=None, title="API", description="The REST API.")
    postgres: SizeChoice | None = Field(default=None, title="PostgreSQL", description="The database.")
    mosquitto: SizeChoice | None = Field(default=None, title="Mosquitto", description="The MQTT broker.")
    dashboard: SizeChoice | None = Field(default=None, title="Dashboard", description="The web pages.")
    exporter: SizeChoice | None = Field(default=None, title="Exporter", description="Usage reports.")
    node_red: SizeChoice | None = Field(default=None, title="Node-RED", description="The flow editor.")
    prometheus: SizeChoice | None = Field(default=None, title="Prometheus", description="Dedicated metrics.")
    grafana: SizeChoice | None = Field(default=None, title="Grafana", description="Dedicated graphs.")
    job: SizeChoice | None = Field(default=None, title="Jobs", description="One-off and nightly work.")


class StorageChoices(BaseModel, frozen=True, extra="forbid"):
    """Volumes that differ from the plan's. A volume may grow and never shrinks."""

    storage_class: StorageClassName | None = Field(
        default=None,
        title="Storage class",
        description="Kind of volume; the environment's unless told. Never changes afterwards.",
    )
    postgres: Bytes | None = Field(default=None, title="PostgreSQL volume", description="The database.")
    mosquitto: Bytes | None = Field(default=None, title="Mosquitto volume", description="Retained messages.")
    node_red: Bytes | None = Field(default=None, title="Node-RED volume", description="Flows.")
    prometheus: Bytes | None = Field(default=None, title="Prometheus volume", description="Metrics.")
    grafana: Bytes | None = Field(default=None, title="Grafana volume", description="Dashboards.")


class Epochs(BaseModel, frozen=True, extra="forbid"):
    """Raising a number replaces that secret, and only that one, at the next run."""

    database: Epoch = Field(default=1, title="Database", description="Password of the database user.")
    mqtt: Epoch = Field(default=1, title="MQTT", description="Password of the API at the broker.")
    jwt: Epoch = Field(default=1, title="JWT", description="Key of the API's log-in tokens.")
    admin: Epoch = Field(
        default=1,
        title="Administrator",
        description="Password of the dashboard's admin, where it is not one that the customer chose.",
    )
    node_red: Epoch = Field(
        default=1, title="Node-RED", description="Passwords of Node-RED, for people and at the broker."
    )
    grafana: Epoch = Field(default=1, title="Grafana", description="Password of Grafana's administrator.")
    backup: Epoch = Field(default=1, title="Backup", description="Key that encrypts backups.")
    licence_key: Epoch = Field(
        default=1,
        title="Licence key",
        description="Which of the known signing keys signs this tenant's licence; raised ring by ring.",
    )


class BackupChoices(BaseModel, frozen=True, extra="forbid"):
    """Backup settings that differ from the plan's."""

    schedule: Cron | None = Field(default=None, title="Schedule", description="Five cron fields, in UTC.")
    retention_days: Days | None = Field(
        default=None, title="Retention", description="Days for which a backup is kept."
    )
    final: bool | None = Field(
        default=None, title="Last backup", description="Whether one is taken on decommissioning."
    )


class TenantFile(BaseModel, frozen=True, extra="forbid"):
    """One tenant, as written in its file."""

    schema_version: Literal[1] = Field(title="Version of the schema", description="1.")
    id: TenantId = Field(
        title="Id",
        description="Name of the tenant, in quotes, as the file is named. Never changes, never reused.",
    )
    customer_id: CustomerId = Field(title="Customer id", description="The customer's id in the billing.")
    company_name: Annotated[Line, Field(max_length=120)] = Field(
        json_schema_extra={"maxLength": 120},
        title="Company name",
        description="The customer's name in any script, at most 120 characters.",
    )
    contact_email: Email = Field(title="Contact", description="Address for mails about the tenant.")
    plan: PlanName = Field(title="Plan", description="starter, professional or enterprise.")
    created: Day = Field(title="Created", description="Day of signing up; licences are issued from it.")
    trial: Trial | None = Field(default=None, title="Trial", description="The trial, if there is or was one.")
    subscription: Subscription = Field(title="Subscription", description="What the billing knows.")
    lifecycle: Lifecycle = Field(
        default=Lifecycle(),
        title="Lifecycle",
        description="Whether the tenant is served; active unless told.",
    )
    cluster: CellName = Field(
        default="main", title="Cluster", description="Cluster that holds the tenant. Never changes."
    )
    cell: CellName | None = Field(
        default=None, title="Cell", description="Group of tenants that are changed together; written once."
    )
    move: Move | None = Field(
        default=None,
        title="Move",
        description="Where the tenant's cell was before; written by `iotistic tenant move`.",
    )
    ring: Ring | None = Field(
        default=None, title="Ring", description="canary, early or stable; stable unless told."
    )
    version: Version | None = Field(
        default=None,
        title="Version pin",
        description="Exact release to stay on; the environment's unless told.",
    )
    regions: Annotated[tuple[Region, ...], Field(max_length=8)] = Field(
        default=(),
        title="Regions",
        description="Where data may be kept; empty means wherever the cluster is.",
    )
    mqtt: Mqtt = Field(default=Mqtt(), title="MQTT", description="How devices reach the broker.")
    options: OptionChoices = Field(
        default=OptionChoices(),
        title="Options",
        description="Options that differ from the plan's; one that is named keeps its room in the quota.",
    )
    resources: SizeChoices = Field(
        default=SizeChoices(), title="Resources", description="Container sizes that differ from the plan's."
    )
    storage: StorageChoices = Field(
        default=StorageChoices(), title="Storage", description="Volumes that differ from the plan's."
    )
    database_version: Annotated[Number, Field(ge=15, le=17)] = Field(
        default=15,
        title="Database version",
        description="Major version of PostgreSQL; changing it needs a move of the data.",
    )
    extra_hosts: Annotated[tuple[Host, ...], Field(max_length=20)] = Field(
        default=(), title="Further hosts", description="Own names of the customer that lead to the tenant."
    )
    epochs: Epochs = Field(default=Epochs(), title="Epochs", description="Rotation of each secret.")
    backup: BackupChoices = Field(
        default=BackupChoices(), title="Backup", description="Backup settings that differ from the plan's."
    )
    notes: Annotated[Text, Field(max_length=4000)] = Field(
        default="",
        json_schema_extra={"maxLength": 4000},
        title="Notes",
        description="Anything people should know.",
    )
