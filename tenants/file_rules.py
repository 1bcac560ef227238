"""The rules between the fields of one tenant's file, and between them and the plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tenants.api_versions import runs_here, unsupported
from tenants.errors import Problem
from tenants.fields import TENANT_ID_PATTERN
from tenants.managed_brokers import address_problems, endpoint_problems
from tenants.models import NODE_PORTS, LifecycleState, MqttMode
from tenants.preview import PREVIEW_ID
from tenants.quantities import mebibytes, millicores
from tenants.statuses import OUTCOMES, Status, ValidUntil
from tenants.tenant import merged, sizes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tenants.models import TenantFile
    from tenants.plans import Plan
    from tenants.yaml_source import Document

RESERVED = frozenset(
    {
        *("account", "admin", "alerts", "alertmanager", "api", "app", "assets", "auth", "billing", "blog"),
        *("cdn", "console", "dashboard", "default", "dev", "docs", "download", "example", "ftp", "git"),
        *("grafana", "healthz", "help", "imap", "internal", "iotistic", "kube", "kubernetes", "legal"),
        *("localhost", "login", "loki", "mail", "metrics", "monitoring", "mqtt", "mqtts", "news", "ns1"),
        *("ns2", "ops", "pop", "prod", "prometheus", "public", "registry", "root", "shop", "signup", "smtp"),
        *("staging", "static", "status", "stripe", "support", "system", "test", "traefik", "vpn", "web"),
        *("webhook", "webhooks", "wildcard", "www"),
    }
)
"""Names the platform uses itself, or that a customer could pass off as the platform's."""

RESERVED_PREFIXES = ("mqtt-", "xn--", "kube-", "customer-")
"""``mqtt-<id>`` is another tenant's broker; ``xn--`` shows as other letters than it is written in."""


def id_problems(document: Document, *, stem: str) -> Iterator[Problem]:
    """Yield what is wrong with the id, which can be said even when other fields are wrong."""
    tenant_id = document.data.get("id")
    where = document.where("id")
    if not isinstance(tenant_id, str) or not re.fullmatch(TENANT_ID_PATTERN, tenant_id):
        return  # the model says so
    if ("id",) in document.unquoted:
        yield Problem(
            where=where,
            what="the id stands without quotes",
            why="an id such as 12345678, 1e5 or no would turn into a number or a yes/no",
            how=f'write id: "{tenant_id}"',
        )
    if tenant_id != stem:
        yield Problem(
            where=where,
            what=f'the id "{tenant_id}" is not the name of the file',
            why="a copied file with a forgotten id would change another customer's tenant",
            how=f'rename the file to {tenant_id}.yaml, or write id: "{stem}"',
        )
    if tenant_id in RESERVED or tenant_id.startswith(RESERVED_PREFIXES):
        yield Problem(
            where=where,
            what=f'the id "{tenant_id}" is reserved',
            why="its host name belongs to the platform or to another tenant's broker",
            how="choose another id, not a name of the platform and none that begins with "
            + ", ".join(RESERVED_PREFIXES),
        )
    if re.match(PREVIEW_ID, tenant_id):
        yield Problem(
            where=where,
            what=f'the id "{tenant_id}" is one of a pull request\'s preview',
            why="a preview of that name would take the customer's instance over, and end with deleting it",
            how="choose an id that does not begin with pr-, a number and a hyphen",
        )


def file_problems(file: TenantFile, plan: Plan, document: Document) -> list[Problem]:
    """Return what is wrong between the fields of a file, or between them and its plan."""
    return [
        *_subscription_problems(file, plan, document),
        *_lifecycle_problems(file, document),
        *_date_problems(file, document),
        *_mqtt_problems(file, document),
        *_option_problems(file, plan, document),
        *_size_problems(file, plan, document),
        *_version_problems(file, document),
        *_region_problems(file, document),
        *_move_problems(file, document),
    ]


def _subscription_problems(file: TenantFile, plan: Plan, document: Document) -> Iterator[Problem]:
    subscription = file.subscription
    status = subscription.status
    if status is Status.TRIALING and plan.trial_days is None:
        yield Problem(
            where=document.where("subscription", "status"),
            what=f"the plan {plan.name} has no trial",
            why="the customer would have everything for nothing, and no licence would say until when",
            how="use the plan starter during the trial, or the status active",
        )
    needed: dict[ValidUntil, tuple[tuple[str, str], object]] = {
        ValidUntil.TRIAL_END: (("trial", "ends"), file.trial),
        ValidUntil.PERIOD_END: (("subscription", "current_period_end"), subscription.current_period_end),
        ValidUntil.PAST_DUE_SINCE: (("subscription", "past_due_since"), subscription.past_due_since),
    }
    keys, value = needed.get(OUTCOMES[status].valid_until, ((), "nothing is needed"))
    if value is None:
        yield Problem(
            where=document.where("subscription", "status"),
            what=f"the status {status} needs {'.'.join(keys)}",
            why="the licence would have no end, or none could be signed",
            how='add the day, such as "2026-11-30"',
        )
    if subscription.past_due_since and status is not Status.PAST_DUE:
        yield Problem(
            where=document.where("subscription", "past_due_since"),
            what=f"past_due_since does not belong to the status {status}",
            why="at the next failed payment the old day would count, and the grace would be over at once",
            how="delete the line",
        )


