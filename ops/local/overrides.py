"""The part of a dev stack's configuration that depends on the machine and the cluster it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ops.local.node.provisioner import STORAGE_CLASS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ops.local.inventory import Inventory
    from ops.local.kubeconfig import KubeAccess

REAL_EDGE: Final = {"enabled": True, "replicas": 1, "maxConnections": 1000, "drainSeconds": 5}
"""The MQTT edge on a real node. A node takes one pod of it. A connection needs two open files, of which
many machines allow a process few thousand; and nobody wants to wait for devices when it is taken down."""

CPU_PERCENT_KEY: Final = "iotistic:cpuRequestPercent"

REAL_CPU_PERCENT: Final = 50
"""Part of the plans' processor that a real node sets aside, unless the stack says otherwise: its customers
rest most of the time, and those of the project then fit on two processors."""


def of_access(access: KubeAccess) -> dict[str, object]:
    """Return how the cluster is reached."""
    return {"iotistic:kubeconfig": str(access.kubeconfig), "iotistic:kubeContext": access.context}


def of_real_node(committed: Mapping[str, Any]) -> dict[str, object]:
    """Return what differs where pods run on this machine.

    Args:
        committed: The stack's own configuration.
    """
    return {
        "iotistic:storageClass": STORAGE_CLASS,
        "iotistic:mqttEdge": REAL_EDGE,
        CPU_PERCENT_KEY: cpu_percent(committed),
    }


def cpu_percent(committed: Mapping[str, Any]) -> int:
    """Return the part of the plans' processor that a real node sets aside, in percent."""
    return int(committed.get(CPU_PERCENT_KEY, REAL_CPU_PERCENT))


def of_existing_cluster(
    found: Inventory, *, identifier: str, say: Callable[[str], None]
) -> dict[str, object]:
    """Return what differs in a cluster that somebody else made, by what is in it.

    Args:
        found: What is in it.
        identifier: What tells it from other clusters.
        say: Told what will be missing.
    """
    overrides: dict[str, object] = {
        # Nothing issues the edge's certificate there, and pods that run would wait for it forever.
        "iotistic:mqttEdge": {},
        # Whoever made the cluster says who signs there.
        "iotistic:certificates": {},
        "iotistic:cluster": "existing",
        "iotistic:clusterIdentifier": identifier,
        "iotistic:storageClass": found.default_storage_class(),
    }
    if not found.knows("servicemonitors.monitoring.coreos.com"):
        overrides["iotistic:monitoring"] = "false"
    if not found.knows("certificates.cert-manager.io"):
        overrides["iotistic:brokerIssuer"] = "none"
    ingress_class = found.ingress_class()
    if ingress_class is None:
        say("no default IngressClass: routes are declared, but nothing serves them yet")
        overrides["iotistic:awaitRoutes"] = "false"
    else:
        overrides["iotistic:ingressClass"] = ingress_class
    return overrides
