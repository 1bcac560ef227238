"""What ingress-nginx's chart is told.

The keys are documented in ``charts/ingress-nginx/README.md`` of https://github.com/kubernetes/ingress-nginx;
those of the controller's ConfigMap and arguments in its user guide.
"""

from typing import Literal, TypedDict

from infra.platform.chart_values.shared import (
    Annotations,
    First,
    Placed,
    Registry,
    Resources,
    Spread,
    Switch,
)

Config = TypedDict(
    "Config",
    {
        "ssl-protocols": str,
        "log-format-escape-json": Literal["true", "false"],
        "log-format-upstream": str,
        "annotations-risk-level": Literal["Critical", "High", "Medium", "Low"],
    },
)
"""The controller's ConfigMap, which holds nothing but texts."""

ExtraArgs = TypedDict("ExtraArgs", {"default-ssl-certificate": str})
"""Arguments of the controller."""


class Metrics(TypedDict):
    """The controller's metrics."""

    enabled: bool
    serviceMonitor: Switch


class Service(TypedDict):
    """What people reach."""

    annotations: Annotations
    ipFamilyPolicy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"]
    externalTrafficPolicy: Literal["Cluster", "Local"]


class Controller(Placed, First, TypedDict, total=False):
    """The controller's pods."""

    replicaCount: int
    unhealthyPodEvictionPolicy: Literal["IfHealthyBudget", "AlwaysAllow"]
    topologySpreadConstraints: list[Spread]
    resources: Resources
    config: Config
    extraArgs: ExtraArgs
    metrics: Metrics
    service: Service


class Global(TypedDict):
    """What is of no part alone."""

    image: Registry


_WithGlobal = TypedDict("_WithGlobal", {"global": Global}, total=False)


class IngressNginxValues(_WithGlobal, TypedDict, total=False):
    """Everything that the chart is told."""

    controller: Controller