_FIELDS_OF_STATE = {
    LifecycleState.ACTIVE: (),
    LifecycleState.SUSPENDED: ("reason", "since"),
    LifecycleState.DECOMMISSIONED: ("reason", "since", "delete_after"),
}
_OPTIONAL_OF_STATE = {LifecycleState.SUSPENDED: ("notice",)}


def _lifecycle_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    lifecycle = file.lifecycle
    wanted = _FIELDS_OF_STATE[lifecycle.state]
    allowed = wanted + _OPTIONAL_OF_STATE.get(lifecycle.state, ())
    for name in ("reason", "notice", "since", "delete_after"):
        given = getattr(lifecycle, name) is not None
        if given and name not in allowed:
            yield Problem(
                where=document.where("lifecycle", name),
                what=f"{name} does not belong to the state {lifecycle.state}",
                why="the file would say two things about whether the tenant is served",
                how="delete the line, or change the state",
            )
        if not given and name in wanted:
            yield Problem(
                where=document.where("lifecycle", name),
                what=f"the state {lifecycle.state} needs lifecycle.{name}",
                why="whoever finds the tenant stopped must see why, since when and until when its data stays",
                how=f"add {name}",
            )
    if lifecycle.since and lifecycle.delete_after and lifecycle.delete_after <= lifecycle.since:
        yield Problem(
            where=document.where("lifecycle", "delete_after"),
            what=f"delete_after {lifecycle.delete_after} is not later than since {lifecycle.since}",
            why="the data could be deleted at once, with no time to bring it back",
            how="leave the plan's retention between the two days",
        )


def _date_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    days: dict[tuple[str, str], date | None] = {
        ("trial", "ends"): file.trial.ends if file.trial else None,
        ("subscription", "current_period_end"): file.subscription.current_period_end,
        ("subscription", "past_due_since"): file.subscription.past_due_since,
        ("lifecycle", "since"): file.lifecycle.since,
    }
    for keys, day in days.items():
        if day is not None and day < file.created:
            yield Problem(
                where=document.where(*keys),
                what=f"{day} is before the tenant was created ({file.created})",
                why="one of the two days is mistyped, and licences hang on both",
                how="correct the wrong one",
            )


def _mqtt_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    mqtt = file.mqtt
    if mqtt.mode is MqttMode.MANAGED:
        yield from endpoint_problems(mqtt, document)
    if mqtt.endpoint_address is not None:
        yield from address_problems(mqtt.endpoint_address, document)
    owners = {
        "endpoint": MqttMode.MANAGED,
        "endpoint_address": MqttMode.MANAGED,
        "endpoint_port": MqttMode.MANAGED,
        **dict.fromkeys(NODE_PORTS, MqttMode.NODE_PORT),
    }
    for name, mode in owners.items():
        if name in mqtt.model_fields_set and mqtt.mode is not mode:
            yield Problem(
                where=document.where("mqtt", name),
                what=f"{name} does not belong to the mode {mqtt.mode}",
                why="it would lead nowhere, and whoever wrote it would believe it works",
                how=f"delete the line, or use the mode {mode}",
            )


def _option_problems(file: TenantFile, plan: Plan, document: Document) -> Iterator[Problem]:
    for option, allowed in (
        ("prometheus", plan.features.has_dedicated_prometheus),
        ("grafana", plan.features.has_dedicated_grafana),
    ):
        if getattr(file.options, option) and not allowed:
            yield Problem(
                where=document.where("options", option),
                what=f"the plan {plan.name} has no {option} of its own",
                why="the tenant would cost more than it pays for",
                how="leave the option out, or change the plan",
            )
    options = merged(plan.options, file.options)
    if options.grafana and not options.prometheus:
        yield Problem(
            where=document.where("options", "grafana"),
            what="asks for a Grafana without a Prometheus of its own",
            why="it would have nothing to show: the platform's Prometheus knows all customers and would "
            "show this one the others",
            how="set options.prometheus to true, or options.grafana to false",
        )


def _size_problems(file: TenantFile, plan: Plan, document: Document) -> Iterator[Problem]:
    sizes = sizes_of(file, plan)
    for component in sorted(file.resources.model_fields_set):
        size = getattr(sizes, component)
        for kind, amount in (("cpu", millicores), ("memory", mebibytes)):
            request, limit = getattr(size, f"{kind}_request"), getattr(size, f"{kind}_limit")
            if amount(request) > amount(limit):
                yield Problem(
                    where=document.where("resources", component),
                    what=f"with the plan's values, the {kind} request {request} is above the limit {limit}",
                    why="Kubernetes refuses such a container, and the tenant would not start",
                    how=f"give {kind}_request and {kind}_limit together",
                )


def _version_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    if file.version is not None and not runs_here(file.version):
        yield Problem(where=document.where("version"), **unsupported(file.version))


def _region_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    for index, region in enumerate(file.regions):
        if region in file.regions[:index]:
            yield Problem(
                where=document.where("regions", index),
                what=f'the region "{region}" stands in the list twice',
                why="one of the two was probably meant to be another region",
                how="correct or delete it",
            )


def _move_problems(file: TenantFile, document: Document) -> Iterator[Problem]:
    if file.move and file.move.from_cell == file.cell:
        yield Problem(
            where=document.where("move", "from_cell"),
            what="the move starts and ends in the same cell",
            why="a record of a move that is none would let a later slip of the pen pass",
            how="delete the move, or write the new cell",
        )
