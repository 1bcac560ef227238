"""What Prometheus records and says of the platform: the groups, and how a rule is written.

Rules of one customer stand in ``infra/customer/monitoring.py``. What is here looks at all of
them together, at the edge, and at the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from infra.names import MONITORING_NAMESPACE, platform_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.component import Manifest

APP: Final = "platform-monitoring"
RUNBOOKS: Final = "docs/runbooks"

Rule = dict[str, Any]
Severity = Literal["critical", "warning", "none"]
"""Critical: somebody is woken. Warning: somebody looks in working hours. None: it says only that it works."""

OF_CUSTOMERS: Final = 'namespace=~"customer-.+"'
"""Selects what belongs to customers; with ``!~`` what does not."""
NOT_OF_CUSTOMERS: Final = 'namespace!~"customer-.+"'


def record(name: str, expression: str, **labels: str) -> Rule:
    """Return a recording rule, named ``level:what:operation``.

    Args:
        name: The new metric.
        expression: PromQL.
        labels: Labels that every sample gets.
    """
    return {"record": name, "expr": expression} | ({"labels": labels} if labels else {})


def alert(  # noqa: PLR0913 - an alert has this many independent parts
    name: str, expression: str, *, part: str, wait: str, severity: Severity, summary: str
) -> Rule:
    """Return an alert.

    Args:
        name: What it is called, in the runbook too.
        expression: PromQL that gives something while the fault is there.
        part: The runbook it is described in: ``edge``, ``fleet``, ``billing`` or ``platform``.
        wait: How long the fault has to last, as Prometheus writes durations.
        severity: Who is told how.
        summary: One sentence for whoever is told; ``{{ $labels.x }}`` is filled in.
    """
    return {
        "alert": name,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity, "part": part},
        "annotations": {"summary": summary, "runbook": f"{RUNBOOKS}/{part}.md#{name.lower()}"},
    }


def with_tenant(expression: str) -> str:
    """Return the expression with the label ``tenant``, from the namespace: alerts are grouped by it."""
    return f'label_replace({expression}, "tenant", "$1", "namespace", "customer-(.+)")'


def manifest(part: str, rules: Iterable[Rule], environment: str) -> Manifest:
    """Return one part's rules as the Prometheus operator takes them."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": f"platform-{part}",
            "namespace": MONITORING_NAMESPACE,
            "labels": platform_labels(APP, environment),
        },
        "spec": {"groups": groups(part, rules)},
    }


def groups(part: str, rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return the records of a part as one group and its alerts as another, evaluated in that order."""
    rules = list(rules)
    found = {
        f"platform-{part}.records": [rule for rule in rules if "record" in rule],
        f"platform-{part}.alerts": [rule for rule in rules if "alert" in rule],
    }
    return [{"name": name, "rules": members} for name, members in found.items() if members]
