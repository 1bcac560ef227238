"""A cluster that somebody else made: the embedded one of this machine, kind, or a company's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infra.clusters.cluster import Cluster, kubernetes_provider

if TYPE_CHECKING:
    from infra.settings import Settings


def connect(settings: Settings) -> Cluster:
    """Return the cluster that the stack's kubeconfig and context name."""
    provider = kubernetes_provider(
        "cluster",
        # The settings refuse a stack that is to use a cluster and does not say how.
        kubeconfig=cast("str", settings.kubeconfig),
        context=cast("str", settings.kube_context),
        identifier=settings.cluster_identifier,
    )
    return Cluster(provider=provider, storage_class=settings.storage_class)
