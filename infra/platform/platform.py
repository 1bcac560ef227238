"""The platform: what exists once in a cluster, whoever the customers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.component import Component, Placement
from infra.names import PLATFORM_NAMESPACES, PLATFORM_PRIORITY, platform_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Manifest

PLAN_PRIORITIES: Final = {"starter": 1000, "professional": 2000, "enterprise": 3000}
"""Priority of the customers' pods by plan: who is scheduled first when room is short. All are
below everything that keeps the cluster itself alive."""


def priority_class(plan: str) -> str:
    """Return the name of a plan's priority class."""
    return f"iotistic-{plan}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformArgs:
    """What the platform is made from.

    Attributes:
        environment: The environment's name, for labels.
        placement: Where it goes.
        depends_on: What the cluster needs before.
    """

    environment: str
    placement: Placement
    depends_on: Sequence[pulumi.Resource] = ()


def platform_namespace(name: str, environment: str, *, level: str = "restricted") -> Manifest:
    """Return a namespace of the platform.

    Args:
        name: Its name.
        environment: The environment's name, for labels.
        level: What Pod Security allows in it. Where nothing else is said, as little as a customer may.
    """
    security = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**platform_labels(name, environment), **security}},
    }


def platform_priority(environment: str) -> Manifest:
    """Return the priority class of the platform's own pods: without one they are below every customer's.

    A node's agents need it most: on a node full of customers' pods they would wait for ever.
    """
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": PLATFORM_PRIORITY, "labels": platform_labels(PLATFORM_PRIORITY, environment)},
        "value": 50_000,
        "globalDefault": False,
        "description": "What serves all customers: above them, and below the ways in.",
    }


def tenant_priority(plan: str, environment: str) -> Manifest:
    """Return the priority class of a plan's pods."""
    name = priority_class(plan)
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name, "labels": platform_labels(name, environment)},
        "value": PLAN_PRIORITIES[plan],
        "globalDefault": False,
        "description": f"Pods of customers with the plan {plan}: below the platform's own.",
        # A customer never evicts another customer.
        "preemptionPolicy": "Never",
    }


class Platform(Component):
    """The namespaces that network policies name, and who comes first where room is short.

    Attributes:
        namespaces: The platform's namespaces, ready to be depended on.
        ready: Everything a customer's instance stands on.
    """

    def __init__(self, name: str, args: PlatformArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:Platform", name, placement=args.placement, opts=opts)
        self.ready: list[pulumi.Resource] = [
            self.declare(
                platform_namespace(namespace, args.environment), depends_on=args.depends_on, holds_data=True
            )
            for namespace in PLATFORM_NAMESPACES
        ]
        self.ready.append(self.declare(platform_priority(args.environment)))
        self.ready += [self.declare(tenant_priority(plan, args.environment)) for plan in PLAN_PRIORITIES]
        self.register_outputs({"namespaces": list(PLATFORM_NAMESPACES)})
