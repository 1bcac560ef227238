"""Velero in a stack, by its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.platform.velero import NAMESPACE, SERVICE_ACCOUNT, Copies, Velero, VeleroArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import Store
    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings


def declare_velero(
    settings: Settings,
    *,
    store: Store,
    images: ImageSource,
    placement: Placement,
    depends_on: Sequence[pulumi.Resource],
) -> None:
    """Declare Velero, if the stack wants it.

    Args:
        settings: The stack's configuration.
        store: The place for backups.
        images: Where images come from.
        placement: Where everything goes.
        depends_on: The platform.
    """
    cloud, kept = settings.cloud, settings.backup_store
    if not settings.velero.enabled or cloud is None or kept is None:
        return
    Velero(
        "velero",
        VeleroArgs(
            copies=Copies(
                environment=settings.environment,
                settings=settings.velero,
                place=cloud.copies(kept.name, cluster=settings.cluster_identifier),
                route=cloud.objects(kept.name, NAMESPACE),
                monitoring=settings.monitoring,
                images=images,
            ),
            identity=store.part(NAMESPACE, SERVICE_ACCOUNT),
            placement=placement,
            depends_on=depends_on,
        ),
    )
