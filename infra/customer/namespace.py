"""The namespace of a customer, and how much may run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.pods import SERVICE_ACCOUNT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance


def namespace(instance: Instance) -> Manifest:
    """Return the namespace, which admits only pods that pass "restricted"."""
    metadata = instance.metadata(instance.tenant.namespace, app="customer-instance", component="namespace")
    del metadata["namespace"]
    metadata["labels"] |= {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def resource_quota(instance: Instance) -> Manifest:
    """Return the most a customer can take from the cluster, by plan."""
    quota = instance.tenant.quota
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": instance.metadata("quota", app="customer-instance", component="quota"),
        "spec": {
            "hard": {
                "requests.cpu": quota.requests_cpu,
                "requests.memory": quota.requests_memory,
                "limits.cpu": quota.cpu,
                "limits.memory": quota.memory,
                "persistentvolumeclaims": str(quota.pvcs),
                "requests.storage": quota.storage,
                "pods": str(quota.pods),
                "services": str(quota.services),
                # Nothing of a customer is reachable past the ingress and the edge.
                "services.loadbalancers": "0",
                "services.nodeports": "0",
            }
        },
    }


def limit_range(instance: Instance) -> Manifest:
    """Return defaults for containers that name none, which the quota would otherwise refuse.

    Certificate solvers, debug containers and injected sidecars are such containers.
    """
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": instance.metadata("defaults", app="customer-instance", component="quota"),
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "100m", "memory": "128Mi"},
                    "defaultRequest": {"cpu": "10m", "memory": "32Mi"},
                }
            ]
        },
    }


def service_account(instance: Instance) -> Manifest:
    """Return the account of the customer's pods: no token, no role."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": instance.metadata(SERVICE_ACCOUNT, app="customer-instance", component="identity"),
        "automountServiceAccountToken": False,
    }
