"""What network policies let through, by the rules of Kubernetes, without a cluster.

Source of the rules: https://kubernetes.io/docs/concepts/services-networking/network-policies/
What these rules leave open, an address of a pod in an ``ipBlock``, is taken as matching.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.names import NAMESPACE_NAME_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.component import Manifest

Port = tuple[int, str]
"""Number and protocol."""
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One end of a connection.

    Attributes:
        address: Its address.
        namespace: The namespace, if it is a pod.
        labels: The pod's labels.
    """

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """All policies of a cluster.

    Attributes:
        policies: The objects.
        namespaces: Labels of each namespace, beside the one that the API server sets.
    """

    policies: Sequence[Manifest]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def open(self, source: Point, target: Point, ports: Iterable[Port]) -> set[Port]:
        """Return the ports by which a connection is let out at its source and in at its target."""
        out = self._rules("Egress", source, target)
        return {
            port for port in ports if _let(out, port) and _let(self._rules("Ingress", target, source), port)
        }

    def _rules(self, direction: str, own: Point, other: Point) -> list[Rule] | None:
        """Return the rules at one end that name the other, or None where no policy rules this end."""
        specs = [
            policy["spec"]
            for policy in self.policies
            if policy["metadata"]["namespace"] == own.namespace
            and direction in policy["spec"]["policyTypes"]
            and _selects(policy["spec"]["podSelector"], own.labels)
        ]
        key, ends = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        named = [rule for spec in specs for rule in spec[key] if self._names_end(rule, ends, own, other)]
        return named if specs else None

    def _names_end(self, rule: Rule, ends: str, own: Point, other: Point) -> bool:
        unknown = rule.keys() - {ends, "ports"}
        assert not unknown, f"a rule with {unknown}"
        peers = rule.get(ends)
        return not peers or any(self._is(peer, own, other) for peer in peers)

    def _is(self, peer: Mapping[str, Any], own: Point, other: Point) -> bool:
        unknown = peer.keys() - {"ipBlock", "podSelector", "namespaceSelector"}
        assert not unknown, f"a peer with {unknown}"
        if "ipBlock" in peer:
            return _within(peer["ipBlock"], other.address)
        if other.namespace is None:
            return False
        if "namespaceSelector" in peer:
            labels = {**self.namespaces.get(other.namespace, {}), NAMESPACE_NAME_LABEL: other.namespace}
            if not _selects(peer["namespaceSelector"], labels):
                return False
        elif other.namespace != own.namespace:
            return False
        return _selects(peer.get("podSelector", {}), other.labels)


def _let(rules: list[Rule] | None, port: Port) -> bool:
    if rules is None:
        return True
    number, protocol = port
    return any(
        "ports" not in rule or {"port": number, "protocol": protocol} in map(_exact, rule["ports"])
        for rule in rules
    )


def _exact(port: Mapping[str, Any]) -> Mapping[str, Any]:
    assert port.keys() == {"port", "protocol"}, f"a port with {port.keys()}"
    assert isinstance(port["port"], int), "a port by name"
    return port


def _within(block: Mapping[str, Any], address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(part) for part in block.get("except", [])
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    unknown = selector.keys() - {"matchLabels", "matchExpressions"}
    assert not unknown, f"a selector with {unknown}"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    if operator == "Exists":
        return key in labels
    assert operator == "In", f"an expression with {operator}"
    return labels.get(key) in expression["values"]
