"""What every part of the cluster in Google Cloud is made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_gcp import Provider

from infra.clusters.cloud import CloudArgs, CloudCluster

if TYPE_CHECKING:
    from infra.clusters.cloud_settings import GkeSettings


class GoogleComponent(CloudCluster):
    """A group of resources in Google Cloud.

    Attributes:
        settings: What the stack chose.
        tags: Of everything.
    """

    def __init__(self, kind: str, name: str, args: CloudArgs, settings: GkeSettings) -> None:
        self.tags = args.tags(settings.tags)
        provider = Provider(
            f"{name}-google",
            project=settings.project,
            region=settings.region,
            default_labels=self.tags,
        )
        super().__init__(kind, name, args, provider)
        self.settings = settings
