"""Billing's place in a stack, by its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.backup import SERVICE_ACCOUNT
from infra.images import load_images, load_platform_image, parse
from infra.names import BILLING_NAMESPACE
from infra.platform.billing import APP, BillingArgs, BillingPlace
from infra.platform.billing_model import Billing, BillingCredentials
from infra.platform.web_route import Page, declare_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.clusters.services import Services, Store
    from infra.component import Placement
    from infra.images import ImageSource
    from infra.platform.billing_settings import BillingSettings
    from infra.settings import Settings


def declare_billing(  # noqa: PLR0913 - what a part of the platform is given is this much
    settings: Settings,
    *,
    images: ImageSource,
    placement: Placement,
    services: Services | None,
    store: Store | None,
    depends_on: Sequence[pulumi.Resource],
) -> None:
    """Declare billing's place, if the stack has one.

    Args:
        settings: The stack's configuration.
        images: Where images come from.
        placement: Where everything goes.
        services: What the cloud offers, where the stack made the cluster.
        store: Where backups go, if the stack makes a place for them.
        depends_on: The platform.
    """
    if settings.billing is None:
        return
    identity = None
    if services is not None:
        identity = services.identity(APP, namespace=BILLING_NAMESPACE, service_account=APP)
    billing = billing_of(settings, settings.billing, images, labels=identity.pod_labels if identity else {})
    place = BillingPlace(
        "billing",
        BillingArgs(
            billing=billing,
            identity=identity,
            backup_identity=store.part(BILLING_NAMESPACE, SERVICE_ACCOUNT) if store is not None else None,
            placement=placement,
            depends_on=depends_on,
        ),
    )
    page = Page(
        name=APP,
        namespace=BILLING_NAMESPACE,
        host=billing.host,
        service=APP,
        port=billing.settings.port,
    )
    declare_page(settings, page, placement=placement, depends_on=place.ready)


def billing_of(
    settings: Settings, chosen: BillingSettings, images: ImageSource, *, labels: Mapping[str, str]
) -> Billing:
    """Return billing as data.

    Args:
        settings: The stack's configuration.
        chosen: What it says of billing.
        images: Where images come from.
        labels: Of the service's pods, where a cloud gives them an identity by labels.
    """
    return Billing(
        environment=settings.environment,
        domain=settings.domain,
        settings=chosen,
        volume_class=settings.storage_class,
        images=load_images(images),
        image=images.find(APP, parse(chosen.image)),
        redis_image=load_platform_image("redis", images),
        credentials=BillingCredentials.issue(settings.master_key, epoch=chosen.epoch),
        secrets=settings.billing_secrets,
        pod_labels=labels,
        backup_repository=settings.backup_repository,
        backup_route=settings.backup_route,
        backup_access=settings.backup_access,
        monitoring=settings.monitoring,
    )
