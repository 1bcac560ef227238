"""What the chart kube-prometheus-stack is told, with the charts that it brings along.

The keys are documented in ``charts/kube-prometheus-stack/values.yaml`` of
https://github.com/prometheus-community/helm-charts, those of kube-state-metrics and of the node exporter in
``charts/kube-state-metrics/values.yaml`` and ``charts/prometheus-node-exporter/values.yaml`` beside it.
"""

from typing import Literal, TypedDict

from infra.platform.chart_values.grafana import GrafanaValues
from infra.platform.chart_values.shared import First, Placed, Resources, Switch


class Placing(Placed, First, TypedDict):
    """A pod that goes to the platform's nodes if it can, and comes before others."""


class Pod(Placing, TypedDict):
    """Such a pod, with what it may take."""

    resources: Resources


class Rules(TypedDict):
    """The chart's own rules."""

    create: bool


class KubeletMonitor(TypedDict):
    """What of the kubelet is read."""

    probes: bool


class Kubelet(TypedDict):
    """What runs pods, on each node."""

    serviceMonitor: KubeletMonitor


class Reloader(TypedDict):
    """The container beside Prometheus that reads a changed configuration."""

    resources: Resources


class Operator(Pod, TypedDict):
    """What makes Prometheus and Alertmanager of their objects."""

    admissionWebhooks: Switch
    tls: Switch
    prometheusConfigReloader: Reloader


class Storage(TypedDict):
    """How large a volume is."""

    storage: str


class ClaimResources(TypedDict):
    """What a claim asks for."""

    requests: Storage


class ClaimSpec(TypedDict):
    """What a volume has to be."""

    storageClassName: str
    accessModes: list[Literal["ReadWriteOnce"]]
    resources: ClaimResources


class ClaimTemplate(TypedDict):
    """The claim of each pod."""

    spec: ClaimSpec


class Volume(TypedDict):
    """Where a pod keeps its data."""

    volumeClaimTemplate: ClaimTemplate


class PrometheusSpec(Pod, TypedDict):
    """Prometheus."""

    ruleSelectorNilUsesHelmValues: bool
    serviceMonitorSelectorNilUsesHelmValues: bool
    podMonitorSelectorNilUsesHelmValues: bool
    probeSelectorNilUsesHelmValues: bool
    scrapeConfigSelectorNilUsesHelmValues: bool
    retention: str
    retentionSize: str
    storageSpec: Volume


class Prometheus(TypedDict):
    """What is about Prometheus."""

    prometheusSpec: PrometheusSpec


class AlertmanagerSpec(Pod, TypedDict):
    """Alertmanager."""

    replicas: int
    useExistingSecret: bool
    configSecret: str
    storage: Volume
    automountServiceAccountToken: bool


class Alertmanager(TypedDict):
    """What is about Alertmanager."""

    alertmanagerSpec: AlertmanagerSpec


class KubeStateMetrics(Pod, TypedDict):
    """What tells the state of objects."""

    collectors: list[str]
    metricLabelsAllowlist: list[str]


class NodeExporter(First, TypedDict):
    """What tells the state of nodes, on each of them."""

    namespaceOverride: str
    resources: Resources


class Global(TypedDict):
    """What is of no part alone."""

    imageRegistry: str


_WithCharts = TypedDict(
    "_WithCharts",
    {
        "global": Global,
        "kube-state-metrics": KubeStateMetrics,
        "prometheus-node-exporter": NodeExporter,
    },
    total=False,
)


class KubePrometheusStackValues(_WithCharts, TypedDict, total=False):
    """Everything that the chart is told."""

    defaultRules: Rules
    kubeApiServer: Switch
    kubeControllerManager: Switch
    kubeEtcd: Switch
    kubeScheduler: Switch
    kubeProxy: Switch
    coreDns: Switch
    kubelet: Kubelet
    prometheusOperator: Operator
    prometheus: Prometheus
    alertmanager: Alertmanager
    grafana: GrafanaValues
