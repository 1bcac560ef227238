"""Clusters that a stack makes: every resource of each cloud, under an engine that does nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.clusters.cloud_settings import balancer_annotations
from infra.clusters.eks.controllers import may_balance, may_scale
from tests.program.clouds import ADMINISTRATOR, AUTHORITY, CLOUDS, OUT, fleet

if TYPE_CHECKING:
    from tests.program.clouds import Made

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")


@pytest.fixture(
    scope="module",
    params=[(cloud, environment) for cloud in CLOUDS for environment in ("dev", "prod")],
    ids="-".join,
)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    return fleet(frozenset(config.items()), *request.param, preview=False)


def test_the_api_is_reached_only_from_the_listed_networks(made: Made) -> None:
    listed = CLOUDS[made.cloud]["apiCidrs"]
    if made.cloud == "aks":
        assert made.one("ManagedCluster")["apiServerAccessProfile"]["authorizedIPRanges"] == [
            *listed,
            f"{OUT}/32",
        ], "and from the nodes, which come by the way out"
    elif made.cloud == "eks":
        assert made.one("Cluster")["vpcConfig"]["publicAccessCidrs"] == listed
    else:
        networks = made.one("Cluster")["masterAuthorizedNetworksConfig"]
        assert [block["cidrBlock"] for block in networks["cidrBlocks"]] == listed
        assert networks["gcpPublicCidrsAccessEnabled"] is False


def test_secrets_and_disks_are_encrypted_with_an_own_key(made: Made) -> None:
    storage = made.one("StorageClass")
    parameters = storage["parameters"]
    assert storage["allowVolumeExpansion"] is True
    assert storage["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    if made.cloud == "aks":
        assert made.one("ManagedCluster")["securityProfile"]["azureKeyVaultKms"]["enabled"] is True
        assert parameters["diskEncryptionSetID"] == made.one("ManagedCluster")["diskEncryptionSetID"]
    elif made.cloud == "eks":
        encryption = made.one("Cluster")["encryptionConfig"]
        assert encryption["resources"] == ["secrets"]
        assert parameters["kmsKeyId"] == encryption["provider"]["keyArn"]
        assert parameters["encrypted"] == "true"
        (disk,) = made.one("LaunchTemplate")["blockDeviceMappings"]
        assert disk["ebs"]["kmsKeyId"] == encryption["provider"]["keyArn"]
    else:
        encryption = made.one("Cluster")["databaseEncryption"]
        assert encryption["state"] == "ENCRYPTED"
        keys = {pool.inputs["nodeConfig"]["bootDiskKmsKey"] for pool in made.all("NodePool")}
        assert {encryption["keyName"], parameters["disk-encryption-kms-key"]} == keys


def test_network_policies_are_enforced(made: Made) -> None:
    if made.cloud == "aks":
        network = made.one("ManagedCluster")["networkProfile"]
        assert (network["networkPolicy"], network["networkDataplane"]) == ("cilium", "cilium")
    elif made.cloud == "eks":
        (network,) = (item.inputs for item in made.all("Addon") if item.inputs["addonName"] == "vpc-cni")
        assert json.loads(network["configurationValues"]) == {"enableNetworkPolicy": "true"}
    else:
        assert made.one("Cluster")["datapathProvider"] == "ADVANCED_DATAPATH"


def test_there_is_a_pool_for_the_platform_and_one_for_customers_of_three_to_ten_private_nodes(
    made: Made,
) -> None:
    if made.cloud == "aks":
        (system,) = made.one("ManagedCluster")["agentPoolProfiles"]
        pools = [system, made.one("AgentPool")]
        assert [(pool["minCount"], pool["maxCount"]) for pool in pools] == [(3, 10)] * 2
        assert [pool["vmSize"] for pool in pools] == ["Standard_D4s_v3"] * 2
        assert not any(pool["enableNodePublicIP"] for pool in pools)
        assert [bool(pool.get("nodeTaints")) for pool in pools] == [True, False]
    elif made.cloud == "eks":
        groups = {pool.name: pool.inputs for pool in made.all("NodeGroup")}
        private = {f"cloud-private-{zone}-id" for zone in "abc"}
        for group in groups.values():
            assert (group["scalingConfig"]["minSize"], group["scalingConfig"]["maxSize"]) == (3, 10)
            assert group["instanceTypes"] == ["t3.large"]
            assert set(group["subnetIds"]) == private
        assert {name: bool(group["taints"]) for name, group in groups.items()} == {
            "cloud-system": True,
            "cloud-tenants": False,
        }
    else:
        nodes = {pool.name: pool.inputs for pool in made.all("NodePool")}
        for pool in nodes.values():
            assert pool["autoscaling"]["totalMinNodeCount"] == 3
            assert pool["autoscaling"]["totalMaxNodeCount"] == 10
            assert pool["nodeConfig"]["machineType"] == "n1-standard-4"
        assert made.one("Cluster")["privateClusterConfig"]["enablePrivateNodes"] is True
        assert {name: bool(pool["nodeConfig"]["taints"]) for name, pool in nodes.items()} == {
            "cloud-system": True,
            "cloud-tenants": False,
        }


def test_pods_have_identities_and_nobody_has_a_key_that_lasts(made: Made) -> None:
    if made.cloud == "aks":
        cluster = made.one("ManagedCluster")
        assert cluster["disableLocalAccounts"] is True
        assert cluster["oidcIssuerProfile"]["enabled"] is True
        assert cluster["securityProfile"]["workloadIdentity"]["enabled"] is True
    elif made.cloud == "eks":
        access = made.one("Cluster")["accessConfig"]
        assert access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
        assert "eks-pod-identity-agent" in {addon.inputs["addonName"] for addon in made.all("Addon")}
        admins = [entry.inputs["principalArn"] for entry in made.all("AccessEntry")]
        assert admins == CLOUDS["eks"]["adminRoleArns"]
    else:
        cluster = made.one("Cluster")
        assert cluster["workloadIdentityConfig"]["workloadPool"] == "iotistic-test.svc.id.goog"
        assert cluster["masterAuth"]["clientCertificateConfig"]["issueClientCertificate"] is False


def test_the_control_planes_logs_are_kept(made: Made) -> None:
    if made.cloud == "aks":
        categories = {log["category"] for log in made.one("DiagnosticSetting")["logs"]}
        assert {"kube-apiserver", "kube-audit-admin"} <= categories
        assert made.one("Workspace")["retentionInDays"] == 90
    elif made.cloud == "eks":
        assert {"api", "audit"} <= set(made.one("Cluster")["enabledClusterLogTypes"])
        assert made.one("LogGroup")["retentionInDays"] == 90
    else:
        assert "APISERVER" in made.one("Cluster")["loggingConfig"]["enableComponents"]


def test_production_cannot_be_deleted(made: Made) -> None:
    if made.cloud == "aks":
        assert len(made.all("ManagementLockByScope")) == 3 * int(made.protected), (
            "the cluster, the backups and the logs"
        )
        assert made.one("Vault")["properties"]["enablePurgeProtection"] is True
    else:
        assert made.one("Cluster")["deletionProtection"] is made.protected
    assert made.one("StorageClass")["reclaimPolicy"] == ("Retain" if made.protected else "Delete")


def test_the_version_is_the_one_that_was_chosen_for_nodes_too(made: Made) -> None:
    version = CLOUDS[made.cloud]["kubernetesVersion"]
    if made.cloud == "aks":
        cluster = made.one("ManagedCluster")
        versions = {cluster["kubernetesVersion"], made.one("AgentPool")["orchestratorVersion"]}
        versions |= {pool["orchestratorVersion"] for pool in cluster["agentPoolProfiles"]}
    elif made.cloud == "eks":
        versions = {
            made.one("Cluster")["version"],
            *(pool.inputs["version"] for pool in made.all("NodeGroup")),
        }
    else:
        versions = {made.one("Cluster")["minMasterVersion"]}
        versions |= {pool.inputs["version"] for pool in made.all("NodePool")}
    assert versions == {version}


def test_the_kubeconfig_asks_for_a_short_lived_token_and_holds_no_secret(made: Made) -> None:
    (provider,) = (item for item in made.resources if item.typ == "pulumi:providers:kubernetes")
    kubeconfig = json.loads(provider.inputs["kubeconfig"])
    (user,) = kubeconfig["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["command"] in {"kubelogin", "aws", "gke-gcloud-auth-plugin"}
    (cluster,) = kubeconfig["clusters"]
    assert cluster["cluster"] == {
        "server": "https://api.example.com",
        "certificate-authority-data": AUTHORITY,
    }
    assert provider.inputs["context"] == "iotistic-test"


def test_customers_are_in_it_on_its_own_storage(made: Made) -> None:
    claims = made.all("PersistentVolumeClaim")
    assert claims
    assert {claim.inputs["spec"]["storageClassName"] for claim in claims} == {"iotistic"}


def test_the_cloud_learns_no_secret(made: Made) -> None:
    text = json.dumps(
        [item.inputs for item in made.resources if not item.typ.startswith("kubernetes:")], default=str
    )
    assert ADMINISTRATOR not in text


def test_the_cloud_makes_every_balancer_as_it_has_to_be(made: Made) -> None:
    services = [
        item.inputs for item in made.all("Service") if item.inputs["spec"].get("type") == "LoadBalancer"
    ]
    told = [{**service["metadata"]["annotations"]} for service in services]
    assert len(told) == 2, "the edge's and a customer's own"
    assert all(balancer_annotations(made.cloud).items() <= annotations.items() for annotations in told)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_nodes_and_balancers_in_aws_have_controllers_with_rights_to_this_cluster_alone(
    config: dict[str, str], environment: str
) -> None:
    made = fleet(frozenset(config.items()), "eks", environment, preview=False)
    releases = {item.inputs["name"]: item for item in made.all("Release")}
    scaler = releases["cluster-autoscaler"].inputs["values"]
    assert (scaler["autoDiscovery"], scaler["awsRegion"]) == (
        {"clusterName": "iotistic-test"},
        "eu-central-1",
    )
    balancer = releases["aws-load-balancer-controller"].inputs["values"]
    assert (balancer["clusterName"], balancer["vpcId"]) == ("iotistic-test", "cloud-vpc-id")
    accounts = {
        item.name: (item.inputs["namespace"], item.inputs["serviceAccount"])
        for item in made.all("PodIdentityAssociation")
    }
    assert accounts["cloud-autoscaler"] == ("kube-system", scaler["rbac"]["serviceAccount"]["name"])
    assert accounts["cloud-balancers"] == ("kube-system", balancer["serviceAccount"]["name"])
    for name in ("cluster-autoscaler", "aws-load-balancer-controller"):
        release = releases[name].name
        assert {"cloud-autoscaler", "cloud-balancers", "cloud-system"} <= made.waits[release]
        assert release in made.waits["platform-namespace-ingress"], "gone last, as balancers need it to go"


def test_what_starts_nodes_in_aws_may_encrypt_their_disks_and_nobody_else_has_a_word_in_the_keys_policy(
    config: dict[str, str],
) -> None:
    made = fleet(frozenset(config.items()), "eks", "prod", preview=False)
    account, use, grant = json.loads(made.one("Key")["policy"])["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    scaling = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    for statement in (use, grant):
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"AWS": f"arn:aws:iam::123456789012:{scaling}"}
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    assert {*use["Action"]} == {
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    }
    assert grant["Action"] == "kms:CreateGrant"
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}, "to AWS itself alone"


def test_the_driver_of_disks_in_aws_knows_who_it_is_and_what_it_may_before_it_starts(
    config: dict[str, str],
) -> None:
    made = fleet(frozenset(config.items()), "eks", "prod", preview=False)
    given = made.named("cloud-disks", ":PodIdentityAssociation")
    assert (given["namespace"], given["serviceAccount"]) == ("kube-system", "ebs-csi-controller-sa")
    assert "cloud-eks-pod-identity-agent" in made.waits["cloud-disks"]
    assert {"cloud-disks", "cloud-disks-key", "cloud-disks-AmazonEBSCSIDriverPolicy"} <= made.waits[
        "cloud-aws-ebs-csi-driver"
    ]
    assert "cloud-snapshot-controller" in made.waits["cloud-aws-ebs-csi-driver"], (
        "it looks for snapshots once"
    )
    use, grant = json.loads(made.named("cloud-disks-key")["policy"])["Statement"]
    assert {use["Resource"], grant["Resource"]} == {
        made.one("Cluster")["encryptionConfig"]["provider"]["keyArn"]
    }
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_nothing_in_a_cluster_is_made_before_its_nodes_or_outlives_what_it_is_reached_by(made: Made) -> None:
    before = made.waits_for("platform-namespace-ingress")
    access = {
        "aks": {"cloud", "cloud-tenants", "cloud-disks-use-key", "cloud-joins-network"},
        "eks": {
            "cloud-system",
            "cloud-tenants",
            "cloud-admin-0",
            "cloud-admin-1",
            "cloud-control-plane-AmazonEKSClusterPolicy",
            "cloud-node-AmazonEKSWorkerNodePolicy",
            "cloud-aws-ebs-csi-driver",
        },
        "gke": {"cloud-system", "cloud-tenants", "cloud-nat"},
    }[made.cloud]
    assert access | {"cluster-storage-class-iotistic"} <= before
    if made.cloud == "eks":
        for zone in "abc":
            for pool in ("system", "tenants"):
                assert f"RouteTableAssociation:cloud-private-{zone}" in made.waits[f"NodeGroup:cloud-{pool}"]
            ways = made.waits[f"RouteTableAssociation:cloud-private-{zone}"]
            assert f"RouteTable:cloud-private-{zone}" in ways
            assert f"NatGateway:cloud-nat-{zone}" in made.waits[f"RouteTable:cloud-private-{zone}"]


@pytest.mark.parametrize("policy", [may_scale("mine"), may_balance("mine")])
def test_whatever_is_changed_in_aws_carries_the_clusters_name(policy: list[dict[str, Any]]) -> None:
    for statement in policy:
        looks = all(re.search(":(Describe|Get)", action) for action in statement["Action"])
        linked = statement["Action"] == ["iam:CreateServiceLinkedRole"]
        in_network = statement["Resource"] == ["arn:aws:ec2:*:*:vpc/*"]
        assert looks or linked or in_network or "mine" in json.dumps(statement["Condition"])
