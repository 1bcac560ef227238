"""The one plan table: what a customer gets for which plan.

Licences, quotas, container sizes, volumes, monitoring, prices, Stripe items and
retention all derive from it, so that what is sold, signed and run cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, Field, model_validator

from tenants.fields import Bytes, Cpu, Cron, Flag, Line, Number, refusal
from tenants.quantities import cpu_text, mebibytes, millicores
from tenants.validation import validate
from tenants.yaml_source import read_document

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

PlanName = Literal["starter", "professional", "enterprise"]

Cents = Annotated[Number, Field(ge=0, le=10_000_000)]
Days = Annotated[Number, Field(ge=1, le=3650)]
Count = Annotated[Number, Field(ge=1, le=999_999)]


_WHOLE: Final = 100
"""All of it, in percent."""


class ContainerSize(BaseModel, frozen=True, extra="forbid"):
    """What one container is promised (request) and what it may use at most (limit)."""

    cpu_request: Cpu = Field(title="CPU request", description="Processor that the scheduler sets aside.")
    cpu_limit: Cpu = Field(title="CPU limit", description="Processor above which the container is slowed.")
    memory_request: Bytes = Field(title="Memory request", description="Memory that is set aside.")
    memory_limit: Bytes = Field(title="Memory limit", description="Memory above which it is killed.")

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> Self:
        for kind, request, limit, amount in (
            ("cpu", self.cpu_request, self.cpu_limit, millicores),
            ("memory", self.memory_request, self.memory_limit, mebibytes),
        ):
            if amount(request) > amount(limit):
                raise refusal(
                    what=f"the {kind} request {request} is above the {kind} limit {limit}",
                    why="Kubernetes refuses such a container, and the tenant would not start",
                    how="raise the limit or lower the request",
                )
        return self

    def promising(self, percent: int) -> Self:
        """Return the same size, of whose processor only ``percent`` of the request is set aside."""
        asked = max(1, millicores(self.cpu_request) * percent // _WHOLE)
        return self.model_copy(update={"cpu_request": cpu_text(asked)})


class Sizes(BaseModel, frozen=True, extra="forbid"):
    """The size of every container that a tenant can have."""

    api: ContainerSize = Field(title="API", description="The REST API and its WebSocket.")
    postgres: ContainerSize = Field(title="PostgreSQL", description="The tenant's database.")
    mosquitto: ContainerSize = Field(title="Mosquitto", description="The tenant's MQTT broker.")
    dashboard: ContainerSize = Field(title="Dashboard", description="The web pages.")
    exporter: ContainerSize = Field(title="Exporter", description="Usage reports to billing; an option.")
    node_red: ContainerSize = Field(title="Node-RED", description="Flow editor; an option.")
    prometheus: ContainerSize = Field(title="Prometheus", description="Dedicated metrics; an option.")
    grafana: ContainerSize = Field(title="Grafana", description="Dedicated graphs; an option.")
    job: ContainerSize = Field(title="Jobs", description="One-off and nightly work such as the backup.")

    def promising(self, percent: int) -> Self:
        """Return the same sizes, of whose processor only a part is set aside.

        Args:
            percent: How much of each request, from 1 to 100. A request never falls below one millicore.
        """
        if percent == _WHOLE:
            return self
        return self.model_copy(
            update={name: size.promising(percent) for name, size in self if isinstance(size, ContainerSize)}
        )


class Storage(BaseModel, frozen=True, extra="forbid"):
    """The size of every volume that a tenant can have."""

    postgres: Bytes = Field(title="PostgreSQL volume", description="Devices, users and sensor data.")
    mosquitto: Bytes = Field(title="Mosquitto volume", description="Retained messages and sessions.")
    node_red: Bytes = Field(title="Node-RED volume", description="Flows; used with the option.")
    prometheus: Bytes = Field(title="Prometheus volume", description="Metrics; used with the option.")
    grafana: Bytes = Field(title="Grafana volume", description="Dashboards; used with the option.")


class Features(BaseModel, frozen=True, extra="forbid"):
    """What the licence allows, as the API reads it."""

    max_devices: Count = Field(title="Devices", description="Largest number of devices; 999999 is unlimited.")
    can_execute_jobs: Flag = Field(title="Run jobs", description="Jobs may be sent to devices.")
    can_schedule_jobs: Flag = Field(title="Schedule jobs", description="Jobs may run at set times.")
    can_remote_access: Flag = Field(title="Remote access", description="Devices may be reached remotely.")
    can_ota_updates: Flag = Field(title="OTA updates", description="Devices may be updated over the air.")
    can_export_data: Flag = Field(title="Export", description="Sensor data may be exported.")
    has_advanced_alerts: Flag = Field(title="Advanced alerts", description="Alert rules beyond thresholds.")
    has_custom_dashboards: Flag = Field(title="Own dashboards", description="Dashboards may be edited.")
    has_dedicated_prometheus: Flag = Field(title="Own Prometheus", description="A Prometheus of its own.")
    has_dedicated_grafana: Flag = Field(title="Own Grafana", description="A Grafana of its own.")


class Limits(BaseModel, frozen=True, extra="forbid"):
    """Counts that the licence caps; a limit left out is unlimited."""

    max_users: Count | None = Field(default=None, title="Users", description="Largest number of users.")
    max_job_templates: Count | None = Field(
        default=None, title="Job templates", description="Largest number of job templates."
    )
    max_alert_rules: Count | None = Field(
        default=None, title="Alert rules", description="Largest number of alert rules."
    )


class Price(BaseModel, frozen=True, extra="forbid"):
    """What the plan costs, and under which names Stripe knows it."""

    monthly_usd_cents: Cents = Field(title="Price a month", description="In US cents.")
    lookup_key: Line = Field(title="Stripe lookup key", description="Of the monthly price.")
    extra_device_usd_cents: Cents | None = Field(
        default=None,
        title="Price of a further device",
        description="In US cents a month, for each device above the plan's; left out where unlimited.",
    )
    extra_device_lookup_key: Line | None = Field(
        default=None, title="Stripe lookup key of further devices", description="Left out where unlimited."
    )
    mqtt_messages_usd_cents_per_1000: Cents = Field(
        title="Price of MQTT messages", description="In US cents for each thousand."
    )
    mqtt_messages_lookup_key: Line = Field(
        title="Stripe lookup key of MQTT messages", description="The same for all plans."
    )
    storage_gb_usd_cents: Cents = Field(title="Price of storage", description="In US cents a GB and month.")
    storage_gb_lookup_key: Line = Field(
        title="Stripe lookup key of storage", description="The same for all plans."
    )


class Monitoring(BaseModel, frozen=True, extra="forbid"):
    """How long metrics are kept."""

    retention_days: Days = Field(title="Retention", description="Days for which metrics are kept.")


class BackupPolicy(BaseModel, frozen=True, extra="forbid"):
    """When the database is backed up and how long backups stay."""

    schedule: Cron = Field(title="Schedule", description="Five cron fields, in UTC.")
    retention_days: Days = Field(title="Retention", description="Days for which a backup is kept.")
    final: Flag = Field(
        default=True, title="Last backup", description="Whether one is taken when a tenant is decommissioned."
    )


class MqttLimits(BaseModel, frozen=True, extra="forbid"):
    """How much the broker takes on, so that one tenant's devices cannot wear out a node."""

    max_connections: Count = Field(title="Connections", description="Devices and programs at once.")
    max_message_kib: Count = Field(title="Message size", description="Largest message, in KiB.")
    max_inflight_messages: Count = Field(
        title="Messages in flight", description="Unacknowledged messages to one device."
    )
    max_queued_messages: Count = Field(
        title="Queued messages", description="Messages kept for one device that is away."
    )


