"""What is watched of the MQTT edge: its scrape target, its records and its alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.names import EDGE_NAMESPACE, platform_labels
from infra.platform.monitoring_rules import alert, record
from infra.platform.mqtt_proxy import APP, SELECTOR

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.platform.monitoring_rules import Rule

PART: Final = "edge"

_HERE: Final = f'namespace="{EDGE_NAMESPACE}"'
_DEPLOYMENT: Final = f'{_HERE},deployment="{APP}"'
_FRONTEND: Final = f'{_HERE},proxy="mqtt"'
_BROKERS: Final = f'{_HERE},proxy="brokers"'
_REFUSED: Final = f'{_HERE},proxy=~"refused_.+"'

REASON_TOO_MANY: Final = "address_limit"
"""Reason of those that are refused before a backend is chosen: too many from one address."""

CERTIFICATE_DAYS: Final = 10
"""A certificate of 45 days is renewed 15 days before its end: fewer left mean that it was not."""


def scrape_target(environment: str) -> Manifest:
    """Return where the edge's metrics are: the port ``metrics`` of its Services, of which one has it.

    Args:
        environment: The environment's name, for labels.
    """
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {
            "name": APP,
            "namespace": EDGE_NAMESPACE,
            "labels": platform_labels(APP, environment),
        },
        "spec": {
            "selector": {"matchLabels": SELECTOR},
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "30s"}],
        },
    }


def rules() -> list[Rule]:
    """Return the edge's recording rules and alerts."""
    return [*_records(), *_alerts()]


def _records() -> list[Rule]:
    refusals = f"rate(haproxy_backend_sessions_total{{{_REFUSED}}}[5m])"
    by_reason = f'label_replace({refusals}, "reason", "$1", "proxy", "refused_(.+)")'
    # Refused as a connection, or behind a balancer with the PROXY protocol as a session.
    early = " + ".join(
        f"sum(rate(haproxy_frontend_denied_{kind}_total{{{_FRONTEND}}}[5m]))"
        for kind in ("connections", "sessions")
    )
    return [
        record("edge:connections:sum", f"sum(haproxy_frontend_current_sessions{{{_FRONTEND}}})"),
        record(
            "edge:connections:ratio",
            f"haproxy_frontend_current_sessions{{{_FRONTEND}}}"
            f" / haproxy_frontend_limit_sessions{{{_FRONTEND}}}",
        ),
        record(
            "edge:new_connections:rate5m",
            f"sum(rate(haproxy_frontend_connections_total{{{_FRONTEND}}}[5m]))",
        ),
        record("edge:refusals:rate5m", f"sum by (reason) ({by_reason})"),
        record("edge:refusals:rate5m", early, reason=REASON_TOO_MANY),
        record(
            "edge:broker_failures:rate5m",
            f"sum(rate(haproxy_backend_connection_errors_total{{{_BROKERS}}}[5m]))",
        ),
        record("edge:broker_sessions:rate5m", f"sum(rate(haproxy_backend_sessions_total{{{_BROKERS}}}[5m]))"),
    ]


def _alerts() -> list[Rule]:
    available = f"kube_deployment_status_replicas_available{{{_DEPLOYMENT}}}"
    ends = f"certmanager_certificate_expiration_timestamp_seconds{{{_HERE}}}"
    return [
        alert(
            "EdgeDown",
            f"{available} < 1 or absent({available})",
            part=PART,
            wait="2m",
            severity="critical",
            summary="No process of the MQTT edge is ready: no device of any customer can connect.",
        ),
        alert(
            "EdgeReplicaMissing",
            f"{available} < kube_deployment_spec_replicas{{{_DEPLOYMENT}}}",
            part=PART,
            wait="15m",
            severity="warning",
            summary="The MQTT edge has fewer processes than it should.",
        ),
        alert(
            "EdgeMetricsMissing",
            f"absent(haproxy_frontend_current_sessions{{{_FRONTEND}}})",
            part=PART,
            wait="15m",
            severity="critical",
            summary="Nothing gives the metrics of the MQTT edge, so most of its alerts are silent.",
        ),
        alert(
            "EdgeBrokersUnreachable",
            # One customer's broken broker never comes to half of all connections.
            "edge:broker_failures:rate5m > 0.5 * edge:broker_sessions:rate5m"
            " and edge:broker_failures:rate5m > 0.1",
            part=PART,
            wait="10m",
            severity="critical",
            summary="More than half of the devices' connections reach no broker.",
        ),
        alert(
            "EdgeRefusalsRising",
            # Some refusals are the weather of the internet: what counts is three times the day's mean.
            "sum(edge:refusals:rate5m) > 1"
            " and sum(edge:refusals:rate5m) > 3 * sum(avg_over_time(edge:refusals:rate5m[1d] offset 1h))",
            part=PART,
            wait="15m",
            severity="warning",
            summary="The edge refuses {{ $value | humanize }} connections a second, far more than usual.",
        ),
        alert(
            "EdgeConnectionLimitNear",
            "edge:connections:ratio > 0.8",
            part=PART,
            wait="10m",
            severity="warning",
            summary="A process of the edge holds more than 80 % of the connections it can.",
        ),
        alert(
            "EdgeCertificateNearItsEnd",
            f"{ends} - time() < {CERTIFICATE_DAYS * 86_400}",
            part=PART,
            wait="1h",
            severity="critical",
            summary="The edge's certificate was not renewed: soon no device can connect.",
        ),
    ]
