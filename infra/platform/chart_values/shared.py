"""Shapes that several charts take; most are Kubernetes' own, which a chart hands on as they are."""

from collections.abc import Mapping
from typing import Literal, TypedDict

import pulumi

Labels = Mapping[str, str]
"""Labels of pods or nodes."""

Annotations = Mapping[str, pulumi.Input[str]]
"""Annotations; some are known only once the cloud has made what they name."""


class Switch(TypedDict):
    """What is there or not: a part, a ServiceMonitor, a network policy."""

    enabled: bool


class Replicas(TypedDict):
    """How many pods a part has."""

    replicas: int


class Registry(TypedDict, total=False):
    """Where images come from, their names apart."""

    registry: str


class Repository(TypedDict, total=False):
    """What an image is called, in most charts with its registry."""

    repository: str


class Requests(TypedDict):
    """What a container is promised."""

    cpu: str
    memory: str


class Limits(TypedDict):
    """What a container may take. Of the processor it may take what is left."""

    memory: str


class Resources(TypedDict):
    """What a container is promised, and what it may take."""

    requests: Requests
    limits: Limits


class Toleration(TypedDict, total=False):
    """A taint of nodes that a pod bears. Without a key: every one."""

    key: str
    operator: Literal["Equal", "Exists"]
    value: str
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class LabelRule(TypedDict):
    """What a node's label has to be."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str]


class NodeTerm(TypedDict):
    """Which nodes are meant: those that all rules are true of."""

    matchExpressions: list[LabelRule]


class PreferredNodes(TypedDict):
    """Nodes that a pod would rather have than others."""

    weight: int
    preference: NodeTerm


class NodeAffinity(TypedDict):
    """Which nodes a pod would rather have."""

    preferredDuringSchedulingIgnoredDuringExecution: list[PreferredNodes]


class Affinity(TypedDict):
    """What a pod would rather be near."""

    nodeAffinity: NodeAffinity


class Placed(TypedDict):
    """A pod that goes to the platform's nodes if it can."""

    tolerations: list[Toleration]
    affinity: Affinity


class First(TypedDict):
    """A pod that comes before others where room is short."""

    priorityClassName: str


class Bound(TypedDict):
    """A pod that goes to nodes of one kind and to no others, of the two charts for AWS."""

    nodeSelector: Labels
    tolerations: list[Toleration]
    resources: Resources


class Selector(TypedDict):
    """Which pods are meant."""

    matchLabels: Labels


class Spread(TypedDict):
    """How evenly pods are spread."""

    maxSkew: int
    topologyKey: str
    whenUnsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    labelSelector: Selector
    matchLabelKeys: list[str]


class DisruptionBudget(TypedDict):
    """How many pods may be missing at a time when nodes are renewed."""

    enabled: bool
    maxUnavailable: int


class Capabilities(TypedDict):
    """What of root's power a container has not."""

    drop: list[Literal["ALL"]]


class SeccompProfile(TypedDict):
    """Which calls to the kernel are let through."""

    type: Literal["RuntimeDefault"]


class PodSecurity(TypedDict):
    """Security context of a pod."""

    runAsNonRoot: bool
    runAsUser: int
    runAsGroup: int
    fsGroup: int
    seccompProfile: SeccompProfile


class ContainerSecurity(TypedDict):
    """Security context of a container."""

    allowPrivilegeEscalation: bool
    readOnlyRootFilesystem: bool
    capabilities: Capabilities


class ServiceAccount(TypedDict, total=False):
    """What pods are to the API server, and by its annotations to the cloud."""

    name: str
    annotations: Annotations


class Mount(TypedDict):
    """Where a container finds a volume."""

    name: str
    mountPath: str
