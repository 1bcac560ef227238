"""The namespace of a customer, and how much may run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.pods import NODE_DISK, SERVICE_ACCOUNT, service_account
from tenants.models import NODE_PORTS, MqttMode

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP = "customer-instance"


def namespace(instance: Instance) -> Manifest:
    """Return the namespace, which admits only pods that pass "restricted"."""
    metadata = instance.metadata(instance.tenant.namespace, app=APP, component="namespace")
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
        "metadata": instance.metadata("quota", app=APP, component="quota"),
        "spec": {
            "hard": {
                "requests.cpu": quota.requests_cpu,
                "requests.memory": quota.requests_memory,
                "limits.cpu": quota.cpu,
                "limits.memory": quota.memory,
                "requests.ephemeral-storage": quota.requests_disk,
                "limits.ephemeral-storage": quota.disk,
                "persistentvolumeclaims": str(quota.pvcs),
                "requests.storage": quota.storage,
                "pods": str(quota.pods),
                "services": str(quota.services),
                # Reachable past the ingress and the edge only as far as the registry says so.
                "services.loadbalancers": "1" if instance.tenant.mqtt.mode is MqttMode.DEDICATED else "0",
                "services.nodeports": str(len(NODE_PORTS)) if instance.node_ports else "0",
                "count/jobs.batch": "20",
                "count/cronjobs.batch": "5",
                "secrets": "30",
                "configmaps": "20",
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
        "metadata": instance.metadata("defaults", app=APP, component="quota"),
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": NODE_DISK["limits"]},
                    "defaultRequest": {
                        "cpu": "10m",
                        "memory": "32Mi",
                        "ephemeral-storage": NODE_DISK["requests"],
                    },
                }
            ]
        },
    }


def account(instance: Instance) -> Manifest:
    """Return the account of the customer's pods."""
    return service_account(instance, SERVICE_ACCOUNT, app=APP, component="identity")


def disruption_budget(instance: Instance) -> Manifest:
    """Return the promise that a drain takes the instance's pods one after the other.

    Each workload is a single pod, so a budget that kept each of them would only keep the
    drain from ever ending. For the same reason nothing is spread over nodes or zones: one pod has
    nobody to be apart from, and the volume of its database is in one zone anyway.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": instance.metadata(APP, app=APP, component="availability"),
        "spec": {
            "maxUnavailable": 1,
            "selector": {
                "matchLabels": {"app.kubernetes.io/instance": instance.tenant.id},
                # A budget can only count pods of what scales, and a Job does not.
                "matchExpressions": [
                    {
                        "key": "app.kubernetes.io/component",
                        "operator": "NotIn",
                        "values": ["bootstrap", "backup"],
                    }
                ],
            },
        },
    }
