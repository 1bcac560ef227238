"""What Velero's chart is told.

The keys are documented in ``charts/velero/values.yaml`` of https://github.com/vmware-tanzu/helm-charts,
places and schedules in Velero's reference of its kinds of objects.
"""

from collections.abc import Mapping
from typing import Literal, Never, NotRequired, TypedDict

from infra.platform.chart_values.shared import (
    ContainerSecurity,
    First,
    Labels,
    Mount,
    Placed,
    PodSecurity,
    Repository,
    Resources,
    ServiceAccount,
)


class InitContainer(TypedDict):
    """What brings a plugin before Velero starts."""

    name: str
    image: str
    securityContext: ContainerSecurity
    resources: Resources
    volumeMounts: list[Mount]


class ServiceAccounts(TypedDict):
    """The service accounts, by whose they are."""

    server: ServiceAccount


class Rights(TypedDict):
    """What Velero may do, by the name of a role."""

    clusterAdministratorName: str


class SecretContents(TypedDict):
    """The files that Velero is given to know the cloud by."""

    cloud: str


class Credentials(TypedDict):
    """How Velero is known to the cloud."""

    useSecret: bool
    secretContents: NotRequired[SecretContents]


class BackupLocation(TypedDict):
    """Where copies go. What a plugin has to be told is the plugin's own."""

    name: str
    provider: str
    bucket: str
    prefix: NotRequired[str]
    default: bool
    config: Mapping[str, str]


class Configuration(TypedDict):
    """What Velero itself is told. It makes no snapshots, so it is given no place for them."""

    features: Literal["EnableCSI"]
    backupStorageLocation: list[BackupLocation]
    volumeSnapshotLocation: list[Never]


class ServiceMonitor(TypedDict):
    """The ServiceMonitor, and whether the chart asks the cluster for its kind first."""

    autodetect: bool
    enabled: bool


class Detected(TypedDict):
    """An object, and whether the chart asks the cluster for its kind first."""

    autodetect: bool


class Metrics(TypedDict):
    """Velero's metrics."""

    serviceMonitor: ServiceMonitor
    nodeAgentPodMonitor: Detected
    prometheusRule: Detected


class Template(TypedDict):
    """What a copy is of, and how long it is kept."""

    ttl: str
    includedNamespaces: list[str]
    snapshotVolumes: bool


class Schedule(TypedDict):
    """When a copy is made, and of what."""

    schedule: str
    template: Template


class VeleroValues(Placed, First, TypedDict, total=False):
    """Everything that the chart is told."""

    image: Repository
    initContainers: list[InitContainer]
    podLabels: Labels
    podSecurityContext: PodSecurity
    containerSecurityContext: ContainerSecurity
    resources: Resources
    upgradeJobResources: Resources
    serviceAccount: ServiceAccounts
    rbac: Rights
    credentials: Credentials
    configuration: Configuration
    snapshotsEnabled: bool
    metrics: Metrics
    schedules: Mapping[str, Schedule]
