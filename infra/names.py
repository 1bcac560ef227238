"""Names and labels that every object carries, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tenants.tenant import Tenant

FIELD_MANAGER: Final = "iotistic"
"""The one server-side-apply manager, so that a run that was killed is adopted by the next."""

INGRESS_NAMESPACE: Final = "ingress"
"""Namespace of the ingress controller: the only way in for HTTP."""

EDGE_NAMESPACE: Final = "mqtt-edge"
"""Namespace of the MQTT proxy: the only way in for MQTT."""

MONITORING_NAMESPACE: Final = "monitoring"
"""Namespace of Prometheus: the only one that may scrape."""

NODE_EXPORTER_NAMESPACE: Final = "node-exporter"
"""Namespace of what reads each node's own metrics, apart since it may see the node."""

BILLING_NAMESPACE: Final = "billing"
"""Namespace of the billing service, its database and its queue."""

BILLING: Final = "billing"
"""What the billing service is called there: its workload and its Service."""

LOGGING_NAMESPACE: Final = "logging"
"""Namespace of the store of all logs."""

LOG_AGENT_NAMESPACE: Final = "log-agent"
"""Namespace of what reads the logs on each node, apart since it may see the node."""

CERTIFICATES_NAMESPACE: Final = "cert-manager"
"""Namespace of cert-manager, and of the private authority's key."""

PLATFORM_PRIORITY: Final = "iotistic-platform"
"""Priority class of what serves all customers, and is no way in."""

PLATFORM_NAMESPACES: Final = (INGRESS_NAMESPACE, EDGE_NAMESPACE, MONITORING_NAMESPACE)

NAMESPACE_NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""Set on every namespace by the API server itself, so a policy can rely on it."""


def platform_labels(name: str, environment: str) -> dict[str, str]:
    """Return the labels of a platform object called ``name``."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "iotistic",
        "app.kubernetes.io/managed-by": "pulumi",
        "iotistic.io/environment": environment,
    }


def tenant_labels(tenant: Tenant, *, name: str, component: str, version: str | None = None) -> dict[str, str]:
    """Return the labels of one object of a customer.

    Args:
        tenant: The customer.
        name: What runs here, as its makers call it: ``postgres``, ``mosquitto``.
        component: Its part in the instance: ``database``, ``broker``.
        version: Version of the software where the object runs one.
    """
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": tenant.id,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "iotistic",
        "app.kubernetes.io/managed-by": "pulumi",
        "iotistic.io/tenant": tenant.id,
        "iotistic.io/environment": tenant.environment,
        "iotistic.io/plan": tenant.plan.name,
    }
    if version is not None:
        labels["app.kubernetes.io/version"] = version
    if tenant.cell is not None:
        labels["iotistic.io/cell"] = tenant.cell
    return labels


def selector(tenant: Tenant, name: str) -> dict[str, str]:
    """Return the labels that select one workload's pods, and never change: a selector is immutable."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": tenant.id}
