"""The customer's dashboard: static files behind nginx, which finds the API at its own host name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.model import resources
from infra.customer.pods import container, http_probe, pod_template, scratch, service, workload
from infra.customer.ports import DASHBOARD_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP = "dashboard"
COMPONENT = "dashboard"

NGINX_USER = 101
"""User ``nginx`` of the image, which would otherwise start as root."""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the dashboard's workload and Service."""
    ports = {"http": DASHBOARD_PORT}
    image = instance.images.dashboard
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(instance.tenant.sizes.dashboard),
        probe=http_probe("/", "http"),
        mounts={"cache": "/var/cache/nginx", "run": "/var/run"},
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=NGINX_USER,
        containers=[main],
        volumes=scratch("cache", "run"),
        checksums={},
        # Port 80 without being root.
        sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
    )
    rolling = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
    return [
        workload(
            instance,
            "Deployment",
            APP,
            component=COMPONENT,
            image=image,
            template=template,
            strategy=rolling,
        ),
        service(instance, APP, component=COMPONENT, ports=ports),
    ]
