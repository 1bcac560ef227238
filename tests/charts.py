"""What the charts make, as a cluster showed it at the versions of docs/reference/charts.md.

No chart can be had where only package registries answer, so what this project's own objects say of
their pods - labels, ports, accounts - is held against this table. A new version of a chart is looked
at anew: ``helm template`` with the values of ``tests/golden/platform/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.traefik_chart import facts

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A kind of pod that a chart, or the operator that it brings, makes.

    Attributes:
        namespace: Where.
        name: Its label ``app.kubernetes.io/name``.
        account: Its service account.
        ports: Where it listens, by TCP.
        metrics: Those of them where it tells metrics.
        priority: Where the values say its priority class; empty where the chart chooses a higher one.
    """

    namespace: str
    name: str
    account: str
    ports: frozenset[int]
    metrics: frozenset[int] = frozenset()
    priority: Sequence[str] = ()


_STACK = "kube-prometheus-stack"

PODS: Final[dict[str, tuple[Pod, ...]]] = {
    "traefik": (
        Pod(
            namespace="ingress",
            name="traefik",
            account="traefik",
            ports=frozenset(facts().container_ports.values()),
            metrics=frozenset({9100}),
            priority=("priorityClassName",),
        ),
    ),
    "ingress-nginx": (
        Pod(
            namespace="ingress",
            name="ingress-nginx",
            account="ingress-nginx",
            ports=frozenset({80, 443, 8443, 10254}),
            metrics=frozenset({10254}),
            priority=("controller", "priorityClassName"),
        ),
    ),
    "cert-manager": (
        Pod(
            namespace="cert-manager",
            name="cert-manager",
            account="cert-manager",
            ports=frozenset({9402, 9403}),
            metrics=frozenset({9402}),
            priority=("global", "priorityClassName"),
        ),
        Pod(
            namespace="cert-manager",
            name="cainjector",
            account="cert-manager-cainjector",
            ports=frozenset({9402}),
            metrics=frozenset({9402}),
            priority=("global", "priorityClassName"),
        ),
        Pod(
            namespace="cert-manager",
            name="webhook",
            account="cert-manager-webhook",
            ports=frozenset({6080, 9402, 10250}),
            metrics=frozenset({9402}),
            priority=("global", "priorityClassName"),
        ),
    ),
    "cluster-autoscaler": (
        Pod(
            namespace="kube-system",
            name="aws-cluster-autoscaler",
            account="cluster-autoscaler",
            ports=frozenset({8085}),
        ),
    ),
    "aws-load-balancer-controller": (
        Pod(
            namespace="kube-system",
            name="aws-load-balancer-controller",
            account="aws-load-balancer-controller",
            ports=frozenset({8080, 9443}),
        ),
    ),
    _STACK: (
        Pod(
            namespace="monitoring",
            name="grafana",
            account=f"{_STACK}-grafana",
            ports=frozenset({3000, 6060, 9094}),
            metrics=frozenset({3000}),
            priority=("grafana", "priorityClassName"),
        ),
        Pod(
            namespace="monitoring",
            name="kube-state-metrics",
            account=f"{_STACK}-kube-state-metrics",
            ports=frozenset({8080, 8081}),
            metrics=frozenset({8080}),
            priority=("kube-state-metrics", "priorityClassName"),
        ),
        Pod(
            namespace="monitoring",
            name=f"{_STACK}-prometheus-operator",
            account=f"{_STACK}-operator",
            ports=frozenset({8080}),
            metrics=frozenset({8080}),
            priority=("prometheusOperator", "priorityClassName"),
        ),
        # These two the operator makes, from what the chart tells it.
        Pod(
            namespace="monitoring",
            name="prometheus",
            account=f"{_STACK}-prometheus",
            ports=frozenset({8080, 9090}),
            metrics=frozenset({8080, 9090}),
            priority=("prometheus", "prometheusSpec", "priorityClassName"),
        ),
        Pod(
            namespace="monitoring",
            name="alertmanager",
            account=f"{_STACK}-alertmanager",
            ports=frozenset({8080, 9093, 9094}),
            metrics=frozenset({8080, 9093}),
            priority=("alertmanager", "alertmanagerSpec", "priorityClassName"),
        ),
        Pod(
            namespace="node-exporter",
            name="prometheus-node-exporter",
            account=f"{_STACK}-prometheus-node-exporter",
            ports=frozenset({9100}),
            metrics=frozenset({9100}),
            priority=("prometheus-node-exporter", "priorityClassName"),
        ),
    ),
    "loki": (
        Pod(
            namespace="logging",
            name="loki",
            account="loki",
            ports=frozenset({3100, 7946, 9095}),
            metrics=frozenset({3100}),
            priority=("global", "priorityClassName"),
        ),
    ),
    "alloy": (
        Pod(
            namespace="log-agent",
            name="alloy",
            account="alloy",
            ports=frozenset({12345}),
            metrics=frozenset({12345}),
            priority=("controller", "priorityClassName"),
        ),
    ),
    "velero": (
        Pod(
            namespace="velero",
            name="velero",
            account="velero",
            ports=frozenset({8085}),
            metrics=frozenset({8085}),
            priority=("priorityClassName",),
        ),
    ),
}
"""Everything that stays, by the chart. What runs once is not here: it is reached by nobody."""

SERVICES: Final = {
    (_STACK, "monitoring", f"{_STACK}-grafana", 80),
    (_STACK, "monitoring", f"{_STACK}-prometheus", 9090),
    (_STACK, "monitoring", f"{_STACK}-alertmanager", 9093),
    ("loki", "logging", "loki", 3100),
}
"""Services of the charts that something of this project asks: chart, namespace, name, port."""
