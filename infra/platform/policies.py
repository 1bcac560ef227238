"""Network policies of the platform: peers, ports, and how a policy is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.names import NAMESPACE_NAME_LABEL, platform_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.component import Manifest

Rule = dict[str, Any]
Peer = dict[str, Any]

API_PORTS: Final = (443, 6443)
"""Where the cluster's API server is: at its Service, and behind it at a node or in the cloud."""

OURS: Final[Peer] = {"namespaceSelector": {"matchLabels": {"app.kubernetes.io/part-of": "iotistic"}}}
"""Every namespace that this program made."""

DNS: Final[Rule] = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
}
"""The cluster's DNS, as an egress rule."""


def namespace(name: str) -> Peer:
    """Return all pods of a namespace."""
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}}


def pods(name: str) -> Peer:
    """Return the pods of the policy's own namespace that are labelled as this program."""
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}


def ports(*numbers: int) -> list[dict[str, Any]]:
    """Return TCP ports."""
    return [{"protocol": "TCP", "port": number} for number in numbers]


def policy(  # noqa: PLR0913 - a policy has this many independent parts
    name: str,
    *,
    app: str,
    namespace: str,
    environment: str,
    selected: dict[str, Any] | None = None,
    ingress: Sequence[Rule] = (),
    egress: Sequence[Rule] = (),
) -> Manifest:
    """Return a policy about both directions: what is not listed is denied.

    Args:
        name: Its name.
        app: What it belongs to, for labels.
        namespace: Where it is.
        environment: The environment's name, for labels.
        selected: Which pods; not given: all of the namespace.
        ingress: Who reaches them.
        egress: Whom they reach.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": platform_labels(app, environment)},
        "spec": {
            "podSelector": selected or {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        },
    }
