"""What the ingress controllers' charts are told: only what differs from their own values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra import web_limits
from infra.clusters import pools
from infra.names import INGRESS_NAMESPACE
from infra.platform.certificates import WILDCARD_SECRET
from infra.platform.chart import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.images import ImageSource
    from infra.platform.chart_values.ingress_nginx import Controller, IngressNginxValues
    from infra.platform.chart_values.shared import Spread
    from infra.platform.chart_values.traefik import Limit, Middleware, Service, SourceCriterion, TraefikValues

PRIORITY_CLASS: Final = "iotistic-ingress"

CONTAINER_PORTS: Final = {"traefik": (8000, 8443), "ingress-nginx": (80, 443)}
"""Where the controllers' pods listen for HTTP and HTTPS."""

METRICS_PORTS: Final = {"traefik": 9100, "ingress-nginx": 10254}

FAMILIES: Final = "PreferDualStack"
"""By IPv6 as well, where the cluster has it; elsewhere it changes nothing."""

_NGINX_LOG: Final = (
    '{"time":"$time_iso8601","client":"$remote_addr","host":"$host","method":"$request_method",'
    '"path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"upstream":"$proxy_upstream_name"}'
)
"""``$uri`` and not ``$request``: what follows the question mark can be a token."""

_BY_ADDRESS: Final[SourceCriterion] = {"ipStrategy": {"depth": 0}}
"""Callers are told apart by the address that the connection comes from."""

_LIMITS: Final[dict[str, Limit]] = {
    "limit-rate": {
        "rateLimit": {
            "average": web_limits.REQUESTS_PER_SECOND,
            "burst": web_limits.BURST,
            "sourceCriterion": _BY_ADDRESS,
        }
    },
    "limit-connections": {"inFlightReq": {"amount": web_limits.CONNECTIONS, "sourceCriterion": _BY_ADDRESS}},
    "limit-body": {"buffering": {"maxRequestBodyBytes": web_limits.BODY_MEBIBYTES * 2**20}},
}
"""Traefik's limits, by the name of the object that says so, in the order in which they are met.

They are met by every route: one of the Gateway API could name a limit of its own namespace only.
Each route counts for itself.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What a controller's values are made from.

    Attributes:
        replicas: How many pods.
        balancer: What the cloud's balancer is told.
        gateway: Whether routes are those of the Gateway API.
        wildcard: Whether there is a certificate for every host.
        monitoring: Whether the Prometheus operator reads ServiceMonitors.
        images: Where images come from.
    """

    replicas: int
    balancer: Mapping[str, str]
    gateway: bool
    wildcard: bool
    monitoring: bool
    images: ImageSource


def traefik(front: Front) -> TraefikValues:
    """Return the values of Traefik's chart."""
    values: TraefikValues = {
        "image": {"registry": front.images.registry("docker.io"), "repository": "library/traefik"},
        "deployment": {"replicas": front.replicas},
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "topologySpreadConstraints": _spread({"app.kubernetes.io/name": "traefik"}),
        "priorityClassName": PRIORITY_CLASS,
        "tolerations": pools.tolerations(),
        "affinity": pools.affinity(),
        "resources": resources("100m", "128Mi", "512Mi"),
        "global": {"checkNewVersion": False},
        "api": {"dashboard": False},
        "ingressClass": {"isDefaultClass": False},
        "providers": {
            # The options and the certificate for every host are the platform's.
            "kubernetesCRD": {"defaultTLSResourcesNamespace": INGRESS_NAMESPACE},
            # "/api" is then what Kubernetes means by it, and not also the dashboard's "/api-keys".
            "kubernetesIngress": {"strictPrefixMatching": True},
            "kubernetesGateway": {"enabled": front.gateway},
        },
        # The Gateway and its class are this program's own.
        "gateway": {"enabled": False},
        "gatewayClass": {"enabled": False},
        "ports": {
            "web": {
                "http": {
                    "redirections": {
                        "entryPoint": {"to": "websecure", "scheme": "https", "permanent": True},
                    }
                }
            },
            "websecure": {
                # Where a route goes that does not say. To all else, the metrics' own port among them.
                "asDefault": True,
                "http": {"middlewares": [f"{INGRESS_NAMESPACE}-{name}@kubernetescrd" for name in _LIMITS]},
            },
        },
        "extraObjects": [_limit(name, spec) for name, spec in _LIMITS.items()],
        "tlsOptions": {"default": {"minVersion": "VersionTLS12"}},
        "service": _service(front.balancer),
        "accessLog": {
            "enabled": True,
            "format": "json",
            # No header is logged by default. What follows a question mark can be a token too.
            "fields": {"names": {"RequestLine": "drop"}, "queryParameters": {"defaultMode": "drop"}},
        },
        "metrics": {
            "prometheus": {
                "service": {"enabled": True},
                "disableAPICheck": True,
                "serviceMonitor": {"enabled": front.monitoring},
            }
        },
    }
    if front.wildcard:
        values["tlsStore"] = {"default": {"defaultCertificate": {"secretName": WILDCARD_SECRET}}}
    return values


def ingress_nginx(front: Front) -> IngressNginxValues:
    """Return the values of ingress-nginx's chart."""
    controller: Controller = {
        "replicaCount": front.replicas,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "topologySpreadConstraints": _spread(
            {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}
        ),
        "priorityClassName": PRIORITY_CLASS,
        "tolerations": pools.tolerations(),
        "affinity": pools.affinity(),
        "resources": resources("100m", "128Mi", "1Gi"),
        "config": {
            "ssl-protocols": "TLSv1.2 TLSv1.3",
            "log-format-escape-json": "true",
            "log-format-upstream": _NGINX_LOG,
            # Its parser of annotations is where most of its holes were.
            "annotations-risk-level": "High",
        },
        "metrics": {"enabled": True, "serviceMonitor": {"enabled": front.monitoring}},
        "service": {
            "annotations": dict(front.balancer),
            "ipFamilyPolicy": FAMILIES,
            "externalTrafficPolicy": "Local",
        },
    }
    if front.wildcard:
        controller["extraArgs"] = {"default-ssl-certificate": f"{INGRESS_NAMESPACE}/{WILDCARD_SECRET}"}
    return {
        "global": {"image": {"registry": front.images.registry("registry.k8s.io")}},
        "controller": controller,
    }


def _service(annotations: Mapping[str, str]) -> Service:
    return {
        "annotations": dict(annotations),
        # The policy keeps the client's address, and spares a hop.
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ipFamilyPolicy": FAMILIES,
        },
    }


def _limit(name: str, spec: Limit) -> Middleware:
    """Return an object by which Traefik knows a limit."""
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": name, "namespace": INGRESS_NAMESPACE},
        "spec": spec,
    }


def _spread(selected: Mapping[str, str]) -> list[Spread]:
    """Return that pods are spread over nodes and zones as well as it goes."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(selected)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]
