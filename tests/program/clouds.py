"""Clouds that answer with the little that the program asks for, and what it declared in them."""

from __future__ import annotations

import base64
import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pulumi

from infra.program import declare, read_registry
from tenants.models import MqttMode
from tenants.tenant import MqttAccess
from tests.program.conftest import RecordingEngine

if TYPE_CHECKING:
    from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

    from tenants.registry import Registry

GUID = "00000000-0000-0000-0000-00000000000{}"
CLOUDS: dict[str, dict[str, Any]] = {
    "aks": {
        "region": "westeurope",
        "kubernetesVersion": "1.35",
        "apiCidrs": ["203.0.113.0/24"],
        "subscriptionId": GUID.format(1),
        "tenantId": GUID.format(2),
        "adminGroupIds": [GUID.format(3)],
        "keyVaultName": "iotistic-test",
    },
    "eks": {
        "region": "eu-central-1",
        "kubernetesVersion": "1.35",
        "apiCidrs": ["203.0.113.0/24"],
        "accountId": "123456789012",
        "adminRoleArns": ["arn:aws:iam::123456789012:role/admin", "arn:aws:iam::123456789012:role/ci"],
    },
    "gke": {
        "region": "europe-west1",
        "kubernetesVersion": "1.35.1",
        "apiCidrs": ["203.0.113.0/24"],
        "project": "iotistic-test",
        "projectNumber": "123456789012",
    },
}
AUTHORITY = base64.b64encode(b"the authority's certificate").decode()
ADMINISTRATOR = "the key of an administrator"
NAME_SERVERS = ["ns1.example.com", "ns2.example.com"]
ISSUER = "https://issuer.example.com/"
BACKUPS = "iotistictestbackups"
INGRESS = "198.51.100.7"


@dataclass
class World(RecordingEngine):
    """A cloud that answers with the little that the program asks for.

    Attributes:
        previews: Whether it only shows what would be done.
    """

    previews: bool = False

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identifier, inputs = super().new_resource(args)
        known = {
            "name": args.name,
            "arn": f"arn:aws:test:::{args.name}",
            "endpoint": "https://api.example.com",
            "certificateAuthority": {"data": AUTHORITY},
            "masterAuth": {"clusterCaCertificate": AUTHORITY},
            "latestVersion": 1,
            "keyUriWithVersion": "https://vault.example.com/keys/key/1",
            "principalId": f"{args.name}-principal",
            "clientId": f"{args.name}-client",
            "zoneId": f"{args.name}-zone-id",
            "nameServers": NAME_SERVERS,
        }
        if self.previews:
            # A preview knows what the program says, and nothing that only the cloud can say.
            return "", inputs
        outputs = {**known, **inputs}
        if args.typ.endswith(":DiskEncryptionSet"):
            outputs["identity"] = {"type": "SystemAssigned", "principalId": "disks", "tenantId": "t"}
        elif args.typ.endswith((":ManagedCluster", ":StorageAccount")):
            # Azure answers with a map where it was given a list.
            given = inputs["identity"]["userAssignedIdentities"]
            identities: dict[str, dict[str, str]] = {identity: {} for identity in given}
            outputs["identity"] = {**inputs["identity"], "userAssignedIdentities": identities}
            outputs["oidcIssuerProfile"] = {"enabled": True, "issuerURL": ISSUER}
        elif args.typ.endswith(":Vault"):
            outputs["properties"] = {**inputs["properties"], "vaultUri": "https://vault.example.com"}
        elif args.typ.endswith(":Service"):
            outputs["status"] = {"loadBalancer": {"ingress": [{"ip": f"address of {args.name}"}]}}
        elif args.typ.endswith("container/cluster:Cluster"):
            outputs["endpoint"] = "api.example.com"
            outputs["masterAuth"] = known["masterAuth"]
        return identifier, outputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if not args.token.endswith(":listManagedClusterUserCredentials"):
            return super().call(args)
        entry = {"server": "https://api.example.com", "certificate-authority-data": AUTHORITY}
        given = {
            "clusters": [{"name": "x", "cluster": entry}],
            "users": [{"name": "x", "user": {"client-key-data": ADMINISTRATOR}}],
        }
        value = base64.b64encode(json.dumps(given).encode()).decode()
        return {"kubeconfigs": [{"name": "clusterUser", "value": value}]}, []


@dataclass(frozen=True)
class Made:
    """What one run declared."""

    cloud: str
    environment: str
    resources: list[MockResourceArgs]

    def all(self, kind: str) -> list[MockResourceArgs]:
        return [item for item in self.resources if item.typ.rpartition(":")[2] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        inputs: dict[str, Any] = found.inputs
        return inputs

    @property
    def protected(self) -> bool:
        return self.environment == "prod"


def cloud_config(
    config: dict[str, str], cloud: str, *, protect: bool = False, **changes: object
) -> dict[str, str]:
    """A configuration for a cloud. The registry is dev's in any case: only the protection differs."""
    kept = {key: value for key, value in config.items() if not key.startswith("kube")}
    return {
        **kept,
        "cluster": cloud,
        "clusterIdentifier": "iotistic-test",
        "storageClass": "iotistic",
        "protect": json.dumps(protect),
        "cloud": json.dumps({**CLOUDS[cloud], **changes}),
    }


def with_services(config: dict[str, str]) -> dict[str, str]:
    """A configuration with everything that a cloud offers."""
    kept = {key: value for key, value in config.items() if key != "backupRepository"}
    return {
        **kept,
        "backupRepository": "none",
        "backupStore": json.dumps({"name": BACKUPS}),
        "dns": json.dumps({"ingressAddress": INGRESS}),
        "mqttEdge": json.dumps({"enabled": True}),
    }


def with_modes(registry: Registry, *modes: MqttMode) -> Registry:
    """The registry's first tenants, one for each way of reaching its broker."""
    tenants = tuple(
        dataclasses.replace(
            tenant,
            mqtt=MqttAccess(
                mode=mode,
                endpoint="broker.example.com" if mode is MqttMode.MANAGED else None,
                endpoint_port=8883,
                node_port=None,
                websocket_node_port=None,
            ),
        )
        for tenant, mode in zip(registry.tenants, modes, strict=False)
    )
    return dataclasses.replace(registry, tenants=tenants)


def run(
    config: dict[str, str], *modes: MqttMode, preview: bool = False, outputs: dict[str, Any] | None = None
) -> list[MockResourceArgs]:
    """Run the program, with as many tenants as there are modes, or with all as they are."""
    engine = World(previews=preview)
    pulumi.runtime.set_mocks(engine, project="iotistic", stack="dev", preview=preview)
    pulumi.runtime.set_all_config({f"iotistic:{key}": value for key, value in config.items()})

    def registry(**environment: str) -> Registry:
        found = read_registry(**environment)
        return with_modes(found, *modes) if modes else found

    async def program() -> None:
        with patch("infra.program.read_registry", registry):
            found = await declare()
        if outputs is not None:
            outputs.update(found)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    return engine.declared


def provider_of(resource: MockResourceArgs) -> str:
    return (resource.provider or "no::explicit::provider").split("::")[2].rpartition("$")[2]
