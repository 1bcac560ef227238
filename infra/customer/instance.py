"""One customer's instance, as a component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from infra.component import Component, Placement
from infra.customer import (
    api,
    backup,
    backup_final,
    backup_nightly,
    dashboard,
    exporter,
    grafana,
    monitoring,
    mosquitto,
    nodered,
    postgres,
    prometheus,
    routes,
    settle,
)
from infra.customer.configuration import config_map
from infra.customer.isolation import network_policies
from infra.customer.namespace import (
    account,
    disruption_budget,
    limit_range,
    namespace,
    resource_quota,
)
from infra.customer.secrets import secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import Identity
    from infra.component import Manifest
    from infra.customer.model import Instance

SERVERS = frozenset({"Deployment", "StatefulSet"})
"""Kinds of what has stopped before the last backup is taken of what it left behind."""

OUTLASTS_ITS_OPTION = frozenset(f"{app}-data" for app in (nodered.APP, prometheus.APP, grafana.APP))
"""Claims that stay when their option is switched off, and are there again when it is switched on."""

OUTLASTS = OUTLASTS_ITS_OPTION | {f"{mosquitto.APP}-data"}
"""Claims that stay when they are declared no more. The broker's is, where somebody else runs the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerInstanceArgs:
    """What an instance is made from.

    Attributes:
        instance: The instance as data.
        placement: Where it goes.
        depends_on: The platform's objects that it stands on.
        backup_identity: What its backups are in the cloud, where they go to the stack's own store.
    """

    instance: Instance
    placement: Placement
    depends_on: Sequence[pulumi.Resource]
    backup_identity: Identity | None = None


def foundation(instance: Instance) -> list[Manifest]:
    """Return what must be there before the first pod: limits, isolation, identity, secrets, files."""
    return [
        resource_quota(instance),
        limit_range(instance),
        *network_policies(instance),
        account(instance),
        *secrets(instance),
        config_map(instance),
    ]


def workloads(instance: Instance) -> list[Manifest]:
    """Return what runs, how it is reached, watched and backed up."""
    found = [*postgres.manifests(instance), *api.manifests(instance), *dashboard.manifests(instance)]
    if instance.own_broker:
        found += mosquitto.manifests(instance)
    options = instance.tenant.options
    if options.exporter:
        found += exporter.manifests(instance)
    if options.node_red:
        found += nodered.manifests(instance)
    if options.prometheus:
        found += prometheus.manifests(instance)
    if options.grafana:
        found += grafana.manifests(instance)
    if instance.tenant.runs:
        found.append(settle.job(instance))
    return [
        *found,
        disruption_budget(instance),
        *routes.manifests(instance),
        *monitoring.manifests(instance),
        *backup_nightly.manifests(instance),
        *backup_final.manifests(instance),
    ]


def identify(manifest: Manifest, account: str, identity: Identity) -> None:
    """Tell the service account ``account``, if this is it, what its pods are in the cloud."""
    metadata = manifest["metadata"]
    if manifest["kind"] == "ServiceAccount" and metadata["name"] == account:
        metadata["annotations"] = dict(identity.annotations)


def manifests(instance: Instance) -> list[Manifest]:
    """Return every object of an instance, in the order of declaration."""
    return [namespace(instance), *foundation(instance), *workloads(instance)]


def holds_data(manifest: Manifest) -> bool:
    """Return whether deleting or replacing it would lose data, or stop what serves all of it."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    claim = kind == "PersistentVolumeClaim" and name not in OUTLASTS
    return claim or (kind == "StatefulSet" and name == postgres.APP)


def _is_backup(manifest: Manifest) -> bool:
    """Return whether an object runs pods that are known to the cloud as backups."""
    component: str = manifest["metadata"]["labels"]["app.kubernetes.io/component"]
    return component == backup.COMPONENT and manifest["kind"] in {"CronJob", "Job"}


class CustomerInstance(Component):
    """Everything that one customer has, in a namespace of their own.

    Attributes:
        url: Where the customer's people go.
        mqtt_address: Where the customer's devices go.
        balancer: Where the customer's own balancer is, if there is one.
    """

    TYPE: ClassVar[str] = "iotistic:customer:CustomerInstance"
    LIFECYCLE: ClassVar[str] = "lifecycle"
    """The output that says what the customer was when this was last applied."""

    url: str
    mqtt_address: str
    balancer: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: CustomerInstanceArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(self.TYPE, name, placement=args.placement, opts=opts)
        instance = args.instance
        home = self.declare(namespace(instance), depends_on=args.depends_on, holds_data=instance.protected)
        base = [
            self.declare(manifest, depends_on=[home], deleted_with=home) for manifest in foundation(instance)
        ]
        self.balancer = None
        before_the_last: list[pulumi.Resource] = []
        known = [] if args.backup_identity is None else args.backup_identity.ready
        for manifest in workloads(instance):
            if args.backup_identity is not None:
                identify(manifest, backup.SERVICE_ACCOUNT, args.backup_identity)
            made = self.declare(
                manifest,
                depends_on=[
                    home,
                    *base,
                    *(known if _is_backup(manifest) else []),
                    *(before_the_last if backup_final.is_final(manifest) else []),
                ],
                deleted_with=home,
                holds_data=instance.protected and holds_data(manifest),
                outlasts=manifest["metadata"]["name"] in OUTLASTS,
            )
            if manifest["kind"] in SERVERS or backup_final.is_final(manifest):
                before_the_last.append(made)
            if manifest.get("spec", {}).get("type") == "LoadBalancer":
                self.balancer = made.balancer
        self.url = f"https://{instance.host}"
        self.mqtt_address = f"mqtts://{instance.tenant.mqtt_host(instance.surroundings.domain)}:8883"
        self.register_outputs(
            {
                "url": self.url,
                "mqttAddress": self.mqtt_address,
                self.LIFECYCLE: str(instance.tenant.lifecycle),
            }
        )
