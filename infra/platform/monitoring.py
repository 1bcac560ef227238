"""What is watched of the platform, as a component: where metrics are, the rules, and the graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.component import Component, Placement
from infra.platform import (
    dashboards,
    monitoring_billing,
    monitoring_cluster,
    monitoring_edge,
    monitoring_fleet,
)
from infra.platform.monitoring_rules import manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRulesArgs:
    """What the platform's rules are made from.

    Attributes:
        environment: The environment's name, for labels.
        edge: Whether there is an MQTT edge to watch.
        billing: Whether billing has its place here.
        backups: Whether there are backups.
        graphs: Whether there is a Grafana that takes dashboards.
        placement: Where the objects go.
        depends_on: The platform's namespaces.
    """

    environment: str
    edge: bool
    billing: bool
    backups: bool
    graphs: bool
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def manifests(environment: str, *, edge: bool, billing: bool, backups: bool) -> list[Manifest]:
    """Return the rules, one object for each part of the platform.

    Args:
        environment: The environment's name, for labels.
        edge: Whether there is an MQTT edge: where there is none, its absence is no fault.
        billing: Whether billing has its place here.
        backups: Whether there are backups.
    """
    parts = {
        monitoring_cluster.PART: monitoring_cluster.rules(),
        monitoring_fleet.PART: monitoring_fleet.rules(backups=backups),
        **({monitoring_edge.PART: monitoring_edge.rules()} if edge else {}),
        **({monitoring_billing.PART: monitoring_billing.rules(backups=backups)} if billing else {}),
    }
    return [manifest(part, rules, environment) for part, rules in parts.items()]


def targets(environment: str, *, edge: bool) -> list[Manifest]:
    """Return where the platform's own parts have their metrics; charts bring theirs themselves.

    Args:
        environment: The environment's name, for labels.
        edge: Whether there is an MQTT edge.
    """
    return [monitoring_edge.scrape_target(environment)] if edge else []


class PlatformRules(Component):
    """Targets, rules and dashboards. Something has to be there that reads them: the Prometheus operator."""

    def __init__(
        self, name: str, args: PlatformRulesArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("iotistic:platform:PlatformRules", name, placement=args.placement, opts=opts)
        found = targets(args.environment, edge=args.edge)
        found += manifests(args.environment, edge=args.edge, billing=args.billing, backups=args.backups)
        if args.graphs:
            found += dashboards.manifests(args.environment, edge=args.edge, backups=args.backups)
        for item in found:
            self.declare(item, depends_on=args.depends_on)
        self.register_outputs({})
