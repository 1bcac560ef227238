"""Configurations of the monitoring stack, and all that its rules and dashboards ask for, for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.customer.monitoring import rule_groups
from infra.images import ImageSource
from infra.platform import monitoring
from infra.platform.dashboards import dashboards
from infra.platform.monitoring_settings import MonitoringSettings
from infra.platform.monitoring_values import Watch
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from infra.platform.monitoring_rules import Rule

RECEIVERS: Final[list[dict[str, Any]]] = [
    {"kind": "pagerduty", "name": "night", "severities": ["critical"]},
    {"kind": "slack", "name": "ops", "channel": "#ops"},
    {
        "kind": "email",
        "name": "mail",
        "to": "ops@example.com",
        "sender": "alerts@example.com",
        "host": "smtp.example.com",
        "user": "alerts",
        "severities": ["warning"],
    },
    {"kind": "webhook", "name": "acme-care", "tenants": ["acme", "globex"]},
    {"kind": "webhook", "name": "enterprise-care", "plans": ["enterprise"], "severities": ["critical"]},
    {"kind": "webhook", "name": "pulse", "heartbeat": True},
]
"""A receiver of each kind."""

SIGN_ON: Final = {
    "clientId": "grafana",
    "authUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "apiUrl": "https://login.example.com/userinfo",
    "domains": ["example.com"],
    "role": "contains(groups[*], 'ops') && 'Admin' || 'Viewer'",
}

SECRETS: Final = {
    "night": "0123456789abcdef0123456789abcdef",
    "ops": "https://hooks.example.com/services/secret-of-ops",
    "mail": "secret-of-mail",
    "acme-care": "https://hooks.example.com/secret-of-acme",
    "enterprise-care": "https://hooks.example.com/secret-of-enterprise",
    "pulse": "https://pulse.example.com/secret-of-pulse",
    "sign-on": "secret-of-sign-on",
}


def stack(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of all types
    """Return everything that a stack can choose, in the words of its configuration."""
    return {"install": True, "receivers": RECEIVERS, "signOn": SIGN_ON, **changed}


def watched(config: dict[str, str], **changed: Any) -> dict[str, str]:  # noqa: ANN401 - as above
    """Return a stack on a cluster that exists, with everything of monitoring."""
    return {
        **config,
        "cluster": "existing",
        "monitoringStack": json.dumps(stack(**changed)),
        "monitoringSecrets": json.dumps(SECRETS),
    }


def watch(*, mirror: str | None = None, **changed: Any) -> Watch:  # noqa: ANN401 - as above
    """Return what values are made from."""
    return Watch(
        settings=MonitoringSettings.model_validate(stack(**changed)),
        domain="iotistic.localhost",
        storage_class="standard",
        images=ImageSource(mirror=mirror),
    )


def rules() -> list[Rule]:
    """Return every rule of a platform that has everything, and of a customer."""
    of_the_platform = monitoring.manifests("dev", edge=True, billing=True, backups=True)
    groups = [
        *rule_groups(instance_of("acme"))["groups"],
        *(group for item in of_the_platform for group in item["spec"]["groups"]),
    ]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[str]:
    """Return every query of these rules and of the platform's dashboards."""
    panels = [panel for drawn in dashboards(edge=True, backups=True) for panel in drawn["panels"]]
    return [
        *(rule["expr"] for rule in rules()),
        *(target["expr"] for panel in panels for target in panel["targets"]),
    ]
