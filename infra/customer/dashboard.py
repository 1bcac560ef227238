"""The customer's dashboard: static files behind nginx, which finds the API at its own host name.

Where the dashboard is reached by a port of the nodes and not by the ingress, nginx leads there itself.

While the customer is suspended the same server says so, with status 503, at every address of
theirs: the one pod that stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import api
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    config_volume,
    container,
    http_probe,
    pod_template,
    scratch,
    service,
    workload,
)
from infra.customer.ports import API_PORT, DASHBOARD_PORT
from tenants.models import LifecycleState

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "dashboard"
COMPONENT: Final = "dashboard"

NGINX_USER: Final = 101
"""User ``nginx`` of the image, which would otherwise start as root."""


def configuration(instance: Instance) -> dict[str, str]:
    """Return the web server's files, by name."""
    # Behind the ingress, which leads /api and /ws there, the dashboard's own server needs no API.
    asked = f"{api.APP}:{API_PORT}" if instance.node_ports else None
    names = {"port": DASHBOARD_PORT, "suspended": instance.suspended, "api": asked}
    files = {"dashboard.conf": render("dashboard.conf", **names)}
    if instance.suspended:
        tenant = instance.tenant
        files["suspended.html"] = render(
            "suspended.html",
            unpaid=tenant.lifecycle is LifecycleState.ACTIVE,
            notice=tenant.lifecycle_notice,
        )
    return files


def manifests(instance: Instance) -> list[Manifest]:
    """Return the dashboard's workload and Service."""
    ports = {"http": DASHBOARD_PORT}
    image = instance.images.dashboard
    files = configuration(instance)
    mounts = {"cache": "/var/cache/nginx", "run": "/var/run", "config": "/etc/nginx/conf.d"}
    volumes = [config_volume("config", ["dashboard.conf"]), *scratch("cache", "run")]
    if instance.suspended:
        mounts["pages"] = "/etc/iotistic/pages"
        volumes.append(config_volume("pages", ["suspended.html"]))
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(instance.tenant.sizes.dashboard),
        probe=http_probe("/healthz", "http"),
        mounts=mounts,
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=NGINX_USER,
        containers=[main],
        volumes=volumes,
        checksums={CONFIG_CHECKSUM: checksum(files)},
        # Port 80 without being root.
        sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
    )
    rolling = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
    stays = instance.suspended
    return [
        workload(
            instance,
            "Deployment",
            APP,
            component=COMPONENT,
            image=image,
            template=template,
            strategy=rolling,
            replicas=1 if stays else None,
        ),
        service(
            instance,
            APP,
            component=COMPONENT,
            ports=ports,
            node_ports={"http": instance.tenant.mqtt.dashboard_node_port} if instance.node_ports else None,
            always_served=stays,
        ),
    ]
