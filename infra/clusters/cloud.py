"""What clusters of all clouds have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi

from infra.clusters.cluster import Cluster, kubernetes_provider
from infra.component import KubernetesObject
from infra.names import platform_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.clusters.services import Services
    from infra.images import ImageSource
    from infra.settings import Settings

NODE_NETWORK: Final = "10.64.0.0/16"
POD_NETWORK: Final = "10.128.0.0/14"
SERVICE_NETWORK: Final = "10.96.0.0/16"
"""Networks of a cluster, clear of each other. Services: 65,000, far more than one cluster should have."""

RECORD_SECONDS: Final = 300
"""How long a name's answer may be remembered: a balancer that is replaced is found again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudArgs:
    """What every cloud's cluster is made from, besides its own settings.

    Attributes:
        name: Name of the cluster and the start of every other name: the cluster's identifier.
        environment: The environment's name.
        storage_class: What the customers' StorageClass is called.
        protect: Whether nothing of it may be deleted or replaced.
        images: Where images come from.
    """

    name: str
    environment: str
    storage_class: str
    protect: bool
    images: ImageSource

    @classmethod
    def of(cls, settings: Settings, images: ImageSource) -> CloudArgs:
        """Return what a stack's settings say."""
        return cls(
            name=settings.cluster_identifier,
            environment=settings.environment,
            storage_class=settings.storage_class,
            protect=settings.protect,
            images=images,
        )

    def tags(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the tags of everything in the cloud."""
        return {**more, "part-of": "iotistic", "managed-by": "pulumi", "environment": self.environment}


class CloudCluster(pulumi.ComponentResource):
    """A cluster with everything it needs, in one cloud.

    Children get their parent and the cloud's provider from here and never the caller's options.

    Attributes:
        name: Start of all its resources' logical names.
        args: What it is made from.
        provider: The cloud's explicit provider.
    """

    def __init__(self, kind: str, name: str, args: CloudArgs, provider: pulumi.ProviderResource) -> None:
        super().__init__(f"iotistic:clusters:{kind}", name)
        self.name = name
        self.args = args
        self.provider = provider

    def child(
        self, *, depends_on: Sequence[pulumi.Resource] = (), ignore_changes: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """Return the options of a child."""
        return pulumi.ResourceOptions(
            parent=self,
            provider=self.provider,
            protect=self.args.protect,
            depends_on=list(depends_on),
            ignore_changes=list(ignore_changes),
        )

    def lasting(self, *, passing: bool) -> pulumi.ResourceOptions:
        """Return the options of a child that is one of the cluster's own, or goes with its customer."""
        return self.passing() if passing else self.child()

    def passing(self, *, kept: bool = False) -> pulumi.ResourceOptions:
        """Return the options of a child that goes with its customer.

        Args:
            kept: Whether what it stands for stays behind in the cloud: it may hold data.
        """
        return pulumi.ResourceOptions(parent=self, provider=self.provider, retain_on_delete=kept)

    def connected(
        self,
        kubeconfig: pulumi.Output[str],
        storage: Mapping[str, Any],
        services: Services,
        *,
        ready: Sequence[pulumi.Resource],
    ) -> Cluster:
        """Return the cluster as the rest of the program knows it, with its own StorageClass.

        Args:
            kubeconfig: How to reach it, without any secret.
            storage: Provisioner and parameters of encrypted volumes.
            services: What the cloud offers to what runs in it.
            ready: What has to exist before anything runs there: the nodes.
        """
        provider = kubernetes_provider(
            "cluster", kubeconfig=kubeconfig, context=self.args.name, identifier=self.args.name
        )
        storage_class = self.args.storage_class
        volumes = KubernetesObject(
            f"cluster-storage-class-{storage_class}",
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {
                    "name": storage_class,
                    "labels": platform_labels(storage_class, self.args.environment),
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                },
                **storage,
                "allowVolumeExpansion": True,
                # In the zone where the pod is going to run.
                "volumeBindingMode": "WaitForFirstConsumer",
                # A claim that is deleted by mistake does not take the data along.
                "reclaimPolicy": "Retain" if self.args.protect else "Delete",
            },
            pulumi.ResourceOptions(parent=self, provider=provider, depends_on=list(ready)),
        )
        return Cluster(provider=provider, storage_class=storage_class, services=services, ready=[volumes])


def kubeconfig(name: str, *, server: str, authority: str, command: Mapping[str, Any]) -> str:
    """Return a kubeconfig that asks a program for a short-lived token at each use.

    Args:
        name: The cluster's name, and its context's.
        server: URL of the API server.
        authority: Its authority's certificate, base64.
        command: The program, as ``command``, ``args`` and maybe ``env``.
    """
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": False,
            **command,
        }
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}
            ],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        sort_keys=True,
    )


def record_part(host: str) -> str:
    """Return what a DNS record is called among the cluster's resources."""
    return f"record-{'any' if host == '*' else host}"
