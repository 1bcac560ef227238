"""Clouds that answer with the little that the program asks for, and what it declared in them."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pulumi

from infra.program import declare, read_registry
from tenants.models import MqttMode
from tenants.tenant import MqttAccess
from tests.program.conftest import LOGGER, OrderMonitor, RecordingEngine
from tests.program.watching import watched

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
INGRESS = "address of ingress-service"
"""What the program reads of the ingress controller's own Service."""

OUT = "198.51.100.9"
"""What nodes in Azure are known by outside."""

REGISTRY = (
    f"/subscriptions/{GUID.format(9)}/resourceGroups/shared"
    "/providers/Microsoft.ContainerRegistry/registries/iotistictest"
)
BILLING_IMAGE = "registry.example.com/iotistic/billing:1.2.3"
LOGS = "iotistictestlogs"


def beneath(made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What a resource was given, with what the cloud makes beneath it, however deep."""
    both = {
        key: beneath(made[key], value)
        for key, value in given.items()
        if isinstance(value, dict) and isinstance(made.get(key), dict)
    }
    return {**made, **given, **both}


def as_azure_answers(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What Azure answers in another form than it is told: a map of identities for a list."""
    if not kind.endswith((":ManagedCluster", ":StorageAccount")):
        return inputs
    given = inputs["identity"]["userAssignedIdentities"]
    identities: dict[str, dict[str, str]] = {f"identity {number}": {} for number in range(len(given))}
    return {**inputs, "identity": {**inputs["identity"], "userAssignedIdentities": identities}}


def made_by_the_cloud(args: MockResourceArgs) -> dict[str, Any]:
    """What a resource has only once it is there."""
    found: dict[str, Any] = {
        "name": args.name,
        "arn": f"arn:aws:test:::{args.name}",
        "endpoint": "https://api.example.com",
        "certificateAuthority": {"data": AUTHORITY},
        "latestVersion": 1,
        "keyId": f"{args.name}-key-id",
        "member": f"serviceAccount:{args.name}",
        "keyUriWithVersion": "https://vault.example.com/keys/key/1",
        "principalId": f"{args.name}-principal",
        "clientId": f"{args.name}-client",
        "zoneId": f"{args.name}-zone-id",
        "nameServers": NAME_SERVERS,
        "ipAddress": OUT,
        "identityProfile": {"kubeletidentity": {"objectId": "kubelet", "clientId": "c", "resourceId": "r"}},
        "oidcIssuerProfile": {"enabled": True, "issuerURL": ISSUER},
    }
    if args.typ.endswith(":DiskEncryptionSet"):
        found["identity"] = {"type": "SystemAssigned", "principalId": "disks", "tenantId": "t"}
    elif args.typ.endswith("container/cluster:Cluster"):
        found |= {"endpoint": "api.example.com", "masterAuth": {"clusterCaCertificate": AUTHORITY}}
    elif args.typ.endswith(":Vault"):
        found["properties"] = {"vaultUri": "https://vault.example.com"}
    elif args.typ.endswith(":Service"):
        found["status"] = {"loadBalancer": {"ingress": [{"ip": f"address of {args.name}"}]}}
    return found


@dataclass
class World(RecordingEngine):
    """A cloud that answers with the little that the program asks for.

    Attributes:
        previews: Whether it only shows what would be done.
    """

    previews: bool = False

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identifier, inputs = super().new_resource(args)
        outputs = as_azure_answers(args.typ, inputs)
        # A preview knows what the program says, and nothing that only the cloud can say.
        return ("", outputs) if self.previews else (identifier, beneath(made_by_the_cloud(args), outputs))

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
    """What one run declared.

    Attributes:
        cloud: The kind of cluster.
        environment: Of the stack.
        resources: Everything.
        looked_at: What it only read, by its id.
        waits: For each name, and kind and name, what it waits for, by both.
        ignores: For each name the properties that are left as the cloud has them, if there are any.
        outputs: Of the stack.
    """

    cloud: str
    environment: str
    resources: list[MockResourceArgs]
    looked_at: list[str | None]
    waits: dict[str, set[str]]
    ignores: dict[str, list[str]]
    outputs: dict[str, Any]

    def all(self, kind: str) -> list[MockResourceArgs]:
        return [item for item in self.resources if item.typ.rpartition(":")[2] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        inputs: dict[str, Any] = found.inputs
        return inputs

    def named(self, name: str, kind: str = "") -> dict[str, Any]:
        """What one resource was given, by its name, and by its kind where several have the name."""
        (found,) = (it for it in self.resources if it.name == name and it.typ.endswith(kind))
        inputs: dict[str, Any] = found.inputs
        return inputs

    def waits_for(self, name: str) -> set[str]:
        """Everything that has to be there before a resource is made, and stays until it is gone."""
        found: set[str] = set()
        todo = [name]
        while todo:
            new = self.waits.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    @property
    def protected(self) -> bool:
        return self.environment == "prod"


def cloud_config(
    config: dict[str, str], cloud: str, *, protect: bool = False, **changes: object
) -> dict[str, str]:
    """A configuration for a cloud. The registry is dev's in any case: only the protection differs."""
    kept = {key: value for key, value in watched(config).items() if not key.startswith("kube")}
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
        "dns": json.dumps({"enabled": True}),
        "mqttEdge": json.dumps({"enabled": True}),
    }


def with_platform(config: dict[str, str]) -> dict[str, str]:
    """A configuration with every part of the platform that a chart brings or a service of ours is."""
    store = {"store": {"name": LOGS}} if config["cluster"] in CLOUDS else {}
    return {
        **config,
        "logging": json.dumps({"install": True, **store}),
        "billing": json.dumps({"image": BILLING_IMAGE}),
        **({"velero": json.dumps({"enabled": True})} if "backupStore" in config else {}),
    }


def with_modes(registry: Registry, *modes: MqttMode) -> Registry:
    """The registry's first tenants, one for each way of reaching its broker."""
    tenants = tuple(
        dataclasses.replace(
            tenant,
            mqtt=MqttAccess(
                mode=mode,
                endpoint="broker.example.com" if mode is MqttMode.MANAGED else None,
                endpoint_address=None,
                endpoint_port=8883,
                node_port=None,
                websocket_node_port=None,
                api_node_port=None,
                dashboard_node_port=None,
            ),
        )
        for tenant, mode in zip(registry.tenants, modes, strict=False)
    )
    return dataclasses.replace(registry, tenants=tenants)


def run(config: dict[str, str], *modes: MqttMode, preview: bool = False) -> Made:
    """Run the program, with as many tenants as there are modes, or with all as they are."""
    engine = World(previews=preview)
    pulumi.runtime.set_mocks(
        engine,
        project="iotistic",
        stack="dev",
        preview=preview,
        logger=LOGGER,
        monitor=OrderMonitor(engine),
    )
    outputs: dict[str, Any] = {}
    pulumi.runtime.set_all_config({f"iotistic:{key}": value for key, value in config.items()})

    def registry(**environment: str) -> Registry:
        found = read_registry(**environment)
        return with_modes(found, *modes) if modes else found

    async def program() -> None:
        with patch("infra.program.read_registry", registry):
            outputs.update(await declare())

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    return Made(
        cloud=config["cluster"],
        environment=config["environment"],
        resources=engine.declared,
        looked_at=[item.resource_id for item in engine.looked_at],
        waits=engine.waits,
        ignores=engine.ignores,
        outputs=outputs,
    )


MODES = (MqttMode.SHARED, MqttMode.DEDICATED, MqttMode.MANAGED)
"""How the customers of a fleet reach their brokers."""

CUSTOMERS = {"dev": ("acme", "globex", "initech"), "prod": ("hooli-energy", "northwind", "umbrella")}
"""Of each environment's registry, in the order of the modes."""

PUBLIC_DOMAIN = "iotistic.example.com"


@functools.cache
def fleet(config: frozenset[tuple[str, str]], cluster: str, environment: str, *, preview: bool) -> Made:
    """A stack with all that its cluster allows, and a customer of each kind: run once for all tests."""
    base = {**dict(config), "environment": environment, "mqttEdge": '{"enabled": true}'}
    protect = environment == "prod"
    if cluster in CLOUDS:
        chosen = with_platform(with_services(cloud_config(base, cluster, protect=protect)))
        chosen |= {"domain": PUBLIC_DOMAIN, "certificates": '{"issuer": "dns01"}'}
    else:
        private = json.dumps({"issuer": "private-ca", "install": cluster == "existing"})
        chosen = {**base, "cluster": cluster, "protect": json.dumps(protect), "certificates": private}
        if cluster == "existing":
            chosen = with_platform({**chosen, **watched(chosen)})
    return run(chosen, *MODES, preview=preview)


def provider_of(resource: MockResourceArgs) -> str:
    return (resource.provider or "no::explicit::provider").split("::")[2].rpartition("$")[2]
