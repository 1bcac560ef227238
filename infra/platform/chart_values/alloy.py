"""What Alloy's chart is told.

The keys are documented in ``operations/helm/charts/alloy/README.md`` of https://github.com/grafana/alloy.
"""

from typing import Literal, TypedDict

from infra.platform.chart_values.shared import (
    Annotations,
    ContainerSecurity,
    First,
    Mount,
    Registry,
    Resources,
    SeccompProfile,
    Switch,
    Toleration,
)


class Definitions(TypedDict):
    """Alloy's kinds of objects."""

    create: bool


class ConfigMap(TypedDict):
    """Where the agent's own configuration is."""

    create: bool
    name: str
    key: str


class Mounts(TypedDict):
    """What of the node the agent sees."""

    varlog: bool
    extra: list[Mount]


class AgentSecurity(ContainerSecurity, TypedDict):
    """Security context of the agent, which is root."""

    runAsUser: int
    runAsGroup: int
    seccompProfile: SeccompProfile


class Agent(TypedDict):
    """The agent's container."""

    configMap: ConfigMap
    enableReporting: bool
    storagePath: str
    mounts: Mounts
    securityContext: AgentSecurity
    resources: Resources


class HostPath(TypedDict):
    """A folder of the node."""

    path: str
    type: Literal["Directory", "DirectoryOrCreate"]


class Volume(TypedDict):
    """A volume that is a folder of the node."""

    name: str
    hostPath: HostPath


class Volumes(TypedDict):
    """Volumes besides the chart's own."""

    extra: list[Volume]


class Controller(First, TypedDict):
    """What makes the pods."""

    type: Literal["daemonset", "deployment", "statefulset"]
    podAnnotations: Annotations
    tolerations: list[Toleration]
    volumes: Volumes


class Rule(TypedDict):
    """What may be done with which kinds of objects."""

    apiGroups: list[str]
    resources: list[str]
    verbs: list[str]


class Rights(TypedDict):
    """What the agent may do: of objects in namespaces, and of those in none."""

    rules: list[Rule]
    clusterRules: list[Rule]


class Global(TypedDict):
    """What is of no part alone."""

    image: Registry


_WithGlobal = TypedDict("_WithGlobal", {"global": Global}, total=False)


class AlloyValues(_WithGlobal, TypedDict, total=False):
    """Everything that the chart is told."""

    fullnameOverride: str
    crds: Definitions
    alloy: Agent
    configReloader: Switch
    controller: Controller
    rbac: Rights
    serviceMonitor: Switch
