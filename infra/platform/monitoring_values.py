"""What the chart kube-prometheus-stack is told: only what differs from its own values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.clusters import pools
from infra.images import load_images
from infra.names import MONITORING_NAMESPACE, NODE_EXPORTER_NAMESPACE, PLATFORM_PRIORITY
from infra.platform.alertmanager import CONFIG_SECRET
from infra.platform.chart import resources
from infra.platform.monitoring_settings import SIGN_ON_SECRET
from tenants.quantities import mebibytes

if TYPE_CHECKING:
    from infra.images import ImageSource
    from infra.platform.chart_values.grafana import GrafanaValues, Section
    from infra.platform.chart_values.kube_prometheus_stack import (
        AlertmanagerSpec,
        KubePrometheusStackValues,
        Placing,
        PrometheusSpec,
        Volume,
    )
    from infra.platform.chart_values.shared import Switch
    from infra.platform.monitoring_settings import MonitoringSettings, SignOnSettings

GRAFANA_HOST: Final = "grafana"
"""Grafana's name below the stack's domain."""

GRAFANA_SECRET: Final = "grafana-admin"  # noqa: S105 - a Secret's name
SIGN_ON_FOLDER: Final = "/etc/secrets/sign-on"
DASHBOARD_LABEL: Final = "grafana_dashboard"
"""Label of the ConfigMaps that Grafana's sidecar takes dashboards from; its value is ``1``."""

ALERTMANAGER_STORAGE: Final = "1Gi"
"""Silences, and which alerts were told already."""

NAMESPACE_LABELS: Final = ("iotistic.io/tenant", "iotistic.io/plan")
"""Labels of namespaces that become labels of ``kube_namespace_labels``: the fleet's rules read them."""

STATE_OF: Final = ("cronjobs", "deployments", "namespaces", "nodes", "pods", "resourcequotas", "statefulsets")
"""Kinds whose state is told: those that rules ask for. Secrets, a default, are not among them."""

_FILLED: Final = 0.85
"""Part of the volume that blocks may fill; the rest is for the log they are made from."""