class Options(BaseModel, frozen=True, extra="forbid"):
    """Parts of a tenant that not everybody has."""

    node_red: Flag = Field(title="Node-RED", description="A flow editor of its own.")
    prometheus: Flag = Field(title="Prometheus", description="A Prometheus of its own; needs the plan.")
    grafana: Flag = Field(title="Grafana", description="A Grafana of its own; needs the plan.")
    exporter: Flag = Field(title="Exporter", description="Reports usage to billing.")


class Plan(BaseModel, frozen=True, extra="forbid"):
    """Everything that a plan decides."""

    name: PlanName = Field(title="Name", description="How tenant files and licences call the plan.")
    title: Line = Field(title="Title", description="How people call the plan.")
    grace_days: Days = Field(
        title="Grace", description="Days for which a licence stays valid after a trial or a payment ended."
    )
    trial_days: Days | None = Field(
        default=None, title="Trial", description="Length of a trial; left out where there is none."
    )
    features: Features = Field(title="Features", description="Signed into the licence.")
    limits: Limits = Field(title="Limits", description="Signed into the licence.")
    price: Price = Field(title="Price", description="What it costs and what further use costs.")
    sizes: Sizes = Field(title="Container sizes", description="Processor and memory of each container.")
    storage: Storage = Field(title="Storage", description="Size of each volume.")
    options: Options = Field(title="Options", description="What a tenant of this plan has unless told.")
    mqtt: MqttLimits = Field(title="MQTT", description="What the broker takes on.")
    monitoring: Monitoring = Field(title="Monitoring", description="How long metrics and logs are kept.")
    backup: BackupPolicy = Field(title="Backup", description="When, and for how long.")
    retention_days: Days = Field(
        title="Retention after the end",
        description="Days for which a decommissioned tenant's data can be brought back, at least.",
    )


class PlanTable(BaseModel, frozen=True, extra="forbid"):
    """All plans, by name."""

    schema_version: Literal[1] = Field(title="Version of the schema", description="1.")
    plans: dict[PlanName, Plan] = Field(title="Plans", description="All three, by name.")

    @model_validator(mode="after")
    def _complete_and_named(self) -> Self:
        for name in ("starter", "professional", "enterprise"):
            if name not in self.plans:
                raise refusal(
                    what=f"the plan {name} is missing",
                    why="tenants of that plan would have no sizes and no licence",
                    how="add it, or restore the file from git",
                )
        for name, plan in self.plans.items():
            if plan.name != name:
                raise refusal(
                    what=f"the plan under {name} calls itself {plan.name}",
                    why="licences would be signed for another plan than the one sold",
                    how="give both the same name",
                )
        return self

    def __getitem__(self, name: PlanName) -> Plan:
        """Return a plan by its name."""
        return self.plans[name]


def load_plans(path: Path) -> PlanTable:
    """Read and check the plan table.

    Raises:
        UsageError: The file cannot be read or something in it is wrong; all problems at once.
    """
    return validate(PlanTable, read_document(path))
