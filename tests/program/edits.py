"""Kinds of edit, and exactly what each of them touches in the customers' namespaces."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.component import logical_name
from infra.configuration import read_settings
from infra.customer.instance import OUTLASTS, manifests
from infra.program import PLANS_FILE, REGISTRY_DIRECTORY, instances_of
from tenants.editing import edit
from tenants.plans import load_plans
from tenants.registry import EnvironmentFacts, load_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.component import Manifest
    from tenants.splice import Value

MADE_ANEW = frozenset({"Job"})
"""Kinds that the API server takes no change of. All others are changed where they are."""

WORKLOADS = frozenset({"Deployment", "StatefulSet"})

INTRODUCTION = """\
# What an edit touches

<!-- Generated from the rendered objects: change those, then run make golden. -->

What is edited in a customer's file, and the objects that the next run changes. Nothing else is touched,
and nobody else's; a row about the stack is about each customer. What is not marked is changed where it is.
A volume is never made anew, and one that "stays behind" is there again when it is asked for again. Another
plan touches every object, because each carries the plan's name as a label.

A pod restarts when what it reads at its start has changed. Sessions and retained messages are on the broker's
volume.

| edit | key | objects | pods |
| --- | --- | --- | --- |
"""

Objects = dict[tuple[str, str], "Manifest"]
"""Objects by customer and logical name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One kind of edit.

    Attributes:
        what: What it is about, in words.
        after: What the customer's file says then, by key.
        before: What it says beforehand besides what stands in git, likewise.
        gone: Keys of ``before`` that it then says no more.
        config: What the stack's configuration says then, by key.
    """

    what: str
    after: Mapping[str, Value] = field(default_factory=dict)
    before: Mapping[str, Value] = field(default_factory=dict)
    gone: str = ""
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> dict[str, Value]:
        """What the customer's file says afterwards besides what stands in git."""
        return {key: value for key, value in {**self.before, **self.after}.items() if key != self.gone}


CUSTOMER = "initech"
"""Whose file is edited: one of the largest plan, which may have every option."""

SUSPENDED: dict[str, Value] = {"lifecycle": {"state": "suspended", "since": "2026-11-23", "reason": "unpaid"}}
ENDED: dict[str, Value] = {
    "lifecycle": {
        "state": "decommissioned",
        "since": "2026-11-23",
        "reason": "left",
        "delete_after": "2027-11-23",
    }
}
NODE_PORTS: dict[str, Value] = {
    "mqtt.mode": "node_port",
    "mqtt.node_port": 31883,
    "mqtt.websocket_node_port": 31901,
    "mqtt.api_node_port": 31302,
    "mqtt.dashboard_node_port": 31080,
}
MANAGED: dict[str, Value] = {"mqtt.mode": "managed", "mqtt.endpoint": "broker.example"}
NODE_RED: dict[str, Value] = {"options.node_red": True}
PROMETHEUS: dict[str, Value] = {"options.prometheus": True}
GRAFANA: dict[str, Value] = {"options.grafana": True}
API_IMAGE = {"api": "docker.io/iotistic/api:2.0.11"}
DATABASE_IMAGE = {"postgres": "docker.io/library/postgres:15.16"}

