"""Which cluster a stack runs on, by its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.clusters import existing
from infra.clusters.cloud import CloudArgs
from infra.clusters.support import load_support

if TYPE_CHECKING:
    from infra.clusters.cluster import Cluster
    from infra.images import ImageSource
    from infra.settings import Settings


def connect(settings: Settings, images: ImageSource) -> Cluster:
    """Return the stack's cluster, with everything it consists of declared if the program makes it.

    A cloud's SDK is imported only where it is used: each takes up to a second.

    Args:
        settings: What the stack chose.
        images: Where images come from.
    """
    chosen = settings.cloud
    if chosen is None:
        return existing.connect(settings)
    if warning := load_support(chosen.kind).warning(chosen.kubernetes_version):
        pulumi.log.warn(warning)
    args = CloudArgs.of(settings, images)
    if chosen.kind == "aks":
        from infra.clusters.aks.cluster import AksCluster  # noqa: PLC0415 - see above

        return AksCluster("cloud", args, chosen).cluster
    if chosen.kind == "eks":
        from infra.clusters.eks.cluster import EksCluster  # noqa: PLC0415 - see above

        return EksCluster("cloud", args, chosen).cluster
    from infra.clusters.gke.cluster import GkeCluster  # noqa: PLC0415 - see above

    return GkeCluster("cloud", args, chosen).cluster
