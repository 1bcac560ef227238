"""Velero, an option: copies of the platform's objects and snapshots of its volumes.

Customers have backups of their own, so none of their namespaces is copied. Snapshots of volumes are made by
the cluster's own driver, so Velero needs a right to its part of the store and to nothing else in the cloud.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.clusters import pools
from infra.customer.isolation import CREDENTIALS_PORT, HTTPS_PORT, PRIVATE_RANGES
from infra.exemptions import Exemption, as_annotations
from infra.images import load_platform_image
from infra.names import (
    BILLING_NAMESPACE,
    CERTIFICATES_NAMESPACE,
    MONITORING_NAMESPACE,
    PLATFORM_NAMESPACES,
    PLATFORM_PRIORITY,
    platform_labels,
)
from infra.platform.chart import RESTRICTED_CONTAINER, ChartComponent, load_chart, resources, restricted_pod
from infra.platform.platform import platform_namespace
from infra.platform.policies import API_PORTS, DNS, Policies, namespace, ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.clusters.copies import CopyPlace
    from infra.clusters.objects import ObjectRoute
    from infra.clusters.services import Identity
    from infra.component import Manifest, Placement
    from infra.images import ImageSource
    from infra.platform.chart_values.velero import BackupLocation, Credentials, VeleroValues
    from infra.platform.velero_settings import VeleroSettings

APP: Final = "velero"
NAMESPACE: Final = "velero"
SERVICE_ACCOUNT: Final = "velero"
ROLE: Final = "iotistic-velero"
COPIED: Final = tuple(sorted({*PLATFORM_NAMESPACES, CERTIFICATES_NAMESPACE, BILLING_NAMESPACE}))
"""Namespaces that are copied. One that is not there is left out."""

READS_EVERYTHING: Final = Exemption(
    what="a role names kinds by a wildcard",
    why="what is copied is whatever there is, of kinds that charts bring and this program does not know",
    checkov=("CKV_K8S_49",),
)

_METRICS_PORT: Final = 8085
_POD: Final = restricted_pod(user=65532)
_RESOURCES: Final = resources("50m", "128Mi", "1Gi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What Velero is made from.

    Attributes:
        environment: The environment's name, for labels.
        settings: What the stack chose.
        place: What the cloud is to Velero.
        route: The way to Velero's part of the store.
        monitoring: Whether the Prometheus operator reads ServiceMonitors.
        images: Where images come from.
    """

    environment: str
    settings: VeleroSettings
    place: CopyPlace
    route: ObjectRoute
    monitoring: bool
    images: ImageSource


def manifests(copies: Copies) -> list[Manifest]:
    """Return what the chart does not bring: whom it may talk to, what it may do, how volumes are copied."""
    internet = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE_RANGES)}}
    reached: list[dict[str, Any]] = [
        DNS,
        {"ports": ports(*API_PORTS)},
        {"to": [internet], "ports": ports(HTTPS_PORT)},
    ]
    if copies.route.credentials is not None:
        node = {"ipBlock": {"cidr": copies.route.credentials}}
        reached.append({"to": [node], "ports": ports(CREDENTIALS_PORT)})
    watched = [{"from": [namespace(MONITORING_NAMESPACE)], "ports": ports(_METRICS_PORT)}]
    return [
        Policies(app=APP, namespace=NAMESPACE, environment=copies.environment).of_all(
            APP, ingress=watched, egress=reached
        ),
        _role(copies),
        {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshotClass",
            "metadata": {
                "name": ROLE,
                "labels": {
                    **platform_labels(APP, copies.environment),
                    "velero.io/csi-volumesnapshot-class": "true",
                },
            },
            "driver": copies.place.driver,
            # A namespace that is deleted by mistake does not take its snapshots along.
            "deletionPolicy": "Retain",
        },
    ]


def _role(copies: Copies) -> Manifest:
    """Return what Velero may do: look at everything, and make snapshots. To restore takes more."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": ROLE,
            "labels": platform_labels(APP, copies.environment),
            "annotations": as_annotations(READS_EVERYTHING),
        },
        "rules": [
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
            {
                "apiGroups": ["snapshot.storage.k8s.io"],
                "resources": ["volumesnapshots", "volumesnapshotcontents"],
                "verbs": ["create", "update", "patch", "delete"],
            },
        ],
    }


def values(copies: Copies, *, annotations: Mapping[str, pulumi.Input[str]]) -> VeleroValues:
    """Return what Velero's chart is told.

    Args:
        copies: What it is made from.
        annotations: Of its service account: what its pods are in the cloud.
    """
    place = copies.place
    location: BackupLocation = {
        "name": "default",
        "provider": place.provider,
        "bucket": copies.route.bucket,
        "default": True,
        "config": dict(place.config),
    }
    if copies.route.prefix is not None:
        location["prefix"] = copies.route.prefix
    plugin = load_platform_image(place.plugin, copies.images)
    known_by: Credentials = {"useSecret": False}
    if place.file is not None:
        known_by = {"useSecret": True, "secretContents": {"cloud": place.file}}
    return {
        "image": {"repository": f"{copies.images.registry('docker.io')}/velero/velero"},
        "initContainers": [
            {
                "name": place.plugin,
                "image": str(plugin),
                "securityContext": RESTRICTED_CONTAINER,
                "resources": _RESOURCES,
                "volumeMounts": [{"mountPath": "/target", "name": "plugins"}],
            }
        ],
        "podLabels": dict(copies.route.pod_labels),
        **pools.of_the_platform(),
        "priorityClassName": PLATFORM_PRIORITY,
        "podSecurityContext": _POD,
        "containerSecurityContext": RESTRICTED_CONTAINER,
        "resources": _RESOURCES,
        "upgradeJobResources": _RESOURCES,
        "serviceAccount": {"server": {"name": SERVICE_ACCOUNT, "annotations": dict(annotations)}},
        "rbac": {"clusterAdministratorName": ROLE},
        "credentials": known_by,
        "configuration": {
            "features": "EnableCSI",
            "backupStorageLocation": [location],
            "volumeSnapshotLocation": [],
        },
        # No native snapshots: the cluster's driver makes them.
        "snapshotsEnabled": False,
        "metrics": {
            "serviceMonitor": {"autodetect": False, "enabled": copies.monitoring},
            "nodeAgentPodMonitor": {"autodetect": False},
            "prometheusRule": {"autodetect": False},
        },
        "schedules": {
            "platform": {
                "schedule": copies.settings.schedule,
                "template": {
                    "ttl": f"{copies.settings.keep_days * 24}h0m0s",
                    "includedNamespaces": list(COPIED),
                    "snapshotVolumes": True,
                },
            }
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VeleroArgs:
    """What Velero's component is made from.

    Attributes:
        copies: What it copies, and where to.
        identity: What its pods are in the cloud.
        placement: Where it goes.
        depends_on: The platform.
    """

    copies: Copies
    identity: Identity
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


class Velero(ChartComponent):
    """Velero, in its namespace."""

    def __init__(self, name: str, args: VeleroArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:Velero", name, placement=args.placement, opts=opts)
        home = self.declare(
            platform_namespace(NAMESPACE, args.copies.environment), depends_on=args.depends_on
        )
        before = [self.declare(manifest, depends_on=[home]) for manifest in manifests(args.copies)]
        self.install(
            load_chart(APP),
            namespace=NAMESPACE,
            values=values(args.copies, annotations=args.identity.annotations),
            depends_on=[home, *before, *args.identity.ready],
        )
        self.register_outputs({})