EDITS = (
    Edit(what="another note or contact", after={"notes": "VIP", "contact_email": "it@initech.example"}),
    Edit(what="another ring", after={"ring": "canary"}),
    Edit(what="a longer licence", after={"subscription.current_period_end": "2028-01-31"}),
    Edit(what="another name in the licence", after={"company_name": "Initech"}),
    Edit(what="another key of the licence", after={"epochs.licence_key": 2}),
    Edit(what="new passwords of the database", after={"epochs.database": 2}),
    Edit(what="a new password of the API at the broker", after={"epochs.mqtt": 2}),
    Edit(what="a new key of the log-in tokens", after={"epochs.jwt": 2}),
    Edit(what="a new first password of the dashboard", after={"epochs.admin": 2}),
    Edit(what="a new key of the backups", after={"epochs.backup": 2}),
    Edit(what="new passwords of Node-RED", before=NODE_RED, after={"epochs.node_red": 2}),
    Edit(what="a new password of Grafana", before=PROMETHEUS | GRAFANA, after={"epochs.grafana": 2}),
    Edit(what="secrets of options that are off", after={"epochs.node_red": 2, "epochs.grafana": 2}),
    Edit(what="another version of Iotistic", before={"version": "2.0.9"}, after={"version": "2.0.10"}),
    Edit(what="a larger plan", before={"plan": "professional"}, after={"plan": "enterprise"}),
    Edit(
        what="a smaller plan, its volumes kept",
        after={"plan": "professional", "storage.postgres": "50Gi", "storage.mosquitto": "5Gi"},
    ),
    Edit(what="a larger volume", after={"storage.postgres": "60Gi"}),
    Edit(what="more memory for the API", after={"resources.api.memory_limit": "3Gi"}),
    Edit(what="more memory for the database", after={"resources.postgres.memory_limit": "6Gi"}),
    Edit(what="a name of its own", after={"extra_hosts": ["iot.initech.example"]}),
    # As rare before as after, for an alert counts the days between; and on no day that a test runs.
    Edit(
        what="another time of the backup",
        before={"backup.schedule": "0 2 29 2 *"},
        after={"backup.schedule": "30 4 29 2 *"},
    ),
    Edit(what="backups kept longer", after={"backup.retention_days": 120}),
    Edit(what="the exporter on", after={"options.exporter": True}),
    Edit(what="Node-RED on", after=NODE_RED),
    Edit(what="Node-RED off", before=NODE_RED, after={"options.node_red": False}),
    Edit(what="its own Prometheus on", after=PROMETHEUS),
    Edit(what="its own Grafana on", before=PROMETHEUS, after=GRAFANA),
    Edit(what="a broker that somebody else runs", after=MANAGED),
    Edit(what="a balancer of its own for devices", after={"mqtt.mode": "dedicated"}),
    Edit(what="ports on the nodes for devices and people", after=NODE_PORTS),
    Edit(what="suspended", after=SUSPENDED),
    Edit(what="resumed", before=SUSPENDED, gone="lifecycle"),
    Edit(what="decommissioned", after=ENDED),
    Edit(what="revived", before=ENDED, gone="lifecycle"),
    Edit(what="another image of the API", config={"imageOverrides": json.dumps(API_IMAGE)}),
    Edit(what="another image of PostgreSQL", config={"imageOverrides": json.dumps(DATABASE_IMAGE)}),
    Edit(what="another class of the ingress", config={"ingressClass": "nginx"}),
    Edit(what="no Prometheus operator", config={"monitoring": "false"}),
)
"""The page's rows, in its order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object before and after; None where it is not there."""

    before: Manifest | None
    after: Manifest | None

    @property
    def manifest(self) -> Manifest:
        """The object as it is, or as it was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def operation(self) -> str:
        """What the engine does about it, in its own word."""
        if self.before is None:
            return "create"
        if self.after is None:
            return "delete"
        return "replace" if self.manifest["kind"] in MADE_ANEW else "update"

    def __str__(self) -> str:
        kind, name = self.manifest["kind"], self.manifest["metadata"]["name"]
        word = f"{kind} {name}"
        if self.before is None:
            return f"new: {word}"
        if self.after is None:
            return (
                f"stays behind: {word}"
                if kind == "PersistentVolumeClaim" and name in OUTLASTS
                else f"gone: {word}"
            )
        return f"made anew: {word}" if kind in MADE_ANEW else word

    @property
    def pods(self) -> str | None:
        """What becomes of the pods of a workload, if anything does."""
        if self.manifest["kind"] not in WORKLOADS:
            return None
        before, after = (_pods(one) for one in (self.before, self.after))
        name = self.manifest["metadata"]["name"]
        if before is None or after is None:
            if before is after:
                return None
            return f"{name} starts" if before is None else f"{name} stops"
        return f"{name} restarts" if before != after else None


def _pods(manifest: Manifest | None) -> dict[str, Any] | None:
    """Return the template of a workload's pods, or None where there are none."""
    if manifest is None or not manifest["spec"]["replicas"]:
        return None
    template: dict[str, Any] = manifest["spec"]["template"]
    return template


def objects(config: Mapping[str, str], file: Mapping[str, Value]) -> Objects:
    """Return all customers' objects.

    Args:
        config: The stack's configuration.
        file: What the one customer's file says besides what stands in git, by key.
    """
    settings = read_settings(config.get, stack="dev")
    path = REGISTRY_DIRECTORY / settings.environment / f"{CUSTOMER}.yaml"
    changed = edit(path, {tuple(key.split(".")): value for key, value in file.items()})
    registry = load_registry(
        REGISTRY_DIRECTORY,
        environment=settings.environment,
        plans=load_plans(PLANS_FILE),
        facts=EnvironmentFacts(domain=settings.domain),
        instead={path: changed.after},
    )
    return {
        (instance.tenant.id, logical_name(manifest)): manifest
        for instance in instances_of(settings, registry)
        for manifest in manifests(instance)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an edit comes to.

    Attributes:
        edit: The edit.
        touched: The objects that differ, by customer and logical name.
        whole: Whether that is every object that the customer has.
    """

    edit: Edit
    touched: Mapping[tuple[str, str], Difference]
    whole: bool

    @property
    def pods(self) -> list[str]:
        """What becomes of pods."""
        return list(dict.fromkeys(found.pods for found in self.touched.values() if found.pods))

    def operations(self, customer: str, *, called: str | None = None) -> dict[str, list[str]]:
        """Return the logical names of a customer's objects by what the engine does about them.

        Args:
            customer: The customer.
            called: What it is called instead, where it is another with the same file.
        """
        found: dict[str, list[str]] = {}
        for (owner, name), difference in sorted(self.touched.items()):
            if owner == customer:
                word = name.replace(customer, called or customer)
                found.setdefault(difference.operation, []).append(word)
        return found

    def row(self) -> str:
        """Return the edit's row of the page."""
        keys = [f"`{key}`" for key in (*self.edit.after, *filter(None, [self.edit.gone]))]
        keys += [f"`iotistic:{key}`, of the stack" for key in self.edit.config]
        found = "every object" if self.whole else "<br>".join(dict.fromkeys(map(str, self.touched.values())))
        return f"| {self.edit.what} | {', '.join(keys)} | {found or '-'} | {', '.join(self.pods) or '-'} |"


def effects(config: Mapping[str, str]) -> list[Effect]:
    """Return what each edit comes to under the stack's configuration before it."""
    as_it_is = objects(config, {})
    found = []
    for change in EDITS:
        before = objects(config, change.before) if change.before else as_it_is
        after = objects({**config, **change.config}, change.file)
        touched = {
            key: Difference(before.get(key), after.get(key))
            for key in dict.fromkeys((*before, *after))
            if before.get(key) != after.get(key)
        }
        whole = {key for key in before if key[0] == CUSTOMER} <= set(touched)
        found.append(Effect(edit=change, touched=touched, whole=whole))
    return found


def page(found: list[Effect]) -> str:
    """Return the page that lists the edits."""
    return f"{INTRODUCTION}{''.join(f'{effect.row()}{chr(10)}' for effect in found)}"
