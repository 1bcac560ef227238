"""What every option with a volume of its own is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.customer.pods import service, volume_claim, workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.exemptions import Exemption
    from infra.images import Image


def with_volume(  # noqa: PLR0913 - an option has this many independent parts
    instance: Instance,
    app: str,
    *,
    component: str,
    image: Image,
    size: str,
    ports: Mapping[str, int],
    template: Mapping[str, Any],
    exempt: Sequence[Exemption] = (),
) -> list[Manifest]:
    """Return an option's claim, its one pod, and its Service.

    Args:
        instance: The customer's instance.
        app: Name of the option, as Kubernetes writes names.
        component: Its part in the instance.
        image: The main container's image, for the version label.
        size: How large the volume is.
        ports: Port names and numbers.
        template: The pod.
        exempt: What linters find in it beyond what they find in every one.
    """
    return [
        volume_claim(instance, app, component=component, size=size),
        workload(
            instance,
            "Deployment",
            app,
            component=component,
            image=image,
            template=template,
            # What is in the volume has one writer at a time: the old pod goes first.
            strategy={"strategy": {"type": "Recreate"}},
            exempt=exempt,
        ),
        service(instance, app, component=component, ports=ports),
    ]
