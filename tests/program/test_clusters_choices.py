"""What a stack chooses of its cluster arrives in every cloud: pools, tags, windows, logs, zones, registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.configuration import read_settings
from tenants.errors import UsageError
from tenants.models import MqttMode
from tests.program.clouds import CLOUDS, GUID, REGISTRY, cloud_config, fleet, run

if TYPE_CHECKING:
    from tests.program.clouds import Made

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

CHOSEN: dict[str, Any] = {
    "systemPool": {"size": "small", "least": 2, "most": 4},
    "tenantPool": {"size": "large", "least": 5, "most": 50},
    "logDays": 365,
    "tags": {"cost-center": "42"},
}
OF_ONE: dict[str, dict[str, Any]] = {
    "aks": {"maintenance": {"day": "Tuesday", "hour": 7}, "zones": [], "registryId": REGISTRY},
    "eks": {"zones": ["b", "d"]},
    "gke": {"maintenance": {"day": "Tuesday", "hour": 7}},
}
TAGS = {"cost-center": "42", "part-of": "iotistic", "managed-by": "pulumi", "environment": "dev"}
BARE = {"monitoring": "false", "monitoringStack": "{}", "monitoringSecrets": "{}"}


@pytest.fixture(scope="module", params=CLOUDS)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    """A stack that has chosen everything that it can about its cluster."""
    chosen = {**CHOSEN, **OF_ONE[request.param]}
    return run({**cloud_config(config, request.param, **chosen), **BARE}, MqttMode.SHARED)


@pytest.fixture(scope="module", params=CLOUDS)
def usual(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    """A protected stack with everything."""
    return fleet(frozenset(config.items()), request.param, "prod", preview=False)


def pools(made: Made) -> dict[str, tuple[str, int, int]]:
    """Of each pool: machine type, fewest and most nodes."""
    if made.cloud == "aks":
        (system,) = made.one("ManagedCluster")["agentPoolProfiles"]
        both = {"system": system, "tenants": made.one("AgentPool")}
        assert all(pool["enableAutoScaling"] and pool["count"] == pool["minCount"] for pool in both.values())
        return {name: (pool["vmSize"], pool["minCount"], pool["maxCount"]) for name, pool in both.items()}
    if made.cloud == "eks":
        return {
            pool.inputs["labels"]["iotistic.io/pool"]: (
                *pool.inputs["instanceTypes"],
                pool.inputs["scalingConfig"]["minSize"],
                pool.inputs["scalingConfig"]["maxSize"],
            )
            for pool in made.all("NodeGroup")
        }
    return {
        pool.inputs["nodeConfig"]["labels"]["iotistic.io/pool"]: (
            pool.inputs["nodeConfig"]["machineType"],
            pool.inputs["autoscaling"]["totalMinNodeCount"],
            pool.inputs["autoscaling"]["totalMaxNodeCount"],
        )
        for pool in made.all("NodePool")
    }


def test_each_pool_is_as_large_as_it_was_chosen_to_be(made: Made) -> None:
    assert pools(made) == {"system": ("small", 2, 4), "tenants": ("large", 5, 50)}


def test_how_many_nodes_there_are_now_is_left_to_who_changes_it(usual: Made) -> None:
    assert {
        "aks": {"cloud": ["agentPoolProfiles[0].count"], "cloud-tenants": ["count"]},
        "eks": {
            "cloud-system": ["scalingConfig.desiredSize"],
            "cloud-tenants": ["scalingConfig.desiredSize"],
        },
        # Of a pool that is gone at once: what is left of it would replace the cluster.
        "gke": {"cloud": ["initialNodeCount", "nodeConfig"]},
    }[usual.cloud].items() <= usual.ignores.items()


def test_everything_in_the_cloud_bears_the_tags_and_so_do_the_machines(made: Made) -> None:
    if made.cloud == "aks":
        taggable = {
            "UserAssignedIdentity",
            "ManagedCluster",
            "AgentPool",
            "Workspace",
            "Vault",
            "DiskEncryptionSet",
            "PublicIPAddress",
            "NatGateway",
            "VirtualNetwork",
            "ResourceGroup",
        }
        for kind in taggable:
            assert [item.inputs["tags"] for item in made.all(kind)] == [TAGS] * len(made.all(kind)), kind
        assert [pool["tags"] for pool in made.one("ManagedCluster")["agentPoolProfiles"]] == [TAGS]
    elif made.cloud == "eks":
        assert json.loads(made.named("cloud-aws")["defaultTags"]) == {"tags": TAGS}
        machines = {
            item["resourceType"]: item["tags"] for item in made.one("LaunchTemplate")["tagSpecifications"]
        }
        assert machines == {"instance": TAGS, "volume": TAGS}
    else:
        assert json.loads(made.named("cloud-google")["defaultLabels"]) == TAGS
        labels = [pool.inputs["nodeConfig"]["resourceLabels"] for pool in made.all("NodePool")]
        assert labels == [TAGS] * 2


def test_labels_that_google_does_not_take_are_refused(config: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refusal:
        read_settings(cloud_config(config, "gke", tags={"CostCenter": "a", "team": "R&D"}).get, stack="dev")
    assert all("iotistic:cloud.tags" in problem.where for problem in refusal.value.problems)
    assert len(refusal.value.problems) == 2


def test_a_cloud_keeps_to_the_window_where_it_has_one(config: dict[str, str], made: Made) -> None:
    if made.cloud == "aks":
        windows = {
            item.inputs["configName"]: item.inputs["maintenanceWindow"]
            for item in made.all("MaintenanceConfiguration")
        }
        assert windows.keys() == {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
        for window in windows.values():
            assert window["schedule"] == {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}}
            assert (window["startTime"], window["durationHours"], window["utcOffset"]) == (
                "07:00",
                4,
                "+00:00",
            )
    elif made.cloud == "gke":
        assert made.one("Cluster")["maintenancePolicy"]["recurringWindow"] == {
            "startTime": "2026-01-01T07:00:00Z",
            "endTime": "2026-01-01T11:00:00Z",
            "recurrence": "FREQ=WEEKLY;BYDAY=TU",
        }
    else:
        with pytest.raises(UsageError) as refusal:
            read_settings(cloud_config(config, "eks", maintenance={"day": "Tuesday"}).get, stack="dev")
        assert [problem.where for problem in refusal.value.problems] == [
            "Pulumi.dev.yaml: iotistic:cloud.maintenance"
        ]


def test_control_plane_logs_are_kept_as_long_as_was_chosen(made: Made) -> None:
    if made.cloud == "aks":
        assert made.one("Workspace")["retentionInDays"] == 365
        setting = made.one("DiagnosticSetting")
        assert (setting["resourceUri"], setting["workspaceId"]) == ("cloud-id", "cloud-logs-id")
    elif made.cloud == "eks":
        group = made.one("LogGroup")
        assert group["retentionInDays"] == 365
        assert group["name"] == f"/aws/eks/{made.one('Cluster')['name']}/cluster", "where EKS writes to"
    else:
        kept, sent = made.one("ProjectBucketConfig"), made.one("ProjectSink")
        assert (kept["retentionDays"], kept["location"]) == (365, "europe-west1")
        assert sent["destination"] == "logging.googleapis.com/cloud-logs-id"
        assert "k8s_control_plane_component" in sent["filter"]
        assert 'resource.labels.cluster_name="iotistic-test"' in sent["filter"], "of no other cluster"
        assert "cloud-logs" in made.waits["cloud"], "its first words are kept too"


def test_nodes_are_in_the_zones_that_were_chosen(made: Made, config: dict[str, str], usual: Made) -> None:
    if made.cloud == "aks":
        (system,) = made.one("ManagedCluster")["agentPoolProfiles"]
        assert [system["availabilityZones"], made.one("AgentPool")["availabilityZones"]] == [[], []]
        stored = {**cloud_config(config, "aks", zones=[]), **BARE, "backupRepository": "none"}
        without = run({**stored, "backupStore": '{"name": "backups"}'}, MqttMode.SHARED)
        assert without.one("StorageAccount")["sku"] == {"name": "Standard_LRS"}
    elif made.cloud == "eks":
        zones = {item.inputs["availabilityZone"] for item in made.all("Subnet")}
        assert zones == {"eu-central-1b", "eu-central-1d"}
    if usual.cloud == "aks":
        assert usual.one("AgentPool")["availabilityZones"] == ["1", "2", "3"]
        assert {item.inputs["sku"]["name"] for item in usual.all("StorageAccount")} == {"Standard_ZRS"}


def test_nodes_may_pull_images_from_the_stacks_own_registry_and_no_more(made: Made) -> None:
    if made.cloud == "aks":
        right = made.named("cloud-pulls-images")
        assert (right["scope"], right["principalId"]) == (REGISTRY, "kubelet")
        definition = "Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d"
        assert right["roleDefinitionId"] == f"/subscriptions/{GUID.format(9)}/providers/{definition}"
        assert "cloud-pulls-images" in made.waits_for("platform-namespace-ingress")
    elif made.cloud == "eks":
        attached = {item.inputs["policyArn"] for item in made.all("RolePolicyAttachment")}
        of_nodes = {
            item.inputs["policyArn"].rpartition("/")[2]
            for item in made.all("RolePolicyAttachment")
            if item.name.startswith("cloud-node-")
        }
        assert of_nodes == {
            "AmazonEKSWorkerNodePolicy",
            "AmazonEC2ContainerRegistryReadOnly",
            "AmazonEKS_CNI_Policy",
        }
        assert all(arn.startswith("arn:aws:iam::aws:policy/") for arn in attached), "AWS's own"
    else:
        assert made.one("Account")["accountId"] == "iotistic-test-node"
        assert {item.inputs["member"] for item in made.all("IAMMember")} == {"serviceAccount:cloud-node"}
        roles = {item.inputs["role"] for item in made.all("IAMMember")}
        assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}


def test_without_a_registry_nodes_in_azure_have_no_such_right(usual: Made) -> None:
    assert not [item for item in usual.resources if item.name == "cloud-pulls-images"]


def test_nodes_are_not_reached_from_outside(usual: Made) -> None:
    if usual.cloud == "eks":
        tables = {item.name: item.inputs["routes"] for item in usual.all("RouteTable")}
        for zone in "abc":
            assert tables[f"cloud-private-{zone}"] == [
                {"cidrBlock": "0.0.0.0/0", "natGatewayId": f"cloud-nat-{zone}-id"}
            ], "by its own zone's gateway, and not the internet's"
            assert tables[f"cloud-public-{zone}"] == [
                {"cidrBlock": "0.0.0.0/0", "gatewayId": "cloud-internet-id"}
            ]
            assert usual.named(f"cloud-nat-{zone}", ":NatGateway")["subnetId"] == f"cloud-public-{zone}-id"
            given = usual.named(f"cloud-private-{zone}", ":RouteTableAssociation")
            assert given == {
                "subnetId": f"cloud-private-{zone}-id",
                "routeTableId": f"cloud-private-{zone}-id",
            }
        assert not any(item.inputs["mapPublicIpOnLaunch"] for item in usual.all("Subnet"))
    elif usual.cloud == "aks":
        subnet = usual.one("Subnet")
        assert subnet["natGateway"] == {"id": "cloud-out-id"}
        assert subnet["defaultOutboundAccess"] is False
    else:
        assert usual.one("Cluster")["privateClusterConfig"]["enablePrivateNodes"] is True


def test_the_key_is_changed_by_itself_and_used_by_those_alone_who_need_it(usual: Made) -> None:
    if usual.cloud == "aks":
        (action,) = usual.one("Key")["properties"]["rotationPolicy"]["lifetimeActions"]
        assert action == {"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P90D"}}
        disks = usual.one("DiskEncryptionSet")
        assert disks["rotationToLatestKeyVersionEnabled"] is True
        assert disks["activeKey"]["keyUrl"] == "https://vault.example.com/keys/key/1"
        assert usual.ignores["cloud-disks"] == ["activeKey.keyUrl"], "which version it is by now"
        assert usual.one("ManagedCluster")["diskEncryptionSetID"] == "cloud-disks-id", "of all nodes"
        users = {
            item.name: item.inputs["principalId"]
            for item in usual.all("RoleAssignment")
            if item.inputs["scope"] == "cloud-vault-id"
        }
        assert users == {
            "cloud-uses-key": "cloud-identity-principal",
            "cloud-disks-use-key": "disks",
            "cloud-backups-uses-key": "cloud-backups-key-principal",
            "cloud-logs-uses-key": "cloud-logs-key-principal",
        }
    elif usual.cloud == "eks":
        assert usual.one("Key")["enableKeyRotation"] is True
    else:
        assert usual.one("CryptoKey")["rotationPeriod"] == "7776000s"
        members = sorted(item.inputs["member"] for item in usual.all("CryptoKeyIAMMember"))
        service = "serviceAccount:service-123456789012@{}.iam.gserviceaccount.com"
        assert members == [
            service.format(account)
            for account in ("compute-system", "container-engine-robot", "gs-project-accounts")
        ], "each once: who takes back one of two such rights takes back both"
        assert {item.inputs["role"] for item in usual.all("CryptoKeyIAMMember")} == {
            "roles/cloudkms.cryptoKeyEncrypterDecrypter"
        }
