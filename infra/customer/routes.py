"""How the customer's hosts reach the dashboard and the API: by Ingress or by the Gateway API.

``/metrics`` has no route: what is not named here is the dashboard's. Node-RED and Grafana are at
paths of the same host, because the certificate and the DNS entry that are there cover it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra import web_limits
from infra.customer import api, dashboard, grafana, nodered
from infra.customer.ports import API_PORT, DASHBOARD_PORT, GRAFANA_PORT, NODE_RED_PORT
from infra.names import INGRESS_NAMESPACE

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "customer-instance"
COMPONENT: Final = "routes"
GATEWAY: Final = "iotistic"
"""The platform's Gateway, with the listeners ``http`` and ``https``."""

CERTIFICATE_SECRET: Final = "web-tls"  # noqa: S105 - a Secret's name
"""Secret of the host's own certificate, where customers have one each."""

EXTRA_SECRET: Final = "extra-hosts-tls"  # noqa: S105 - a Secret's name
"""Secret of the certificate for the customer's own names."""

NGINX: Final = "nginx"
"""IngressClass whose controller takes limits from annotations. Traefik has them at its entrance."""

NGINX_LIMITS: Final = {
    "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    "nginx.ingress.kubernetes.io/proxy-body-size": f"{web_limits.BODY_MEBIBYTES}m",
    "nginx.ingress.kubernetes.io/limit-rps": str(web_limits.REQUESTS_PER_SECOND),
    "nginx.ingress.kubernetes.io/limit-burst-multiplier": str(
        web_limits.BURST // web_limits.REQUESTS_PER_SECOND
    ),
    "nginx.ingress.kubernetes.io/limit-connections": str(web_limits.CONNECTIONS),
    # The WebSocket is quiet between messages.
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
}


def manifests(instance: Instance) -> list[Manifest]:
    """Return the routes of the customer's host and extra hosts."""
    if instance.surroundings.routes == "gateway":
        return [_http_route(instance), _redirect(instance)]
    return [_ingress(instance)]


def _targets(instance: Instance) -> list[tuple[str, str, int]]:
    """Return path prefix, Service and port. The dashboard opens its WebSocket at /ws, outside /api.

    While the customer is suspended, everything goes to the page that says so.
    """
    notice = ("/", dashboard.APP, DASHBOARD_PORT)
    if instance.suspended:
        return [notice]
    targets = [("/api", api.APP, API_PORT), ("/ws", api.APP, API_PORT)]
    options = instance.tenant.options
    if options.node_red:
        targets.append((nodered.PATH, nodered.APP, NODE_RED_PORT))
    if options.grafana:
        targets.append((grafana.PATH, grafana.APP, GRAFANA_PORT))
    return [*targets, notice]


def _hosts(instance: Instance) -> list[str]:
    return [instance.host, *instance.tenant.extra_hosts]


def _ingress(instance: Instance) -> Manifest:
    """Return the Ingress.

    Without a Secret of its own the controller serves its default certificate, the
    platform's wildcard: certificates per customer would run into the authority's limits.
    With one, cert-manager makes it because of the annotation. No wildcard covers the customer's own
    names. They have a certificate apart, which a name that does not lead here yet keeps from being
    signed, and nothing else.
    """
    hosts = _hosts(instance)
    paths: list[dict[str, Any]] = [
        {
            "path": path,
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": port}}},
        }
        for path, service, port in _targets(instance)
    ]
    served = instance.tenant.runs or instance.suspended
    awaited = served and instance.surroundings.await_routes
    metadata = instance.metadata("web", app=APP, component=COMPONENT, awaited=awaited)
    if instance.surroundings.ingress_class == NGINX:
        metadata["annotations"] = metadata.get("annotations", {}) | NGINX_LIMITS
    tls = _tls(instance)
    if any("secretName" in entry for entry in tls):
        issuer = {"cert-manager.io/cluster-issuer": instance.surroundings.web_issuer}
        metadata["annotations"] = metadata.get("annotations", {}) | issuer
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {
            "ingressClassName": instance.surroundings.ingress_class,
            "tls": tls,
            "rules": [{"host": host, "http": {"paths": paths}} for host in hosts],
        },
    }


def _tls(instance: Instance) -> list[dict[str, Any]]:
    """Return which certificate is for which hosts."""
    signed = instance.surroundings.web_issuer is not None
    host: dict[str, Any] = {"hosts": [instance.host]}
    if signed and instance.surroundings.own_certificates:
        host["secretName"] = CERTIFICATE_SECRET
    if not instance.tenant.extra_hosts:
        return [host]
    extra: dict[str, Any] = {"hosts": list(instance.tenant.extra_hosts)}
    if signed:
        extra["secretName"] = EXTRA_SECRET
    return [host, extra]


def _http_route(instance: Instance) -> Manifest:
    rules = [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "backendRefs": [{"name": service, "port": port}],
        }
        for path, service, port in _targets(instance)
    ]
    return _route(instance, "web", listener="https", rules=rules)


def _redirect(instance: Instance) -> Manifest:
    to_https = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    return _route(instance, "redirect", listener="http", rules=[{"filters": [to_https]}])


def _route(instance: Instance, name: str, *, listener: str, rules: list[dict[str, Any]]) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": instance.metadata(name, app=APP, component=COMPONENT),
        "spec": {
            "parentRefs": [{"name": GATEWAY, "namespace": INGRESS_NAMESPACE, "sectionName": listener}],
            "hostnames": _hosts(instance),
            "rules": rules,
        },
    }
