"""Files that are made from the models: the JSON Schema and the reference pages.

They are kept in git so that editors and readers have them without running anything; a
test compares them byte for byte with what is made here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from tenants.models import TenantFile
from tenants.sizing import components, quota_for
from tenants.statuses import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from tenants.plans import Plan, PlanTable

SCHEMA = "tenants/schema.json"
REGISTRY_REFERENCE = "docs/reference/registry.md"
PLAN_REFERENCE = "docs/reference/plans.md"
STATUS_REFERENCE = "docs/reference/statuses.md"

UNLIMITED = 999_999
"""The number of devices that the API understands as no limit."""

NOTHING = "-"
"""What a table shows where there is nothing."""

_NOTE = "<!-- Generated from the models: change those, then write this page anew. -->\n"


def generated_files(plans: PlanTable) -> dict[str, str]:
    """Return the text of each generated file, by its path from the root of the project."""
    return {
        SCHEMA: schema(),
        REGISTRY_REFERENCE: registry_reference(),
        PLAN_REFERENCE: plan_reference(plans),
        STATUS_REFERENCE: status_reference(),
    }


class _WithoutNull(GenerateJsonSchema):
    """Leaves ``null`` out: a key without a value is refused, the key itself may be left out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None or isinstance(schema["default"], BaseModel):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _tenant_schema() -> JsonSchemaValue:
    return TenantFile.model_json_schema(schema_generator=_WithoutNull)


