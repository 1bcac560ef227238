"""What the cluster autoscaler's chart is told.

The keys are documented in ``cluster-autoscaler/charts/cluster-autoscaler/README.md`` of
https://github.com/kubernetes/autoscaler, the arguments in the autoscaler's FAQ.
"""

from typing import TypedDict

from infra.platform.chart_values.shared import (
    Bound,
    ContainerSecurity,
    PodSecurity,
    Repository,
    ServiceAccount,
)

ExtraArgs = TypedDict("ExtraArgs", {"balance-similar-node-groups": bool, "skip-nodes-with-system-pods": bool})
"""Arguments of the autoscaler."""


class AutoDiscovery(TypedDict):
    """How it knows the groups of nodes that are its own."""

    clusterName: str


class Rights(TypedDict):
    """Who it is to the API server."""

    serviceAccount: ServiceAccount


class ClusterAutoscalerValues(Bound, TypedDict, total=False):
    """Everything that the chart is told. The ``securityContext`` is the pod's."""

    fullnameOverride: str
    image: Repository
    autoDiscovery: AutoDiscovery
    awsRegion: str
    rbac: Rights
    extraArgs: ExtraArgs
    securityContext: PodSecurity
    containerSecurityContext: ContainerSecurity
