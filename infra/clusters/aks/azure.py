"""What every part of the cluster in Azure is made with."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from pulumi_azure_native import Provider, authorization, resources

from infra.clusters.cloud import CloudArgs, CloudCluster

if TYPE_CHECKING:
    import pulumi

    from infra.clusters.cloud_settings import AksSettings

ROLES: Final = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "DNS Zone Contributor": "befefa01-2a29-4197-83a8-272ff33ce314",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
}
"""Ids of built-in roles. The same in every subscription, published by Microsoft."""

_NAMESPACE: Final = uuid.UUID("5a0b6c1e-6a0f-5b83-9d39-1b1f0d7c6a55")
"""Makes the ids of role assignments, which have to be UUIDs, from their names. Any would do, if it stays."""


class AzureComponent(CloudCluster):
    """A group of resources in Azure.

    Attributes:
        settings: What the stack chose.
        tags: Of everything.
        group: The resource group.
    """

    def __init__(self, kind: str, name: str, args: CloudArgs, settings: AksSettings) -> None:
        provider = Provider(
            f"{name}-azure", subscription_id=settings.subscription_id, tenant_id=settings.tenant_id
        )
        super().__init__(kind, name, args, provider)
        self.settings = settings
        self.tags = args.tags(settings.tags)
        self.group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args.name,
            location=settings.region,
            tags=self.tags,
            opts=self.child(),
        )

    def allow(  # noqa: PLR0913 - who may do what, and where
        self,
        part: str,
        role: str,
        *,
        principal: pulumi.Input[str],
        scope: pulumi.Input[str],
        subscription: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> authorization.RoleAssignment:
        """Let one identity do one thing in one place.

        Args:
            part: What this right is called.
            role: Name of a built-in role.
            principal: Id of the identity.
            scope: Id of the resource that it is for.
            subscription: The resource's, where it is not the cluster's own.
            opts: Where it is not a part of the cluster for ever.
        """
        known_in = subscription or self.settings.subscription_id
        definitions = f"/subscriptions/{known_in}/providers/Microsoft.Authorization"
        return authorization.RoleAssignment(
            f"{self.name}-{part}",
            role_assignment_name=str(uuid.uuid5(_NAMESPACE, f"{self.args.name}/{part}")),
            principal_id=principal,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            role_definition_id=f"{definitions}/roleDefinitions/{ROLES[role]}",
            scope=scope,
            opts=opts or self.child(),
        )

    def lock(self, part: str, scope: pulumi.Input[str], why: str) -> None:
        """Have Azure itself refuse to delete a resource, where that is asked for."""
        if self.args.protect:
            authorization.ManagementLockByScope(
                f"{self.name}-{part}",
                scope=scope,
                level=authorization.LockLevel.CAN_NOT_DELETE,
                notes=why,
                opts=self.child(),
            )