def schema() -> str:
    """Return the JSON Schema of a tenant's file."""
    body = {"$schema": _WithoutNull.schema_dialect, **_tenant_schema()}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def registry_reference() -> str:
    """Return the page that explains each key of a tenant's file."""
    body = _tenant_schema()
    lines = [
        "# The file of a tenant",
        "",
        _NOTE,
        "One file a tenant: `tenants/registry/<environment>/<id>.yaml`. Write only what differs from the",
        "plan. Text and days stand in quotes, whole numbers and `true`/`false` without; days are days in UTC",
        "and included. Anchors, tags, tabs and words that YAML turns into something else are refused.",
        "",
        *_object(body, body["$defs"], prefix=""),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _object(model: Mapping[str, Any], models: Mapping[str, Any], *, prefix: str) -> Iterator[str]:
    """Yield the table of one model's keys, then that of each model inside it, once."""
    yield "| key | kind | unless told | meaning |"
    yield "| --- | --- | --- | --- |"
    inner: dict[str, list[str]] = {}
    required = model.get("required", [])
    for name, field in model["properties"].items():
        target = _target(field, models)
        if target and "properties" in target:
            inner.setdefault(target["title"], []).append(name)
        default = "must be given" if name in required else _default(field)
        yield f"| `{prefix}{name}` | {_kind(field, target)} | {default} | {_meaning(field, target)} |"
    for title, names in inner.items():
        key = f"{prefix}{names[0]}" if len(names) == 1 else f"{prefix}<name>"
        yield ""
        yield f"## `{key}`"
        yield ""
        yield models[title]["description"]
        yield ""
        yield from _object(models[title], models, prefix=f"{key}.")


def _target(field: Mapping[str, Any], models: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the model or enumeration that a field refers to."""
    if "$ref" not in field:
        return None
    model: Mapping[str, Any] = models[field["$ref"].rsplit("/", 1)[1]]
    return model


def _meaning(field: Mapping[str, Any], target: Mapping[str, Any] | None) -> str:
    """Return a field's description; a schema leaves it out where it repeats the model's."""
    return str(field.get("description") or (target or {})["description"])


def _kind(field: Mapping[str, Any], target: Mapping[str, Any] | None) -> str:
    if words := (target or field).get("enum"):
        return ", ".join(f"`{word}`" for word in words)
    if target:
        return "keys, see below"
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("format") == "date":
        return "day"
    if field["type"] == "integer":
        return f"whole number, {field['minimum']} to {field['maximum']}"
    return {"string": "text", "boolean": "`true` or `false`", "array": "list of texts"}[field["type"]]


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    return f"`{default}`" if default else NOTHING


def plan_reference(plans: PlanTable) -> str:
    """Return the page that compares the plans."""
    names = [plan.title for plan in plans.plans.values()]
    lines = [
        "# Plans",
        "",
        _NOTE,
        f"A trial is {plans['starter'].trial_days} days of Starter with the status `trialing`. The table is",
        "made from `tenants/plans.yaml`, which also feeds licences, quotas, volumes and Stripe.",
        "",
        f"| | {' | '.join(names)} |",
        f"| --- |{' --- |' * len(names)}",
        *(f"| {title} | {' | '.join(cells)} |" for title, cells in _plan_rows(list(plans.plans.values()))),
    ]
    return "\n".join(lines) + "\n"


def _plan_rows(plans: list[Plan]) -> Iterator[tuple[str, list[str]]]:
    yield "Price a month", [_dollars(plan.price.monthly_usd_cents) for plan in plans]
    yield "Each further device", [_dollars(plan.price.extra_device_usd_cents) for plan in plans]
    yield "1,000 MQTT messages", [_dollars(plan.price.mqtt_messages_usd_cents_per_1000) for plan in plans]
    yield "A GB of storage", [_dollars(plan.price.storage_gb_usd_cents) for plan in plans]
    yield "Stripe lookup key", [f"`{plan.price.lookup_key}`" for plan in plans]
    for name, field in type(plans[0].features).model_fields.items():
        yield str(field.title), [_cell(getattr(plan.features, name)) for plan in plans]
    for name, field in type(plans[0].limits).model_fields.items():
        yield str(field.title), [_cell(getattr(plan.limits, name) or UNLIMITED) for plan in plans]
    yield "Metrics kept", [f"{plan.monitoring.retention_days} days" for plan in plans]
    yield "Backups", [f"`{plan.backup.schedule}`, kept {plan.backup.retention_days} days" for plan in plans]
    yield "Grace", [f"{plan.grace_days} days" for plan in plans]
    yield "Data kept after the end", [f"{plan.retention_days} days" for plan in plans]
    for name, field in type(plans[0].sizes).model_fields.items():
        yield f"{field.title}: CPU", [_range(plan, name, "cpu") for plan in plans]
        yield f"{field.title}: memory", [_range(plan, name, "memory") for plan in plans]
    for name, field in type(plans[0].storage).model_fields.items():
        yield str(field.title), [str(getattr(plan.storage, name)) for plan in plans]
    quotas = [quota_for(plan.sizes, plan.storage, plan.options) for plan in plans]
    yield "Containers unless told", [", ".join(components(plan.options)) for plan in plans]
    yield "Quota: CPU, memory", [f"{quota.cpu}, {quota.memory}" for quota in quotas]
    yield "Quota: nodes' own disks", [f"{quota.requests_disk} to {quota.disk}" for quota in quotas]
    yield "Quota: volumes, Services", [f"{quota.pvcs}, {quota.services}" for quota in quotas]


def _dollars(cents: int | None) -> str:
    return NOTHING if cents is None else f"${cents / 100:,.2f}".removesuffix(".00")


def _cell(value: bool | int) -> str:  # noqa: FBT001  # a cell of a table, shown by its kind
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unlimited" if value == UNLIMITED else str(value)


def _range(plan: Plan, name: str, kind: str) -> str:
    size = getattr(plan.sizes, name)
    return f"{getattr(size, f'{kind}_request')} to {getattr(size, f'{kind}_limit')}"


def status_reference() -> str:
    """Return the page that says what each status of a subscription means."""
    lines = [
        "# Statuses of a subscription",
        "",
        _NOTE,
        "What a tenant's licence and workloads do in each status, as long as its lifecycle is `active`.",
        "A tenant that is `suspended` or `decommissioned` is always refused and stopped; its data stays.",
        "",
        "The licence's end is the day named plus the grace of the plan (of the trial, if it has its own). A",
        "refused licence is still a signed one: it says `canceled` and has ended on the day the tenant was",
        "created, because one generation of the API takes a missing licence for an unlimited one.",
        "",
        "| status | licence | workloads | why |",
        "| --- | --- | --- | --- |",
        *_status_rows(),
        "",
        "Any other word counts as `unknown` when it comes from Stripe; in a tenant's file it is refused.",
    ]
    return "\n".join(lines) + "\n"


def _status_rows() -> Iterable[str]:
    for status, outcome in OUTCOMES.items():
        licence = f"valid, from {outcome.valid_until}" if outcome.licensed else "refused"
        yield f"| `{status}` | {licence} | {'run' if outcome.runs else 'stopped'} | {outcome.reason} |"
