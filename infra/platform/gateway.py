"""The Gateway that customers' HTTPRoutes name, where hosts are routed by the Gateway API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer.routes import GATEWAY
from infra.images import VERSIONS_FILE, entries
from infra.names import INGRESS_NAMESPACE, platform_labels
from infra.platform.certificates import WILDCARD_SECRET
from infra.platform.ingress_values import CONTAINER_PORTS

if TYPE_CHECKING:
    from pathlib import Path

    from infra.component import Manifest

GATEWAY_CLASS: Final = "traefik"
CONTROLLER: Final = "traefik.io/gateway-controller"


def definitions(*, path: Path = VERSIONS_FILE) -> str:
    """Return where the Gateway API's own definitions are published; no chart brings them."""
    entry = entries(path, "definitions")["gateway-api"]
    return f"{entry['repository']}/releases/download/v{entry['version']}/standard-install.yaml"


def manifests(environment: str, *, wildcard: bool) -> list[Manifest]:
    """Return the class and the Gateway.

    Args:
        environment: The environment's name, for labels.
        wildcard: Whether there is a certificate for the listener that ends TLS.
    """
    labels = platform_labels(GATEWAY, environment)
    # A listener's port is that of the controller's pod; its Service leads from 80 and 443 there.
    http, https = CONTAINER_PORTS["traefik"]
    listeners = [_listener("http", http, "HTTP")]
    if wildcard:
        certificate = {"kind": "Secret", "name": WILDCARD_SECRET}
        tls = {"mode": "Terminate", "certificateRefs": [certificate]}
        listeners.append({**_listener("https", https, "HTTPS"), "tls": tls})
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": GATEWAY_CLASS, "labels": labels},
            "spec": {"controllerName": CONTROLLER},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": INGRESS_NAMESPACE, "labels": labels},
            "spec": {"gatewayClassName": GATEWAY_CLASS, "listeners": listeners},
        },
    ]


def _listener(name: str, port: int, protocol: str) -> dict[str, Any]:
    """Return a listener that takes the platform's and the customers' routes, and nobody else's."""
    ours = {"matchLabels": {"app.kubernetes.io/part-of": "iotistic"}}
    return {
        "name": name,
        "port": port,
        "protocol": protocol,
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": ours}},
    }
