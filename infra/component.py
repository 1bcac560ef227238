"""How this program declares things: one component base, one class for Kubernetes objects.

A manifest is plain data in the API's own spelling, made by a pure function that can be
printed, compared with a golden file and checked by any Kubernetes linter. This module is
the only place where such data becomes a resource.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from infra.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Manifest = dict[str, Any]
"""One Kubernetes object as the API server takes it."""

_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class KubernetesObject(pulumi.CustomResource):
    """Any Kubernetes object, declared from its manifest.

    The values of a Secret become secrets of the stack here, so that no caller can forget it.
    """

    metadata: pulumi.Output[dict[str, Any]]
    status: pulumi.Output[dict[str, Any] | None]

    def __init__(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> None:
        properties = with_field_manager(manifest)
        if manifest["kind"] == "Secret":
            properties["stringData"] = pulumi.Output.secret(manifest["stringData"])
            opts = pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
            )
        if manifest["kind"] == "Service":
            # Not an input: what the API server says of an object is asked for by naming it.
            properties["status"] = None
        super().__init__(type_token(manifest), name, properties, opts)

    @property
    def balancer(self) -> pulumi.Output[str]:
        """Where the balancer of a Service is: its address, or its name where the cloud gives it one."""
        return self.status.apply(balancer_of)


class ServiceOfAChart(pulumi.CustomResource):
    """A Service that a chart has made, as the cluster has it: it is only looked at."""

    status: pulumi.Output[dict[str, Any] | None]

    def __init__(self, name: str, identifier: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        """Look at it.

        Args:
            name: Logical name.
            identifier: Its namespace and name, known once it is there: ``ingress/traefik``.
            opts: The cluster's provider among them.
        """
        asked = pulumi.ResourceOptions(id=identifier)
        super().__init__(
            "kubernetes:core/v1:Service", name, {"status": None}, pulumi.ResourceOptions.merge(opts, asked)
        )

    @property
    def balancer(self) -> pulumi.Output[str]:
        """Where its balancer is: its address, or its name where the cloud gives it one."""
        return self.status.apply(balancer_of)


def balancer_of(status: Mapping[str, Any] | None) -> str:
    """Return where a Service's balancer is.

    Args:
        status: What the API server says of the Service.

    Raises:
        pulumi.RunError: There is none yet.
    """
    for entrance in ((status or {}).get("loadBalancer") or {}).get("ingress") or []:
        found: str = entrance.get("hostname") or entrance["ip"]
        return found
    message = (
        "a Service of type LoadBalancer has no address yet: run again once the cloud has made its balancer"
    )
    raise pulumi.RunError(message)


def type_token(manifest: Mapping[str, Any]) -> str:
    """Return the provider's token for a manifest: ``kubernetes:apps/v1:Deployment``."""
    api_version = manifest["apiVersion"]
    group_version = api_version if "/" in api_version else f"core/{api_version}"
    return f"kubernetes:{group_version}:{manifest['kind']}"


def with_field_manager(manifest: Manifest) -> Manifest:
    """Return the manifest with the fixed field manager, without which every object gets a random one."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), "pulumi.com/patchFieldManager": FIELD_MANAGER}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def logical_name(manifest: Mapping[str, Any]) -> str:
    """Return what an object is called inside its component: ``service-postgres``."""
    kind = _CAMEL_HUMP.sub(r"-\1", manifest["kind"]).lower()
    return f"{kind}-{manifest['metadata']['name']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a component's objects go, and what may not happen to them.

    Attributes:
        provider: The explicit provider of the cluster.
        protect: Whether what holds data is protected from deletion and replacement.
    """

    provider: pulumi.ProviderResource
    protect: bool


class Component(pulumi.ComponentResource):
    """A group of Kubernetes objects under one name.

    Children get their parent and the provider from here and never the caller's options:
    merged options would hand on parents and aliases that belong to the component alone.
    """

    def __init__(
        self, token: str, name: str, *, placement: Placement, opts: pulumi.ResourceOptions | None
    ) -> None:
        super().__init__(token, name, {}, opts)
        self._name = name
        self._placement = placement

    def declare(
        self,
        manifest: Manifest,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        deleted_with: pulumi.Resource | None = None,
        holds_data: bool = False,
        outlasts: bool = False,
    ) -> KubernetesObject:
        """Declare one object of this component.

        Args:
            manifest: The object.
            depends_on: What has to be ready before it is created.
            deleted_with: The object whose deletion takes this one along: the namespace.
            holds_data: Whether its deletion would lose data that nothing else has.
            outlasts: Whether it stays in the cluster when it is declared no more. Declared again, it
                is taken over as it is.
        """
        return KubernetesObject(
            f"{self._name}-{logical_name(manifest)}",
            manifest,
            self.child_options(
                depends_on=depends_on,
                deleted_with=deleted_with,
                protect=holds_data and self._placement.protect,
                retain_on_delete=outlasts,
            ),
        )

    def child_options(
        self,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        deleted_with: pulumi.Resource | None = None,
        protect: bool = False,
        retain_on_delete: bool = False,
    ) -> pulumi.ResourceOptions:
        """Return the options of a child: this component as its parent, the cluster's provider."""
        return pulumi.ResourceOptions(
            parent=self,
            provider=self._placement.provider,
            depends_on=list(depends_on),
            deleted_with=deleted_with,
            protect=protect,
            retain_on_delete=retain_on_delete,
        )
