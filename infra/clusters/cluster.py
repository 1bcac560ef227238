"""The one thing the rest of the program knows of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that objects can be declared in.

    Attributes:
        provider: The explicit provider. No object is declared without it.
        storage_class: StorageClass of the customers' volumes.
        services: What its cloud offers; None where somebody else made the cluster.
        ready: What has to be there before anything is declared in it, and stays as long as that does.
    """

    provider: pulumi.ProviderResource
    storage_class: str
    services: Services | None = None
    ready: Sequence[pulumi.Resource] = ()


def kubernetes_provider(
    name: str, *, kubeconfig: pulumi.Input[str], context: pulumi.Input[str], identifier: str
) -> k8s.Provider:
    """Return the provider of one cluster, with nothing left to the machine it runs on.

    Args:
        name: Logical name.
        kubeconfig: Path or content. Explicit, since the default would be the shell's.
        context: Context. Explicit, since the current one is whatever was used last.
        identifier: Never changes, so that new credentials or a kubeconfig that is not
            known yet cannot be taken for another cluster and replace every object.
    """
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig,
        context=context,
        cluster_identifier=identifier,
        enable_server_side_apply=True,
        # A changed Secret or ConfigMap is updated in place: replaced, a named one would
        # be gone for a moment while pods run. What must restart has a checksum.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
    )
