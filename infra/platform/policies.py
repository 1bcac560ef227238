"""Network policies of the platform: peers, ports, and how a policy is written."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Policies of one namespace. Each is about both directions: what is not listed is denied.

    Attributes:
        app: What they belong to, for labels.
        namespace: Where they are.
        environment: The environment's name, for labels.
    """

    app: str
    namespace: str
    environment: str

    def of_all(self, name: str, *, ingress: Sequence[Rule] = (), egress: Sequence[Rule] = ()) -> Manifest:
        """Return a policy of every pod.

        Args:
            name: Its name.
            ingress: Who reaches them.
            egress: Whom they reach.
        """
        return self._policy(name, {}, ingress, egress)

    def of(self, app: str, *, ingress: Sequence[Rule], egress: Sequence[Rule]) -> Manifest:
        """Return a policy of the pods that are labelled as one program, which it is called after.

        Args:
            app: The program.
            ingress: Who reaches them.
            egress: Whom they reach.
        """
        return self._policy(app, pods(app)["podSelector"], ingress, egress)

    def _policy(
        self, name: str, selected: dict[str, Any], ingress: Sequence[Rule], egress: Sequence[Rule]
    ) -> Manifest:
        labels = platform_labels(self.app, self.environment)
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {
                "podSelector": selected,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": list(ingress),
                "egress": list(egress),
            },
        }
