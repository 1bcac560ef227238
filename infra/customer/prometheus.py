"""A Prometheus of the customer's own, an option: the metrics of this instance and of no other.

Its targets are the instance's own Services, by name. So it asks the cluster's API nothing,
needs no role, and cannot see another customer. What only the cluster knows - volumes, quota,
restarts - stays with the platform's Prometheus.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.customer import mosquitto, postgres
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.monitoring import own_rule_groups
from infra.customer.optional import with_volume
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    config_volume,
    container,
    http_probe,
    pod_template,
)
from infra.customer.ports import MQTT_METRICS_PORT, POSTGRES_METRICS_PORT, PROMETHEUS_PORT
from tenants.quantities import mebibytes

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "prometheus"
COMPONENT: Final = "metrics"

PROMETHEUS_USER: Final = 65534
"""User ``nobody``, the image's own."""

CONFIGURATION: Final = "prometheus.yml"
RULES: Final = "rules.json"
"""JSON is YAML, which is what Prometheus reads."""

_CONFIG: Final = "/etc/iotistic"
_DATA: Final = "/prometheus"

_FILLED: Final = 0.8
"""Part of the volume that blocks may fill; the rest is for the log they are made from."""


def configuration(instance: Instance) -> dict[str, str]:
    """Return Prometheus's files, by name."""
    return {
        CONFIGURATION: render(
            CONFIGURATION,
            rules=f"{_CONFIG}/{RULES}",
            targets=_targets(instance),
            tenant=instance.tenant.id,
            namespace=instance.tenant.namespace,
        ),
        RULES: json.dumps(own_rule_groups(instance), indent=1, sort_keys=True) + "\n",
    }


def manifests(instance: Instance) -> list[Manifest]:
    """Return Prometheus's claim, workload and Service."""
    ports = {"http": PROMETHEUS_PORT}
    return with_volume(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.prometheus,
        size=instance.tenant.storage.prometheus,
        ports=ports,
        template=_template(instance, ports),
    )


def _targets(instance: Instance) -> dict[str, str]:
    """Return where metrics are, by what tells them. The API has none: its image answers 404."""
    found = {postgres.APP: f"{postgres.APP}:{POSTGRES_METRICS_PORT}"}
    if instance.own_broker:
        found[mosquitto.APP] = f"{mosquitto.APP}:{MQTT_METRICS_PORT}"
    return found | {APP: f"localhost:{PROMETHEUS_PORT}"}


def _template(instance: Instance, ports: dict[str, int]) -> dict[str, Any]:
    tenant = instance.tenant
    files = configuration(instance)
    image = instance.images.prometheus
    blocks = int(mebibytes(tenant.storage.prometheus) * _FILLED)
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(tenant.sizes.prometheus),
        probe=http_probe("/-/ready", "http"),
        mounts={"data": _DATA, "config": _CONFIG},
        args=[
            f"--config.file={_CONFIG}/{CONFIGURATION}",
            f"--storage.tsdb.path={_DATA}",
            f"--storage.tsdb.retention.time={tenant.plan.monitoring.retention_days}d",
            # Whichever comes first: a volume that is full would stop it.
            f"--storage.tsdb.retention.size={blocks}MB",
            f"--web.listen-address=:{PROMETHEUS_PORT}",
        ],
    )
    return pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=PROMETHEUS_USER,
        containers=[main],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
            config_volume("config", sorted(files)),
        ],
        checksums={CONFIG_CHECKSUM: checksum(files)},
    )
