"""Identities in Azure, for what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_azure_native import managedidentity

from infra.clusters.cloud_settings import AksSettings
from infra.clusters.services import Identity

if TYPE_CHECKING:
    import pulumi
    from pulumi_azure_native import containerservice

    from infra.clusters.aks.azure import AzureComponent

TOKEN_AUDIENCE: Final = "api://AzureADTokenExchange"  # noqa: S105 - a name, published by Microsoft


class AzureIdentities:
    """Identities that trust the cluster's own tokens."""

    def __init__(self, azure: AzureComponent, made: containerservice.ManagedCluster) -> None:
        self._azure = azure
        self._issuer = made.oidc_issuer_profile.apply(lambda profile: profile.issuer_url if profile else "")

    def identity(
        self,
        part: str,
        *,
        namespace: str,
        service_account: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> Identity:
        """Return an identity that trusts the cluster's own tokens of one service account."""
        azure = self._azure
        opts = opts or azure.child()
        identity = managedidentity.UserAssignedIdentity(
            f"{azure.name}-{part}", resource_group_name=azure.group.name, tags=azure.tags, opts=opts
        )
        trust = managedidentity.FederatedIdentityCredential(
            f"{azure.name}-{part}",
            resource_group_name=azure.group.name,
            resource_name_=identity.name,
            federated_identity_credential_resource_name=part,
            issuer=self._issuer,
            subject=f"system:serviceaccount:{namespace}:{service_account}",
            audiences=[TOKEN_AUDIENCE],
            opts=opts,
        )
        return Identity(
            principal=identity.principal_id,
            annotations={"azure.workload.identity/client-id": identity.client_id},
            pod_labels=AksSettings.IDENTITY_LABELS,
            ready=[trust],
        )
