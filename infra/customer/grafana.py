"""A Grafana of the customer's own, an option, over the customer's own Prometheus, at ``/grafana``.

Data source and dashboards are provisioned; what people add beside them is in its volume.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.customer import prometheus, secrets
from infra.customer.files import render
from infra.customer.grafana_dashboards import dashboards
from infra.customer.model import checksum, resources
from infra.customer.optional import with_volume
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    http_probe,
    pod_template,
    scratch,
    secret_volume,
)
from infra.customer.ports import GRAFANA_PORT, PROMETHEUS_PORT
from infra.dashboards import DATA_SOURCE

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "grafana"
COMPONENT: Final = "graphs"
PATH: Final = "/grafana"
"""Where it is on the customer's host."""

GRAFANA_USER: Final = 472
"""The image's own user."""

SECRETS: Final = "/run/secrets/grafana"
_CONFIG: Final = "/etc/iotistic"
_DASHBOARDS: Final = "/etc/grafana/dashboards"
_DATA: Final = "/var/lib/grafana"
_PROVISIONING: Final = "/etc/grafana/provisioning"
"""The image's own folder; only what is in two of its folders is ours."""

_MAIN: Final = ("grafana.ini", "password.sh")
_SOURCES: Final = ("data-source.yaml",)
_PROVIDERS: Final = ("dashboards.yaml",)


def configuration(instance: Instance) -> dict[str, str]:
    """Return Grafana's files, by name."""
    names = {
        "address": f"https://{instance.host}{PATH}/",
        "data": _DATA,
        "dashboards": _DASHBOARDS,
        "port": GRAFANA_PORT,
        "prometheus": f"http://{prometheus.APP}:{PROMETHEUS_PORT}",
        "secrets": SECRETS,
        "source": DATA_SOURCE,
        "config": _CONFIG,
    }
    written = {name: render(name, **names) for name in (*_MAIN, *_SOURCES, *_PROVIDERS)}
    return written | _drawn(instance)


def manifests(instance: Instance) -> list[Manifest]:
    """Return Grafana's claim, workload and Service."""
    ports = {"http": GRAFANA_PORT}
    return with_volume(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.grafana,
        size=instance.tenant.storage.grafana,
        ports=ports,
        template=_template(instance, ports),
    )


def _drawn(instance: Instance) -> dict[str, str]:
    """Return the dashboards' files, by name."""
    return {
        f"dashboard-{board['uid']}.json": json.dumps(board, indent=1, sort_keys=True) + "\n"
        for board in dashboards(own_broker=instance.own_broker)
    }


def _template(instance: Instance, ports: dict[str, int]) -> dict[str, Any]:
    files = configuration(instance)
    image = instance.images.grafana
    read = {
        "admin-password": instance.credentials.grafana_admin,
        "secret-key": instance.credentials.grafana_key,
    }
    size = resources(instance.tenant.sizes.grafana)
    shared = {
        "data": _DATA,
        "config": _CONFIG,
        "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
        secrets.GRAFANA: SECRETS,
    }
    password = container(
        "password",
        image,
        ports={},
        resources=size,
        probe=None,
        mounts=shared,
        command=["/bin/sh", f"{_CONFIG}/password.sh"],
    )
    main = container(
        APP,
        image,
        ports=ports,
        resources=size,
        probe=http_probe("/api/health", "http"),
        mounts={
            **shared,
            "dashboards": _DASHBOARDS,
            "sources": f"{_PROVISIONING}/datasources",
            "providers": f"{_PROVISIONING}/dashboards",
        },
        env=[{"name": "GF_PATHS_CONFIG", "value": f"{_CONFIG}/grafana.ini"}],
    )
    return pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=GRAFANA_USER,
        containers=[main],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
            config_volume("config", _MAIN),
            config_volume("dashboards", sorted(_drawn(instance))),
            config_volume("sources", _SOURCES),
            config_volume("providers", _PROVIDERS),
            secret_volume(secrets.GRAFANA, sorted(read)),
            *scratch("tmp"),
        ],
        checksums={CONFIG_CHECKSUM: checksum(files), SECRETS_CHECKSUM: checksum(read)},
        initContainers=[password],
    )
