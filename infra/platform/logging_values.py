"""What the charts of Loki and Alloy are told, and the agent's own configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jinja2

from infra.clusters import pools
from infra.names import LOGGING_NAMESPACE, PLATFORM_PRIORITY
from infra.platform.chart import RESTRICTED_CONTAINER, resources
from infra.platform.haproxy import FILES
from infra.platform.monitoring_stack import LOKI_PORT
from infra.platform.redaction import FIRST_LINE, REDACTIONS, REPLACEMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.clusters.objects import ObjectRoute
    from infra.clusters.services import Identity
    from infra.images import ImageSource
    from infra.platform.chart_values.alloy import AlloyValues, Rule
    from infra.platform.chart_values.loki import LogLimits, LokiValues, ObjectStore, Storage, StoreKind
    from infra.platform.chart_values.shared import Replicas, Switch
    from infra.platform.logging_settings import LoggingSettings

LOKI: Final = "loki"
ALLOY: Final = "alloy"
ADDRESS: Final = f"http://{LOKI}.{LOGGING_NAMESPACE}.svc.cluster.local:{LOKI_PORT}"
CONFIG_FILE: Final = "config.alloy"
ALLOY_PORT: Final = 12345

LABELS: Final = {
    "namespace": "__meta_kubernetes_namespace",
    "pod": "__meta_kubernetes_pod_name",
    "container": "__meta_kubernetes_pod_container_name",
    "app": "__meta_kubernetes_pod_label_app_kubernetes_io_name",
    # Of the namespace, which only this program makes; a pod could say of itself what it likes.
    "tenant": "__meta_kubernetes_namespace_label_iotistic_io_tenant",
    "plan": "__meta_kubernetes_namespace_label_iotistic_io_plan",
}
"""Labels of a line, by where they come from. Loki keeps a stream for each combination of values."""

SCHEMA_SINCE: Final = "2026-01-01"
"""Day from which logs are stored this way; another way gets a later day and is added."""

POSITIONS: Final = "/var/lib/iotistic-alloy"
"""Where a node remembers what it has read: a new agent does not send everything again."""

_DATA: Final = "/var/loki"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What the values are made from.

    Attributes:
        settings: What the stack chose.
        retention_days: How long customers' logs are kept, by plan.
        storage_class: StorageClass of the volume.
        images: Where images come from.
        monitoring: Whether the Prometheus operator reads ServiceMonitors.
        objects: The way to a place in the cloud, if logs are kept there.
        identity: What the store is in that cloud.
    """

    settings: LoggingSettings
    retention_days: Mapping[str, int]
    storage_class: str
    images: ImageSource
    monitoring: bool
    objects: ObjectRoute | None = None
    identity: Identity | None = None


def agent_configuration() -> str:
    """Return what the agent on each node does."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FILES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - not HTML, and every value is this program's own
    )
    # The agent writes texts as JSON does.
    environment.filters["text"] = json.dumps
    return environment.get_template(f"{CONFIG_FILE}.j2").render(
        labels=LABELS,
        first_line=FIRST_LINE,
        redactions=REDACTIONS,
        replacement=REPLACEMENT,
        address=ADDRESS,
    )


def loki(logs: Logs) -> LokiValues:
    """Return the values of Loki's chart: one process for everything, with a volume."""
    kept_in: StoreKind = "filesystem" if logs.objects is None else logs.objects.kind
    off: Switch = {"enabled": False}
    nobody: Replicas = {"replicas": 0}
    told: LokiValues = {
        "fullnameOverride": LOKI,
        "deploymentMode": "Monolithic",
        "loki": {
            # One store for all: who may read it is decided by network policies and by Grafana.
            "auth_enabled": False,
            "analytics": {"reporting_enabled": False},
            "commonConfig": {"replication_factor": 1},
            "storage": _storage(logs.objects),
            "schemaConfig": {
                "configs": [
                    {
                        "from": SCHEMA_SINCE,
                        "store": "tsdb",
                        "object_store": kept_in,
                        "schema": "v13",
                        "index": {"prefix": "index_", "period": "24h"},
                    }
                ]
            },
            "limits_config": _limits(logs),
            # No rule asks logs. Where the chart would look for some, the store may not.
            "rulerConfig": {"storage": {"type": "local", "local": {"directory": f"{_DATA}/rules"}}},
            "compactor": {
                "working_directory": f"{_DATA}/compactor",
                "retention_enabled": True,
                "delete_request_store": kept_in,
            },
        },
        "singleBinary": {
            "replicas": 1,
            "persistence": {
                "enabled": True,
                "storageClass": logs.storage_class,
                "size": logs.settings.storage,
            },
            **pools.of_the_platform(),
            "resources": resources("200m", "512Mi", "4Gi"),
        },
        "read": nobody,
        "write": nobody,
        "backend": nobody,
        # Nothing but Grafana and the agents asks it, and they ask it directly.
        "gateway": off,
        "chunksCache": off,
        "resultsCache": off,
        "lokiCanary": off,
        "test": off,
        "ruler": off,
        "minio": off,
        "sidecar": {"rules": off},
        "rbac": {"namespaced": True},
        "serviceAccount": {},
        # Of the pods: each of them says for itself whether it has a token, whatever its account says.
        "defaults": {"automountServiceAccountToken": False},
        "monitoring": {"serviceMonitor": {"enabled": logs.monitoring}},
        "global": {"priorityClassName": PLATFORM_PRIORITY},
    }
    if logs.identity is not None:
        told["serviceAccount"]["annotations"] = dict(logs.identity.annotations)
        told["loki"]["podLabels"] = dict(logs.identity.pod_labels)
    if logs.images.mirror is not None:
        told["global"]["imageRegistry"] = logs.images.mirror
    return told