_PLACED: Final[Placing] = {**pools.of_the_platform(), "priorityClassName": PLATFORM_PRIORITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the values are made from.

    Attributes:
        settings: What the stack chose.
        domain: The customers' domain.
        storage_class: StorageClass of the volumes.
        images: Where images come from.
        logs: Address of the store of all logs, if there is one.
    """

    settings: MonitoringSettings
    domain: str
    storage_class: str
    images: ImageSource
    logs: str | None = None

    @property
    def host(self) -> str:
        """Where people find Grafana."""
        return f"{GRAFANA_HOST}.{self.domain}"


def values(watch: Watch) -> KubePrometheusStackValues:
    """Return the chart's values. No secret is among them, only the names of Secrets."""
    off: Switch = {"enabled": False}
    told: KubePrometheusStackValues = {
        # The rules and dashboards are this program's own: each alert has its runbook, each query its test.
        "defaultRules": {"create": False},
        # Clouds keep the control plane to themselves, and no rule or dashboard asks for any of these.
        "kubeApiServer": off,
        "kubeControllerManager": off,
        "kubeEtcd": off,
        "kubeScheduler": off,
        "kubeProxy": off,
        "coreDns": off,
        "kubelet": {"serviceMonitor": {"probes": False}},
        "prometheusOperator": {
            # Rules are checked before they come here, and no certificate has to be kept for a webhook.
            "admissionWebhooks": off,
            "tls": off,
            "prometheusConfigReloader": {"resources": resources("10m", "32Mi", "128Mi")},
            **_PLACED,
            "resources": resources("50m", "128Mi", "512Mi"),
        },
        "prometheus": {"prometheusSpec": _prometheus(watch)},
        "alertmanager": {"alertmanagerSpec": _alertmanager(watch)},
        "kube-state-metrics": {
            "collectors": list(STATE_OF),
            "metricLabelsAllowlist": [f"namespaces=[{','.join(NAMESPACE_LABELS)}]"],
            **_PLACED,
            "resources": resources("50m", "128Mi", "1Gi"),
        },
        "prometheus-node-exporter": {
            "namespaceOverride": NODE_EXPORTER_NAMESPACE,
            "priorityClassName": PLATFORM_PRIORITY,
            "resources": resources("20m", "32Mi", "128Mi"),
        },
        "grafana": _grafana(watch),
    }
    if watch.images.mirror is not None:
        told["global"] = {"imageRegistry": watch.images.mirror}
    return told


def _prometheus(watch: Watch) -> PrometheusSpec:
    return {
        # Whatever release made them: the customers' and the platform's own are of none.
        "ruleSelectorNilUsesHelmValues": False,
        "serviceMonitorSelectorNilUsesHelmValues": False,
        "podMonitorSelectorNilUsesHelmValues": False,
        "probeSelectorNilUsesHelmValues": False,
        "scrapeConfigSelectorNilUsesHelmValues": False,
        "retention": f"{watch.settings.retention_days}d",
        # Whichever comes first: a volume that is full would stop it.
        "retentionSize": f"{int(mebibytes(watch.settings.storage) * _FILLED)}MiB",
        "storageSpec": _volume(watch, watch.settings.storage),
        **_PLACED,
        "resources": resources("500m", "2Gi", "8Gi"),
    }


def _alertmanager(watch: Watch) -> AlertmanagerSpec:
    return {
        # One is enough to tell; the second is there while a node is renewed.
        "replicas": 2,
        "useExistingSecret": True,
        "configSecret": CONFIG_SECRET,
        "storage": _volume(watch, ALERTMANAGER_STORAGE),
        # It asks nothing of the cluster.
        "automountServiceAccountToken": False,
        **_PLACED,
        "resources": resources("20m", "64Mi", "256Mi"),
    }


def _volume(watch: Watch, size: str) -> Volume:
    return {
        "volumeClaimTemplate": {
            "spec": {
                "storageClassName": watch.storage_class,
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": size}},
            }
        }
    }


def _grafana(watch: Watch) -> GrafanaValues:
    settings = watch.settings
    config: dict[str, Section] = {
        "server": {"root_url": f"https://{watch.host}"},
        "analytics": {
            "reporting_enabled": False,
            "check_for_updates": False,
            "check_for_plugin_updates": False,
        },
        "security": {"cookie_secure": True, "disable_gravatar": True},
        "users": {"allow_sign_up": False},
        "dashboards": {"min_refresh_interval": "30s"},
    }
    told: GrafanaValues = {
        "image": {"tag": load_images().grafana.version},
        "admin": {"existingSecret": GRAFANA_SECRET, "userKey": "user", "passwordKey": "password"},
        "defaultDashboardsEnabled": False,
        # It would run as root, to own what belongs to Grafana already.
        "initChownData": {"enabled": False},
        "rbac": {"namespaced": True},
        "testFramework": {"enabled": False},
        "persistence": {
            "enabled": True,
            "storageClassName": watch.storage_class,
            "size": settings.grafana_storage,
        },
        # Its volume can be at one node only.
        "deploymentStrategy": {"type": "Recreate"},
        "tolerations": pools.tolerations(),
        "affinity": pools.affinity(),
        "priorityClassName": PLATFORM_PRIORITY,
        "sidecar": {
            "dashboards": {"searchNamespace": MONITORING_NAMESPACE},
            "resources": resources("10m", "64Mi", "128Mi"),
        },
        "resources": resources("100m", "256Mi", "1Gi"),
    }
    if watch.logs is not None:
        told["additionalDataSources"] = [
            {"name": "Loki", "uid": "loki", "type": "loki", "access": "proxy", "url": watch.logs}
        ]
    if settings.sign_on is not None:
        config["auth"] = {"disable_login_form": False, "oauth_allow_insecure_email_lookup": False}
        config["auth.generic_oauth"] = _sign_on(settings.sign_on)
        told["extraSecretMounts"] = [
            {
                "name": SIGN_ON_SECRET,
                "secretName": GRAFANA_SECRET,
                "mountPath": SIGN_ON_FOLDER,
                "defaultMode": 0o440,
                "readOnly": True,
            }
        ]
    told["grafana.ini"] = config
    return told


def _sign_on(chosen: SignOnSettings) -> Section:
    return {
        "enabled": True,
        "name": chosen.title,
        "client_id": chosen.client_id,
        "client_secret": f"$__file{{{SIGN_ON_FOLDER}/{SIGN_ON_SECRET}}}",
        "auth_url": chosen.auth_url,
        "token_url": chosen.token_url,
        "api_url": chosen.api_url,
        "scopes": chosen.scopes,
        "use_pkce": True,
        "allow_sign_up": True,
        "allowed_domains": " ".join(sorted(chosen.domains)),
        "role_attribute_path": chosen.role or "'Viewer'",
        # Who has no role there gets in here with none.
        "role_attribute_strict": True,
    }
