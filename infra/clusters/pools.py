"""The two pools of nodes of a cluster that the stack makes: one for the platform, one for the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.platform.chart_values.shared import Affinity, NodeTerm, Placed, PreferredNodes, Toleration

POOL_LABEL: Final = "iotistic.io/pool"
SYSTEM: Final = "system"
SYSTEM_TAINT: Final = ("CriticalAddonsOnly", "true")
"""Keeps customers' pods off the platform's nodes. The clouds' own add-ons bear it already."""


def tolerations() -> list[Toleration]:
    """Return what lets a pod onto the platform's nodes."""
    key, value = SYSTEM_TAINT
    return [{"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}]


def affinity() -> Affinity:
    """Return what lets a pod prefer the platform's nodes.

    It prefers them and no more: clusters that somebody else made have no such pools, and where the
    platform's nodes are full a customer's node is better than none.
    """
    theirs: NodeTerm = {"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": [SYSTEM]}]}
    preferred: PreferredNodes = {"weight": 100, "preference": theirs}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}}


def of_the_platform() -> Placed:
    """Return the fields of a pod of the platform that say where it goes: to its own nodes, if it can."""
    return {"tolerations": tolerations(), "affinity": affinity()}
