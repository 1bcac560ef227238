"""What Grafana's chart is told, which the chart kube-prometheus-stack brings along.

The keys are documented in ``charts/grafana/README.md`` of https://github.com/grafana-community/helm-charts;
``defaultDashboardsEnabled`` and ``additionalDataSources`` are kube-prometheus-stack's.
"""

from collections.abc import Mapping
from typing import Literal, TypedDict

from infra.platform.chart_values.shared import First, Placed, Resources, Switch

Section = Mapping[str, str | bool]
"""A section of Grafana's configuration. Its words are those of Grafana's version, not of the chart's."""

_WithIni = TypedDict("_WithIni", {"grafana.ini": Mapping[str, Section]}, total=False)


class Image(TypedDict):
    """Grafana's image."""

    tag: str


class Admin(TypedDict):
    """The administrator, by a Secret and its keys."""

    existingSecret: str
    userKey: str
    passwordKey: str


class Rights(TypedDict):
    """What Grafana may do."""

    namespaced: bool


class Persistence(TypedDict):
    """The volume."""

    enabled: bool
    storageClassName: str
    size: str


class Strategy(TypedDict):
    """How a new pod takes an old one's place."""

    type: Literal["Recreate", "RollingUpdate"]


class Dashboards(TypedDict):
    """Where dashboards are looked for."""

    searchNamespace: str


class Sidecar(TypedDict):
    """What brings dashboards."""

    dashboards: Dashboards
    resources: Resources


class DataSource(TypedDict):
    """Whom dashboards can ask, besides Prometheus and Alertmanager."""

    name: str
    uid: str
    type: str
    access: Literal["proxy", "direct"]
    url: str


class SecretMount(TypedDict):
    """A folder with the values of a Secret as files."""

    name: str
    secretName: str
    mountPath: str
    defaultMode: int
    readOnly: bool


class GrafanaValues(_WithIni, Placed, First, TypedDict, total=False):
    """Everything that the chart is told."""

    image: Image
    admin: Admin
    defaultDashboardsEnabled: bool
    initChownData: Switch
    rbac: Rights
    testFramework: Switch
    persistence: Persistence
    deploymentStrategy: Strategy
    sidecar: Sidecar
    resources: Resources
    additionalDataSources: list[DataSource]
    extraSecretMounts: list[SecretMount]
