"""What the customers of an environment need of a node: images and processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.instance import manifests as instance_objects
from infra.images import load_platform_image
from infra.platform.billing import manifests as billing_objects
from infra.platform.billing_parts import billing_of
from infra.platform.mqtt_proxy import CPU_REQUEST
from infra.program import image_source, instances_of
from tenants.errors import UsageError
from tenants.quantities import millicores
from tenants.sizing import WATCHER, WATCHERS, components

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.component import Manifest
    from infra.settings import Settings
    from tenants.registry import Registry
    from tenants.tenant import Tenant

_CLUSTER_MILLICORES = 10
"""What the cluster's DNS asks for."""


def wanted_images(settings: Settings, registry: Registry) -> list[str]:
    """Return the references of all images that an environment's pods run, as the program declares them.

    Charts are not among them: each names its own images, and only when it is installed.

    Args:
        settings: The stack's configuration.
        registry: The customers.
    """
    source = image_source(settings)
    objects = [item for instance in instances_of(settings, registry) for item in instance_objects(instance)]
    if settings.billing is not None:
        objects += billing_objects(billing_of(settings, settings.billing, source, labels={}))
    found = {image for item in objects for image in _images(item)}
    if settings.mqtt_edge.enabled:
        found.add(str(load_platform_image("haproxy", source)))
    return sorted(found)


def _images(item: Manifest) -> Iterator[str]:
    """Yield the images of an object's pods, if it has any that run."""
    spec = item.get("spec", {})
    if spec.get("replicas") == 0 or spec.get("suspend"):
        return
    pod = spec.get("jobTemplate", {"spec": spec})["spec"].get("template", {}).get("spec", {})
    for container in (*pod.get("initContainers", ()), *pod.get("containers", ())):
        yield container["image"]


def refuse_small_machine(registry: Registry, *, processors: int, cpu_percent: int = 100) -> None:
    """Refuse customers that together ask for more processors than a node has.

    Args:
        registry: The customers.
        processors: How many the node has.
        cpu_percent: The part of the plans' processor that is set aside.

    Raises:
        UsageError: Some pods would never be given a place.
    """
    wanted = {tenant.id: _millicores(tenant, cpu_percent) for tenant in registry.tenants if tenant.runs}
    needed = sum(wanted.values()) + millicores(CPU_REQUEST) + _CLUSTER_MILLICORES
    if needed <= processors * 1000:
        return
    listing = ", ".join(f"{tenant} {amount / 1000:.2f}" for tenant, amount in wanted.items())
    raise UsageError.of(
        where="this machine",
        what=f"has {processors} processors, and its customers ask for {needed / 1000:.2f}: {listing}, "
        "the rest for the MQTT edge and the DNS of the cluster",
        why="some pods would find no place on the one node, and the run would wait for them in vain",
        how="suspend a customer (iotistic tenant suspend <id>), or set less of their processor aside "
        "(iotistic:cpuRequestPercent in Pulumi.dev.yaml), or use a machine with more processors, "
        "or the simulated nodes (make up)",
    )


def _millicores(tenant: Tenant, cpu_percent: int) -> int:
    """Return the processor requests of a customer's pods, as the scheduler adds them up."""
    promised = tenant.sizes.promising(cpu_percent)
    sizes = [getattr(promised, name) for name in components(tenant.options)] + [WATCHER] * WATCHERS
    return sum(millicores(size.cpu_request) for size in sizes)
