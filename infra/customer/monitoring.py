"""What Prometheus is told of a customer: where the metrics are, and what is wrong when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import backup_nightly
from infra.customer.backup_pauses import longest_pause
from tenants.sizing import OPTIONAL

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

COMPONENT: Final = "monitoring"
AT_REST: Final = "TenantAtRest"
"""No fault, but what silences the other alerts of a customer who is not served."""
RUNBOOKS: Final = "docs/runbooks/tenant.md"
OWN_ALERTS: Final = frozenset({"TenantLicenceNearItsEnd", "TenantDatabaseDown"})
"""Alerts that ask nothing of the cluster, only the clock and the instance's own exporters."""

_LICENCE_WARNING_DAYS: Final = 14
_SECONDS_PER_DAY: Final = 86_400


def manifests(instance: Instance) -> list[Manifest]:
    """Return the scrape targets and the rules, where the Prometheus operator is there to read them."""
    if not instance.surroundings.monitoring:
        return []
    return [_service_monitor(instance), _rules(instance)]


def _service_monitor(instance: Instance) -> Manifest:
    """Return the targets: the port ``metrics`` of every Service that has one."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": instance.metadata("instance", app="customer-instance", component=COMPONENT),
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/instance": instance.tenant.id}},
            "targetLabels": ["iotistic.io/tenant", "iotistic.io/plan", "app.kubernetes.io/name"],
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "60s"}],
        },
    }


def _rules(instance: Instance) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": instance.metadata("instance", app="customer-instance", component=COMPONENT),
        "spec": rule_groups(instance),
    }


def rule_groups(instance: Instance) -> dict[str, Any]:
    """Return the recording rules and alerts, as promtool reads them too."""
    group = f"tenant-{instance.tenant.id}"
    return {
        "groups": [
            {"name": f"{group}.records", "rules": _records(instance)},
            {"name": f"{group}.alerts", "rules": _alerts(instance)},
        ]
    }


def own_rule_groups(instance: Instance) -> dict[str, Any]:
    """Return the alerts for the customer's own Prometheus: those of above that it has the metrics for."""
    return {
        "groups": [
            {"name": group["name"], "rules": rules}
            for group in rule_groups(instance)["groups"]
            if (rules := [rule for rule in group["rules"] if rule.get("alert") in OWN_ALERTS])
        ]
    }


def _records(instance: Instance) -> list[dict[str, Any]]:
    here = f'namespace="{instance.tenant.namespace}"'
    labels = {"tenant": instance.tenant.id}
    volumes = f"kubelet_volume_stats_used_bytes{{{here}}} / kubelet_volume_stats_capacity_bytes{{{here}}}"
    used = f'kube_resourcequota{{{here},type="used"}}'
    hard = f'kube_resourcequota{{{here},type="hard"}} > 0'
    return [
        {
            "record": "tenant:cpu_usage:cores",
            "expr": f'sum(rate(container_cpu_usage_seconds_total{{{here},container!=""}}[5m]))',
            "labels": labels,
        },
        {
            "record": "tenant:memory_usage:bytes",
            "expr": f'sum(container_memory_working_set_bytes{{{here},container!=""}})',
            "labels": labels,
        },
        {"record": "tenant:volume_usage:ratio", "expr": volumes, "labels": labels},
        {
            "record": "tenant:quota_usage:ratio",
            "expr": f"max by (resource) ({used} / ignoring (type) ({hard}))",
            "labels": labels,
        },
    ]


