"""Who is told of which alert: Alertmanager's configuration, made from the stack's receivers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.customer.monitoring import AT_REST
from infra.names import MONITORING_NAMESPACE, platform_labels
from infra.platform.monitoring_settings import (
    EmailReceiver,
    PagerDutyReceiver,
    SlackReceiver,
    WebhookReceiver,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.component import Manifest
    from infra.platform.monitoring_settings import AnyReceiver

APP: Final = "alertmanager"
CONFIG_SECRET: Final = "alertmanager-config"  # noqa: S105 - a Secret's name
CONFIG_FILE: Final = "alertmanager.yaml"
"""What the Prometheus operator wants the file to be called."""

NOBODY: Final = "nobody"
"""Receiver of what nobody asked for."""

HEARTBEAT: Final = "Watchdog"
"""The alert that always fires (``infra/platform/monitoring_cluster.py``)."""

CAUSES: Final = {
    "FleetManyTenantsDown": ("TenantApiNotReady", "TenantDatabaseDown", "TenantBrokerDown"),
    "FleetBackupsStale": ("TenantBackupMissing",),
}
"""Alerts of the platform, with the customers' alerts that say the same a thousand times."""

_SUMMARIES: Final = "{{ range .Alerts }}{{ .Annotations.summary }} ({{ .Annotations.runbook }})\n{{ end }}"
_TITLE: Final = "{{ .Status | toUpper }} {{ .CommonLabels.alertname }} {{ .CommonLabels.tenant }}"


def configuration(receivers: Sequence[AnyReceiver], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return Alertmanager's configuration. It holds the secrets, so it belongs into a Secret.

    Args:
        receivers: Who is told, each by a name of its own.
        secrets: Their secrets by name.
    """
    return {
        "route": {
            "receiver": NOBODY,
            # One message for each kind of fault and customer, however many pods it has.
            "group_by": ["alertname", "tenant"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [_route(receiver) for receiver in receivers],
        },
        "inhibit_rules": list(_inhibitions()),
        "receivers": [{"name": NOBODY}, *(_receiver(it, secrets.get(it.name, "")) for it in receivers)],
    }


def manifest(environment: str, receivers: Sequence[AnyReceiver], secrets: Mapping[str, str]) -> Manifest:
    """Return the Secret that Alertmanager reads its configuration from.

    Args:
        environment: The environment's name, for labels.
        receivers: Who is told.
        secrets: Their secrets by name.
    """
    # JSON is YAML, which is what Alertmanager reads.
    text = json.dumps(configuration(receivers, secrets), indent=1, sort_keys=True) + "\n"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": CONFIG_SECRET,
            "namespace": MONITORING_NAMESPACE,
            "labels": platform_labels(APP, environment),
        },
        "type": "Opaque",
        "stringData": {CONFIG_FILE: text},
    }


def _route(receiver: AnyReceiver) -> dict[str, Any]:
    if isinstance(receiver, WebhookReceiver) and receiver.heartbeat:
        return {
            "receiver": receiver.name,
            "matchers": [f'alertname="{HEARTBEAT}"'],
            "group_interval": "1m",
            "repeat_interval": "5m",
            "continue": True,
        }
    wanted = {"severity": receiver.severities, "tenant": receiver.tenants, "plan": receiver.plans}
    return {
        "receiver": receiver.name,
        "matchers": [f'{label}=~"{_any_of(values)}"' for label, values in wanted.items() if values],
        # The next one may want the same alert.
        "continue": True,
    }


def _any_of(values: Iterable[str]) -> str:
    """Return the pattern that exactly these values match: none has a character that means something else."""
    return "|".join(sorted(values))


def _inhibitions() -> Iterable[dict[str, Any]]:
    """Yield which alerts are silent because of another one."""
    # Who is suspended is not served, and nobody mends it.
    yield {
        "source_matchers": [f'alertname="{AT_REST}"'],
        "target_matchers": ['severity=~"critical|warning"', 'tenant!=""'],
        "equal": ["tenant"],
    }
    for cause, effects in CAUSES.items():
        yield {
            "source_matchers": [f'alertname="{cause}"'],
            "target_matchers": [f'alertname=~"{_any_of(effects)}"'],
        }


def _receiver(receiver: AnyReceiver, secret: str) -> dict[str, Any]:
    kind, told = _way(receiver, secret)
    return {"name": receiver.name, kind: [{"send_resolved": True, **told}]}


def _way(receiver: AnyReceiver, secret: str) -> tuple[str, dict[str, Any]]:
    """Return the key of a receiver's kind, and what it is told there."""
    match receiver:
        case EmailReceiver():
            log_in = {"auth_username": receiver.user, "auth_password": secret} if receiver.user else {}
            return (
                "email_configs",
                {
                    "to": receiver.to,
                    "from": receiver.sender,
                    "smarthost": f"{receiver.host}:{receiver.port}",
                    "require_tls": True,
                    "headers": {"Subject": _TITLE},
                    **log_in,
                },
            )
        case SlackReceiver():
            return (
                "slack_configs",
                {"api_url": secret, "channel": receiver.channel, "title": _TITLE, "text": _SUMMARIES},
            )
        case PagerDutyReceiver():
            return (
                "pagerduty_configs",
                {
                    "routing_key": secret,
                    "severity": "{{ .CommonLabels.severity }}",
                    "description": _TITLE,
                    "details": {"summary": _SUMMARIES},
                },
            )
        case WebhookReceiver():
            return "webhook_configs", {"url": secret}
