"""How the customer's hosts reach the dashboard and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.customer import api, dashboard
from infra.customer.ports import API_PORT, DASHBOARD_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

ROUTES = (
    ("/api", api.APP, API_PORT),
    ("/ws", api.APP, API_PORT),
    ("/", dashboard.APP, DASHBOARD_PORT),
)
"""Path prefix, Service, port. The dashboard opens its WebSocket at /ws, outside /api."""


def ingress(instance: Instance) -> Manifest:
    """Return the Ingress of the customer's host and extra hosts.

    Without a Secret of its own the controller serves its default certificate, the
    platform's wildcard: certificates per customer would run into the authority's limits.
    """
    hosts = [instance.tenant.host(instance.domain), *instance.tenant.extra_hosts]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": instance.metadata(
            "web",
            app="customer-instance",
            component="routes",
            awaited=instance.tenant.runs and instance.await_routes,
        ),
        "spec": {
            "ingressClassName": instance.ingress_class,
            "tls": [{"hosts": hosts}],
            "rules": [{"host": host, "http": {"paths": _paths()}} for host in hosts],
        },
    }


def _paths() -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": port}}},
        }
        for path, service, port in ROUTES
    ]
