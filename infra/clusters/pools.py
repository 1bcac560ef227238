"""The two pools of nodes of a cluster that the stack makes: one for the platform, one for the customers."""

from __future__ import annotations

from typing import Any, Final

POOL_LABEL: Final = "iotistic.io/pool"
SYSTEM: Final = "system"
SYSTEM_TAINT: Final = ("CriticalAddonsOnly", "true")
"""Keeps customers' pods off the platform's nodes. The clouds' own add-ons bear it already."""


def tolerations() -> list[dict[str, str]]:
    """Return what lets a pod onto the platform's nodes."""
    key, value = SYSTEM_TAINT
    return [{"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}]


def of_the_platform() -> dict[str, Any]:
    """Return the fields of a pod of the platform that say where it goes: to the platform's nodes, if it can.

    It prefers them and no more: clusters that somebody else made have no such pools, and where the
    platform's nodes are full a customer's node is better than none.
    """
    theirs = {"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": [SYSTEM]}]}
    preferred = [{"weight": 100, "preference": theirs}]
    return {
        "tolerations": tolerations(),
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    }
