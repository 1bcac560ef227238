"""What Loki's chart is told.

The keys are documented in ``charts/loki/values.yaml`` of https://github.com/grafana-community/helm-charts;
those with underscores, which are Loki's own, in its reference of its configuration.
"""

from collections.abc import Mapping
from typing import Literal, TypedDict

from infra.clusters.objects import ObjectKind
from infra.platform.chart_values.shared import (
    First,
    Labels,
    Placed,
    Replicas,
    Resources,
    ServiceAccount,
    Switch,
)

StoreKind = Literal["filesystem"] | ObjectKind
"""What logs are kept in: the pod's own volume, or objects."""


class Analytics(TypedDict):
    """What Loki tells its makers."""

    reporting_enabled: bool


class Common(TypedDict):
    """What all of Loki's parts are told."""

    replication_factor: int


class BucketNames(TypedDict):
    """Buckets by what is kept in them."""

    chunks: str
    ruler: str


class ObjectStore(TypedDict, total=False):
    """Where objects are. What has to be told of an interface is the cloud's own."""

    type: ObjectKind
    storage_prefix: str
    azure: Mapping[str, str]
    s3: Mapping[str, str]
    gcs: Mapping[str, str]


class Storage(TypedDict, total=False):
    """Where logs are kept."""

    type: Literal["filesystem"]
    bucketNames: BucketNames
    use_thanos_objstore: bool
    object_store: ObjectStore


class Index(TypedDict):
    """How the index is divided."""

    prefix: str
    period: Literal["24h"]


_From = TypedDict("_From", {"from": str})


class Schema(_From, TypedDict):
    """How logs are stored from a day on."""

    store: Literal["tsdb"]
    object_store: StoreKind
    schema: Literal["v13"]
    index: Index


class SchemaConfig(TypedDict):
    """How logs are stored, since when."""

    configs: list[Schema]


class Retention(TypedDict):
    """How long some streams are kept."""

    selector: str
    priority: int
    period: str


class LogLimits(TypedDict):
    """What the store takes, and for how long."""

    retention_period: str
    retention_stream: list[Retention]
    max_label_names_per_series: int
    max_line_size_truncate: bool
    per_stream_rate_limit: str
    per_stream_rate_limit_burst: str
    ingestion_rate_mb: int
    ingestion_burst_size_mb: int


class Folder(TypedDict):
    """A folder of the pod."""

    directory: str


class RulerStorage(TypedDict):
    """Where rules come from."""

    type: Literal["local"]
    local: Folder


class Ruler(TypedDict):
    """Who asks rules of logs."""

    storage: RulerStorage


class Compactor(TypedDict):
    """Who deletes what is too old."""

    working_directory: str
    retention_enabled: bool
    delete_request_store: StoreKind


class Loki(TypedDict, total=False):
    """Loki's own configuration, and what is true of all its pods."""

    auth_enabled: bool
    analytics: Analytics
    commonConfig: Common
    storage: Storage
    schemaConfig: SchemaConfig
    limits_config: LogLimits
    rulerConfig: Ruler
    compactor: Compactor
    podLabels: Labels


class Persistence(TypedDict):
    """The volume."""

    enabled: bool
    storageClass: str
    size: str


class SingleBinary(Placed, TypedDict):
    """The one process that is everything."""

    replicas: int
    persistence: Persistence
    resources: Resources


class Sidecar(TypedDict):
    """What looks for rules in ConfigMaps."""

    rules: Switch


class Rights(TypedDict):
    """What Loki may do."""

    namespaced: bool


class Pods(TypedDict):
    """What is true of every pod."""

    automountServiceAccountToken: bool


class Monitoring(TypedDict):
    """What watches Loki."""

    serviceMonitor: Switch


class Global(First, TypedDict, total=False):
    """What is of no part alone."""

    imageRegistry: str


_WithGlobal = TypedDict("_WithGlobal", {"global": Global}, total=False)


class LokiValues(_WithGlobal, TypedDict, total=False):
    """Everything that the chart is told."""

    fullnameOverride: str
    deploymentMode: Literal["Monolithic", "SimpleScalable", "Distributed"]
    loki: Loki
    singleBinary: SingleBinary
    read: Replicas
    write: Replicas
    backend: Replicas
    gateway: Switch
    chunksCache: Switch
    resultsCache: Switch
    lokiCanary: Switch
    test: Switch
    ruler: Switch
    minio: Switch
    sidecar: Sidecar
    rbac: Rights
    serviceAccount: ServiceAccount
    defaults: Pods
    monitoring: Monitoring