def _alerts(instance: Instance) -> list[dict[str, Any]]:
    tenant = instance.tenant
    here = f'namespace="{tenant.namespace}"'
    licence_ends = int(tenant.licence_expires_at.timestamp())
    alerts = [
        _alert(
            instance,
            "LicenceNearItsEnd",
            # The day is in the registry, so no metric has to carry it.
            f"vector({licence_ends}) - time() < {_LICENCE_WARNING_DAYS * _SECONDS_PER_DAY}",
            wait="1h",
            severity="warning",
            summary="The licence ends within two weeks.",
        ),
    ]
    if not tenant.runs:
        at_rest = _alert(
            instance,
            AT_REST.removeprefix("Tenant"),
            "vector(1)",
            wait="0m",
            severity="none",
            summary="The customer is not served: its other alerts are silent.",
        )
        return [*alerts, at_rest]
    api = f'kube_deployment_status_replicas_available{{{here},deployment="api"}}'
    broker = f'kube_statefulset_status_replicas_ready{{{here},statefulset="mosquitto"}}'
    # What nobody reports any more is as bad as what is reported to be down.
    alerts += [
        _alert(
            instance,
            "DatabaseDown",
            f"pg_up{{{here}}} == 0 or absent(pg_up{{{here}}})",
            wait="5m",
            severity="critical",
            summary="PostgreSQL does not answer its exporter.",
        ),
        _alert(
            instance,
            "ApiNotReady",
            f"{api} < 1 or absent({api})",
            wait="10m",
            severity="critical",
            summary="The API has no ready pod.",
        ),
        _alert(
            instance,
            "VolumeFilling",
            f'tenant:volume_usage:ratio{{tenant="{tenant.id}"}} > 0.85',
            wait="30m",
            severity="warning",
            summary="A volume is more than 85 % full.",
        ),
        _alert(
            instance,
            "QuotaNearlyUsed",
            f'tenant:quota_usage:ratio{{tenant="{tenant.id}"}} > 0.95',
            wait="1h",
            severity="warning",
            summary="More than 95 % of the quota is used: the next roll-out may be refused.",
        ),
    ]
    if instance.own_broker:
        alerts.append(
            _alert(
                instance,
                "BrokerDown",
                f"{broker} < 1 or absent({broker})",
                wait="5m",
                severity="critical",
                summary="Mosquitto has no ready pod: no device can connect.",
            )
        )
    # An option's Deployment has the option's name, as Kubernetes writes names.
    chosen = [name.replace("_", "-") for name in OPTIONAL if getattr(tenant.options, name)]
    if chosen:
        available = [
            f'kube_deployment_status_replicas_available{{{here},deployment="{name}"}}' for name in chosen
        ]
        alerts.append(
            _alert(
                instance,
                "OptionNotReady",
                " or ".join(f"{ready} < 1 or absent({ready})" for ready in available),
                wait="15m",
                severity="warning",
                summary="An option that the customer has does not run.",
            )
        )
    if instance.surroundings.backups:
        pause = longest_pause(tenant.backup.schedule)
        alerts.append(
            _alert(
                instance,
                "BackupMissing",
                " or ".join(
                    _overdue(f'{here},cronjob="{name}"', pause * _SECONDS_PER_DAY)
                    for name in backup_nightly.cron_jobs(instance)
                ),
                # Nobody is told of a customer who was resumed today and whose night is still to come.
                wait="1d",
                severity="critical",
                summary=f"No backup has succeeded for {pause + 1} days.",
            )
        )
    return alerts


def _overdue(job: str, seconds: int) -> str:
    """Return what is true while a job has not succeeded for so long, or nobody reports it."""
    made = f"kube_cronjob_created{{{job}}}"
    # Before the first success its age is that of the job.
    last = f"kube_cronjob_status_last_successful_time{{{job}}} or {made}"
    return f"time() - ({last}) > {seconds} or absent({made})"


def _alert(  # noqa: PLR0913 - an alert has this many independent parts
    instance: Instance, name: str, expression: str, *, wait: str, severity: str, summary: str
) -> dict[str, Any]:
    tenant = instance.tenant
    return {
        "alert": f"Tenant{name}",
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity, "tenant": tenant.id, "plan": tenant.plan.name},
        "annotations": {"summary": summary, "runbook": f"{RUNBOOKS}#{name.lower()}"},
    }
