"""Objects in the customers' namespaces that nobody declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ops.local.inventory import Inventory
from ops.local.kube_command import kubectl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

NAMESPACE_OF_A_CUSTOMER: Final = "customer-"
_KUBERNETES: Final = "kubernetes:"
ENVIRONMENT: Final = "iotistic.io/environment"
_CERTIFICATE: Final = "cert-manager.io/certificate-name"
_MADE_FOR_EVERYBODY: Final = frozenset({"ServiceAccount/default", "ConfigMap/kube-root-ca.crt"})
"""What the API server's own controllers put into every namespace."""
_WRITTEN_BY_THE_CLUSTER: Final = frozenset({"Event", "Endpoints", "EndpointSlice", "Lease", "PodMetrics"})
"""Kinds that tell of the others and are never declared."""


class ObjectKey(NamedTuple):
    """What an object is known by.

    Attributes:
        group: Its API group, empty for the core's.
        kind: Its kind.
        namespace: Its namespace, empty for a namespace itself.
        name: Its name.
    """

    group: str
    kind: str
    namespace: str
    name: str


def declared_objects(resources: Iterable[Mapping[str, Any]]) -> frozenset[ObjectKey]:
    """Return the Kubernetes objects among the resources of a stack's state."""
    found = set()
    for resource in resources:
        if not resource["type"].startswith(_KUBERNETES):
            continue
        _, api, kind = resource["type"].split(":")
        group = api.rpartition("/")[0]
        # A Kubernetes object's id in the state is <namespace>/<name>, or its bare name.
        namespace, _, name = str(resource.get("id", "")).rpartition("/")
        found.add(ObjectKey("" if group == "core" else group, kind, namespace, name))
    return frozenset(found)


def undeclared(
    items: Iterable[Mapping[str, Any]], *, declared: frozenset[ObjectKey]
) -> tuple[ObjectKey, ...]:
    """Return the objects that are neither declared nor made by a controller for one that is.

    Args:
        items: Objects as the API server returns them.
        declared: What the stacks hold.
    """
    by_key = {_key(item): item for item in items}
    return tuple(
        sorted(
            key
            for key, item in by_key.items()
            if key not in declared
            and key.kind not in _WRITTEN_BY_THE_CLUSTER
            and f"{key.kind}/{key.name}" not in _MADE_FOR_EVERYBODY
            and not item["metadata"].get("ownerReferences")
            and not _issued_for(item, by_key)
        )
    )


def _key(item: Mapping[str, Any]) -> ObjectKey:
    metadata = item["metadata"]
    group = item["apiVersion"].rpartition("/")[0]
    return ObjectKey(group, item["kind"], metadata.get("namespace", ""), metadata["name"])


def _issued_for(item: Mapping[str, Any], by_key: Mapping[ObjectKey, object]) -> bool:
    """Return whether cert-manager made this Secret for a Certificate that is there."""
    metadata = item["metadata"]
    certificate = metadata.get("annotations", {}).get(_CERTIFICATE, "")
    key = ObjectKey("cert-manager.io", "Certificate", metadata.get("namespace", ""), certificate)
    return item["kind"] == "Secret" and key in by_key


def customers_objects(toolbox: Toolbox, access: KubeAccess, *, environment: str) -> list[dict[str, Any]]:
    """Return the customers' namespaces of an environment, and all that is in them.

    A namespace of a customer's name that says nothing of its environment is taken along.

    Raises:
        UsageError: If the cluster does not answer.
        KubectlError: If it does not tell which kinds it has.
    """
    inventory = Inventory(toolbox, access)
    namespaces = [
        item
        for item in inventory.items("namespaces")
        if item["metadata"]["name"].startswith(NAMESPACE_OF_A_CUSTOMER)
        and item["metadata"].get("labels", {}).get(ENVIRONMENT, environment) == environment
    ]
    names = {item["metadata"]["name"] for item in namespaces}
    kinds = kubectl(toolbox, access, "api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    inside = inventory.items(",".join(kinds), "--all-namespaces")
    return namespaces + [item for item in inside if item["metadata"]["namespace"] in names]
