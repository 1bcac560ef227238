"""The cluster's key in Azure, and who may use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_azure_native import compute, keyvault

if TYPE_CHECKING:
    import pulumi

    from infra.clusters.aks.azure import AzureComponent

KEY_SIZE: Final = 3072

ROTATION: Final = "P90D"
"""How old a version of the key gets until there is a new one (ISO 8601). Old ones stay, as what they
encrypted does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key of Secrets, nodes' disks, customers' volumes and backups.

    Attributes:
        vault: Where it is.
        key: The key.
        disks: What encrypts disks with it.
        use: The right without which it encrypts none.
    """

    vault: keyvault.Vault
    key: keyvault.Key
    disks: compute.DiskEncryptionSet
    use: pulumi.Resource


def make_key(azure: AzureComponent) -> Key:
    """Make the key."""
    name, settings = azure.name, azure.settings
    vault = keyvault.Vault(
        f"{name}-vault",
        vault_name=settings.key_vault_name,
        resource_group_name=azure.group.name,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=settings.tenant_id,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            # Without the key every Secret, every volume and every backup is lost.
            enable_purge_protection=True,
            soft_delete_retention_in_days=90,
        ),
        tags=azure.tags,
        opts=azure.child(),
    )
    key = keyvault.Key(
        f"{name}-key",
        resource_group_name=azure.group.name,
        vault_name=vault.name,
        key_name=azure.args.name,
        properties=keyvault.KeyPropertiesArgs(
            kty=keyvault.JsonWebKeyType.RSA,
            key_size=KEY_SIZE,
            rotation_policy=keyvault.RotationPolicyArgs(
                lifetime_actions=[
                    keyvault.LifetimeActionArgs(
                        action=keyvault.ActionArgs(type=keyvault.KeyRotationPolicyActionType.ROTATE),
                        trigger=keyvault.TriggerArgs(time_after_create=ROTATION),
                    )
                ]
            ),
        ),
        opts=azure.child(),
    )
    disks, use = _disk_encryption(azure, vault, key)
    return Key(vault=vault, key=key, disks=disks, use=use)


def _disk_encryption(
    azure: AzureComponent, vault: keyvault.Vault, key: keyvault.Key
) -> tuple[compute.DiskEncryptionSet, pulumi.Resource]:
    disks = compute.DiskEncryptionSet(
        f"{azure.name}-disks",
        resource_group_name=azure.group.name,
        identity=compute.EncryptionSetIdentityArgs(
            type=compute.DiskEncryptionSetIdentityType.SYSTEM_ASSIGNED
        ),
        active_key=compute.KeyForDiskEncryptionSetArgs(
            key_url=key.key_uri_with_version, source_vault=compute.SourceVaultArgs(id=vault.id)
        ),
        rotation_to_latest_key_version_enabled=True,
        encryption_type=compute.DiskEncryptionSetType.ENCRYPTION_AT_REST_WITH_CUSTOMER_KEY,
        tags=azure.tags,
        # Which version it is now is Azure's business.
        opts=azure.child(ignore_changes=["activeKey.keyUrl"]),
    )
    use = azure.allow(
        "disks-use-key",
        "Key Vault Crypto Service Encryption User",
        principal=disks.identity.apply(lambda identity: identity.principal_id if identity else ""),
        scope=vault.id,
    )
    return disks, use
