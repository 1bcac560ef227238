"""What one stack declares: a cluster, the platform on it, and an instance per customer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi

from infra.clusters import choose
from infra.clusters.cloud_settings import balancer_annotations
from infra.component import Placement
from infra.configuration import read_settings
from infra.customer.authentication import refuse_unreadable
from infra.customer.available import refuse_unavailable, refuse_unsupported
from infra.customer.instance import CustomerInstance, CustomerInstanceArgs
from infra.customer.model import Credentials, Instance, Surroundings
from infra.images import ImageSource, load_images
from infra.platform.backup_store import identities_of, make_backup_store
from infra.platform.billing_parts import declare_billing
from infra.platform.dns import declare_names
from infra.platform.front_rules import refuse_unissuable
from infra.platform.monitoring_stack import PROMETHEUS
from infra.platform.parts import Parts, declare_platform
from infra.platform.velero_parts import declare_velero
from infra.preview import apart, previewed
from infra.removal import deployed_tenants, refuse_vanished
from tenants.errors import UsageError
from tenants.key_ring import KeyRing
from tenants.plans import load_plans
from tenants.registry import EnvironmentFacts, Registry, load_registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.clusters.cluster import Cluster
    from infra.clusters.services import Identity, Store, Zone
    from infra.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
REGISTRY_DIRECTORY: Final = ROOT / "tenants" / "registry"
PLANS_FILE: Final = ROOT / "tenants" / "plans.yaml"


def main() -> None:
    """Run the program, and say what a person can mend without a traceback."""
    pulumi.run(_declare_or_refuse)


async def _declare_or_refuse() -> dict[str, Any]:
    try:
        return await declare()
    except UsageError as error:
        message = f"the input is refused and nothing was changed\n{error}"
        raise pulumi.RunError(message) from None


async def declare() -> dict[str, Any]:
    """Declare everything, once everything that can be checked beforehand is right.

    Returns:
        The stack's outputs.

    Raises:
        UsageError: If the configuration or the registry is refused.
    """
    settings = read_settings(pulumi.Config().get, stack=pulumi.get_stack())
    images = image_source(settings)
    where = f"Pulumi.{pulumi.get_stack()}.yaml"
    images.check(where=where)
    refuse_unsupported(load_images(images).api, where=where)
    folder = registry_folder(settings.environment)
    registry = read_registry(environment=settings.environment, domain=settings.domain)
    if settings.preview is not None:
        registry = previewed(registry, settings.preview, folder=folder, where=where)
    refuse_unavailable(
        registry.tenants,
        folder=folder,
        surroundings=surroundings_of(settings),
    )
    refuse_unissuable(settings, registry.tenants, where=where)
    if settings.preview is None:
        # A preview has no data to lose, and whom it shows is chosen anew with each push.
        refuse_vanished(
            deployed=await deployed_tenants(),
            registered={tenant.id for tenant in registry.tenants},
            removed=registry.removed,
            folder=folder,
        )
    instances = instances_of(settings, registry)
    refuse_unreadable(instances, where=where)

    cluster = choose.connect(settings, images)
    placement = Placement(provider=cluster.provider, protect=settings.protect)
    zone = make_zone(settings, cluster)
    backups: Mapping[str, Identity] = {}
    store: Store | None = None
    if settings.backup_store is not None and cluster.services is not None:
        store = make_backup_store(settings.backup_store, cluster.services)
        backups = identities_of(store, registry.tenants)
    platform = Parts(ready=())
    if settings.preview is None:
        platform = declare_platform(settings, images=images, placement=placement, cluster=cluster, zone=zone)
        if store is not None:
            declare_velero(
                settings, store=store, images=images, placement=placement, depends_on=platform.ready
            )
        declare_billing(
            settings,
            images=images,
            placement=placement,
            services=cluster.services,
            store=store,
            depends_on=platform.ready,
        )
    customers = {
        instance.tenant.id: CustomerInstance(
            instance.tenant.id,
            CustomerInstanceArgs(
                instance=instance,
                placement=placement,
                depends_on=platform.ready,
                backup_identity=backups.get(instance.tenant.id),
            ),
        )
        for instance in instances
    }
    outputs: dict[str, Any] = {
        "tenants": {
            tenant: {"url": customer.url, "mqtt": customer.mqtt_address}
            for tenant, customer in customers.items()
        }
    }
    if zone is not None:
        outputs["nameServers"] = zone.name_servers
        if settings.dns is not None:
            declare_names(
                zone,
                ingress=settings.dns.ingress_address
                or (platform.ingress.find_balancer() if platform.ingress else None),
                edge=platform.edge.address if platform.edge else None,
                tenants=registry.tenants,
                customers=customers,
            )
    return outputs


def make_zone(settings: Settings, cluster: Cluster) -> Zone | None:
    """Make the domain's zone where the stack wants names in it, or certificates by it."""
    wanted = settings.dns is not None or settings.certificates.own_zone(settings.cluster)
    return cluster.services.zone(settings.domain) if wanted and cluster.services is not None else None


def registry_folder(environment: str) -> str:
    """Return an environment's folder of tenant files, as messages show it."""
    return str((REGISTRY_DIRECTORY / environment).relative_to(ROOT))


def read_registry(*, environment: str, domain: str) -> Registry:
    """Return the registry of an environment, checked as a whole.

    Raises:
        UsageError: With every problem of every file.
    """
    return load_registry(
        REGISTRY_DIRECTORY,
        environment=environment,
        plans=load_plans(PLANS_FILE),
        facts=EnvironmentFacts(domain=domain),
    )


def image_source(settings: Settings) -> ImageSource:
    """Return where every image of the stack comes from."""
    return ImageSource(mirror=settings.image_mirror, overrides=settings.image_overrides)


def instances_of(settings: Settings, registry: Registry) -> Sequence[Instance]:
    """Return every customer's instance as data, licences and passwords included."""
    images = load_images(image_source(settings))
    licence_keys = KeyRing.from_pems(settings.licence_private_keys)
    licence_keys.check(registry.tenants)
    surroundings = surroundings_of(settings)
    return [
        Instance(
            tenant=replace(tenant, sizes=tenant.sizes.promising(settings.cpu_request_percent)),
            surroundings=surroundings,
            images=images.pinned(tenant.version),
            credentials=Credentials.issue(tenant, master_key=settings.master_key, licence_keys=licence_keys),
        )
        for tenant in registry.tenants
    ]


def surroundings_of(settings: Settings) -> Surroundings:
    """Return what the cluster and the platform offer every customer."""
    certificates, watch = settings.certificates, settings.monitoring_stack
    found = Surroundings(
        domain=settings.domain,
        storage_class=settings.storage_class,
        routes=settings.routes,
        ingress_class=settings.ingress_class,
        await_routes=settings.await_routes,
        broker_issuer=settings.broker_issuer,
        web_issuer=certificates.issuer_name,
        own_certificates=certificates.scope == "customer",
        answers_authority=certificates.scope == "customer" and certificates.issuer == "http01",
        answers_for_extra=certificates.public,
        monitoring=settings.monitoring,
        billing_port=None if settings.billing is None else settings.billing.port,
        prometheus=PROMETHEUS if watch.install else watch.service,
        backup_repository=settings.backup_repository,
        backup_route=settings.backup_route,
        backup_access=settings.backup_access,
        balancer=balancer_annotations(settings.cluster),
        mqtt_authentication=settings.mqtt_authentication,
    )
    return found if settings.preview is None else apart(found)