def _storage(objects: ObjectRoute | None) -> Storage:
    if objects is None:
        return {"type": "filesystem"}
    store: ObjectStore = {"type": objects.kind, "storage_prefix": objects.prefix or ""}
    store[objects.kind] = dict(objects.settings)
    return {
        "bucketNames": {"chunks": objects.bucket, "ruler": objects.bucket},
        "use_thanos_objstore": True,
        "object_store": store,
    }


def _limits(logs: Logs) -> LogLimits:
    return {
        "retention_period": _hours(logs.settings.retention_days),
        "retention_stream": [
            {"selector": f'{{plan="{plan}"}}', "priority": 1, "period": _hours(days)}
            for plan, days in sorted(logs.retention_days.items())
        ],
        "max_label_names_per_series": len(LABELS) + 5,
        # An entry of many lines may be longer than the store takes, and would be refused as a whole.
        "max_line_size_truncate": True,
        # One customer's pod that logs in a loop does not crowd out the others.
        "per_stream_rate_limit": "3MB",
        "per_stream_rate_limit_burst": "15MB",
        "ingestion_rate_mb": 20,
        "ingestion_burst_size_mb": 40,
    }


def _hours(days: int) -> str:
    return f"{days * 24}h"


def alloy(logs: Logs, *, checksum: str) -> AlloyValues:
    """Return the values of Alloy's chart: a pod on each node.

    Args:
        logs: What the values are made from.
        checksum: Fingerprint of the configuration: another one rolls the pods.
    """
    told: AlloyValues = {
        "fullnameOverride": ALLOY,
        "crds": {"create": False},
        "alloy": {
            "configMap": {"create": False, "name": ALLOY, "key": CONFIG_FILE},
            "enableReporting": False,
            "storagePath": POSITIONS,
            "mounts": {"varlog": True, "extra": [{"name": "positions", "mountPath": POSITIONS}]},
            # The files belong to root, and to be root is enough to read them.
            "securityContext": {
                "runAsUser": 0,
                "runAsGroup": 0,
                **RESTRICTED_CONTAINER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "resources": resources("50m", "128Mi", "512Mi"),
        },
        "configReloader": {"enabled": False},
        "controller": {
            "type": "daemonset",
            "priorityClassName": PLATFORM_PRIORITY,
            "podAnnotations": {"iotistic.io/config-checksum": checksum},
            "tolerations": [{"operator": "Exists"}],
            "volumes": {
                "extra": [{"name": "positions", "hostPath": {"path": POSITIONS, "type": "DirectoryOrCreate"}}]
            },
        },
        # It looks up which pods there are, and of whom; it reads their logs at the node.
        "rbac": {
            "rules": [_may_look_up("pods")],
            "clusterRules": [_may_look_up("namespaces")],
        },
        "serviceMonitor": {"enabled": logs.monitoring},
    }
    if logs.images.mirror is not None:
        told["global"] = {"image": {"registry": logs.images.mirror}}
    return told


def _may_look_up(kind: str) -> Rule:
    return {"apiGroups": [""], "resources": [kind], "verbs": ["get", "list", "watch"]}
