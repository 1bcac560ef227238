"""A place for files in Azure: a storage account, with a container for each namespace.

A container for each, because the right of an identity in Azure ends at a container: below
it, only a condition on names would, which has to be written anew for every identity.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pulumi_azure_native import managedidentity, storage

if TYPE_CHECKING:
    from infra.clusters.aks.azure import AzureComponent
    from infra.clusters.aks.identities import AzureIdentities
    from infra.clusters.aks.keys import Key
    from infra.clusters.services import Identity


class AzureStore:
    """A storage account without keys: only identities get in."""

    def __init__(  # noqa: PLR0913 - what it is made with, and what it is to be
        self,
        azure: AzureComponent,
        identities: AzureIdentities,
        key: Key,
        part: str,
        name: str,
        *,
        undelete_days: int,
    ) -> None:
        self._azure = azure
        self._identities = identities
        self._part = part
        self._account = self._make_account(name, key)
        azure.lock(f"{part}-lock", self._account.id, "Customers' backups are in this account.")
        self._keep_deleted(undelete_days)

    def _make_account(self, name: str, key: Key) -> storage.StorageAccount:
        azure, part = self._azure, self._part
        reader = managedidentity.UserAssignedIdentity(
            f"{azure.name}-{part}-key",
            resource_group_name=azure.group.name,
            tags=azure.tags,
            opts=azure.child(),
        )
        right = azure.allow(
            f"{part}-uses-key",
            "Key Vault Crypto Service Encryption User",
            principal=reader.principal_id,
            scope=key.vault.id,
        )
        return storage.StorageAccount(
            f"{azure.name}-{part}",
            account_name=name,
            resource_group_name=azure.group.name,
            kind=storage.Kind.STORAGE_V2,
            sku=storage.SkuArgs(
                name=storage.SkuName.STANDARD_ZRS if azure.settings.zones else storage.SkuName.STANDARD_LRS
            ),
            allow_blob_public_access=False,
            # A key of the account would open every customer's container.
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            allow_cross_tenant_replication=False,
            enable_https_traffic_only=True,
            minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
            identity=storage.IdentityArgs(
                type=storage.IdentityType.USER_ASSIGNED, user_assigned_identities=[reader.id]
            ),
            encryption=storage.EncryptionArgs(
                key_source=storage.KeySource.MICROSOFT_KEYVAULT,
                # Without a version: a new one of the key is used as soon as it is there.
                key_vault_properties=storage.KeyVaultPropertiesArgs(
                    key_name=key.key.name,
                    key_vault_uri=key.vault.properties.apply(lambda vault: vault.vault_uri),
                ),
                encryption_identity=storage.EncryptionIdentityArgs(
                    encryption_user_assigned_identity=reader.id
                ),
                require_infrastructure_encryption=True,
            ),
            tags=azure.tags,
            opts=azure.child(depends_on=[right]),
        )

    def _keep_deleted(self, days: int) -> None:
        """Keep what is overwritten or deleted, for a while."""
        azure, part = self._azure, self._part
        kept = storage.DeleteRetentionPolicyArgs(enabled=True, days=days)
        versions = storage.BlobServiceProperties(
            f"{azure.name}-{part}",
            account_name=self._account.name,
            resource_group_name=azure.group.name,
            blob_services_name="default",
            is_versioning_enabled=True,
            delete_retention_policy=kept,
            container_delete_retention_policy=kept,
            opts=azure.child(),
        )
        storage.ManagementPolicy(
            f"{azure.name}-{part}",
            account_name=self._account.name,
            resource_group_name=azure.group.name,
            management_policy_name="default",
            policy=storage.ManagementPolicySchemaArgs(
                rules=[
                    storage.ManagementPolicyRuleArgs(
                        name="old-versions",
                        type=storage.RuleType.LIFECYCLE,
                        enabled=True,
                        definition=storage.ManagementPolicyDefinitionArgs(
                            actions=storage.ManagementPolicyActionArgs(
                                version=storage.ManagementPolicyVersionArgs(
                                    delete=storage.DateAfterCreationArgs(
                                        days_after_creation_greater_than=days
                                    )
                                )
                            ),
                            filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
                        ),
                    )
                ]
            ),
            opts=azure.child(depends_on=[versions]),
        )

    def part(self, namespace: str, service_account: str) -> Identity:
        """Return the identity that may read and write its own container, and no other."""
        azure = self._azure
        part = f"{self._part}-{namespace}"
        container = storage.BlobContainer(
            f"{azure.name}-{part}",
            container_name=namespace,
            account_name=self._account.name,
            resource_group_name=azure.group.name,
            public_access=storage.PublicAccess.NONE,
            opts=azure.passing(kept=True),
        )
        identity = self._identities.identity(
            part, namespace=namespace, service_account=service_account, opts=azure.passing()
        )
        right = azure.allow(
            part,
            "Storage Blob Data Contributor",
            principal=identity.principal,
            scope=container.id,
            opts=azure.passing(),
        )
        return dataclasses.replace(identity, ready=[*identity.ready, right])
