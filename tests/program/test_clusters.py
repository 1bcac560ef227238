"""Clusters that a stack makes: every resource of each cloud, under an engine that does nothing."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from ruamel.yaml import YAML

from infra.program import ROOT, declare
from infra.settings import Settings
from tenants.errors import UsageError
from tests.program.conftest import RecordingEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

    from tests.program.conftest import Run

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp)\..* has been deprecated:DeprecationWarning")

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


class World(RecordingEngine):
    """A cloud that answers with the little that the program asks for."""

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
        }
        outputs = {**known, **inputs}
        if args.typ.endswith(":DiskEncryptionSet"):
            outputs["identity"] = {"type": "SystemAssigned", "principalId": "disks", "tenantId": "t"}
        elif args.typ.endswith(":ManagedCluster"):
            # Azure answers with a map where it was given a list.
            given = inputs["identity"]["userAssignedIdentities"]
            identities: dict[str, dict[str, str]] = {identity: {} for identity in given}
            outputs["identity"] = {**inputs["identity"], "userAssignedIdentities": identities}
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


@pytest.fixture(
    scope="module",
    params=[(cloud, environment) for cloud in CLOUDS for environment in ("dev", "prod")],
    ids="-".join,
)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    cloud, environment = request.param
    return Made(cloud, environment, run(cloud_config(config, cloud, protect=environment == "prod")))


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


def run(config: dict[str, str]) -> list[MockResourceArgs]:
    engine = World()
    pulumi.runtime.set_mocks(engine, project="iotistic", stack="dev")
    pulumi.runtime.set_all_config({f"iotistic:{key}": value for key, value in config.items()})

    async def program() -> None:
        await declare()

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    return engine.declared


def provider_of(resource: MockResourceArgs) -> str:
    return (resource.provider or "no::explicit::provider").split("::")[2].rpartition("$")[2]


def test_everything_names_its_explicit_provider(made: Made) -> None:
    expected = {"azure-native": "azure-native", "aws": "aws", "gcp": "gcp", "kubernetes": "kubernetes"}
    for resource in made.resources:
        package = resource.typ.partition(":")[0]
        if package in expected:
            assert provider_of(resource) == f"pulumi:providers:{expected[package]}", resource.name
    packages = {resource.typ.partition(":")[0] for resource in made.resources}
    assert packages & {"azure-native", "aws", "gcp"} == {
        {"aks": "azure-native", "eks": "aws", "gke": "gcp"}[made.cloud]
    }


def test_names_are_unique_within_a_type(made: Made) -> None:
    names = Counter((resource.typ, resource.name) for resource in made.resources)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_api_is_reached_only_from_the_listed_networks(made: Made) -> None:
    listed = CLOUDS[made.cloud]["apiCidrs"]
    if made.cloud == "aks":
        assert made.one("ManagedCluster")["apiServerAccessProfile"]["authorizedIPRanges"] == listed
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
        assert len(made.all("ManagementLockByScope")) == int(made.protected)
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


def test_no_secret_is_in_clear(made: Made, config: dict[str, str]) -> None:
    text = json.dumps(
        [item.inputs for item in made.resources if not item.typ.startswith("kubernetes:")], default=str
    )
    assert ADMINISTRATOR not in text
    assert config["masterKey"] not in text
    assert "PRIVATE KEY" not in text


def test_a_stack_without_a_cloud_imports_no_clouds_sdk() -> None:
    code = (
        "import sys, infra.program; print([m for m in sys.modules if m.startswith(('pulumi_a', 'pulumi_g'))])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("cloud", "changes", "keys"),
    [
        (
            "aks",
            {"subscriptionId": "mine", "adminGroupIds": []},
            ["cloud.adminGroupIds", "cloud.subscriptionId"],
        ),
        ("eks", {"accountId": "1", "zones": ["a"]}, ["cloud.accountId", "cloud.zones"]),
        ("eks", {"adminRoleArns": ["admin"]}, ["cloud.adminRoleArns.0"]),
        ("gke", {"project": "X", "projectNumber": "x"}, ["cloud.project", "cloud.projectNumber"]),
        ("gke", {"apiCidrs": ["0.0.0.0/0"]}, ["cloud.apiCidrs.0"]),
        ("gke", {"apiCidrs": []}, ["cloud.apiCidrs"]),
        ("gke", {"kubernetesVersion": "latest"}, ["cloud.kubernetesVersion"]),
        ("gke", {"systemPool": {"least": 5, "most": 4}}, ["cloud.systemPool"]),
        ("gke", {"maintenance": {"hour": 22}}, ["cloud.maintenance.hour"]),
        ("gke", {"nodes": 3}, ["cloud.nodes"]),
    ],
)
def test_every_wrong_value_is_named_at_once(
    run_program: Callable[..., Run],
    config: dict[str, str],
    cloud: str,
    changes: dict[str, Any],
    keys: list[str],
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program(cloud_config(config, cloud, **changes))
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]


def test_every_missing_value_is_named_at_once(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**cloud_config(config, "aks"), "cloud": "{}"})
    assert {problem.where.rpartition(":")[2] for problem in refusal.value.problems} == {
        f"cloud.{key}" for key in CLOUDS["aks"]
    }


def test_a_cloud_without_a_word_about_it_and_words_about_none_are_refused(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    for wrong, key in (
        ({**cloud_config(config, "aks"), "kubeconfig": "mine"}, "kubeconfig"),
        ({**config, "cloud": '{"region": "here"}'}, "cloud"),
        ({**cloud_config(config, "gke"), "cloud": "[]"}, "cloud"),
        ({k: v for k, v in config.items() if k != "kubeContext"}, "kubeContext"),
    ):
        with pytest.raises(UsageError) as refusal:
            run_program(wrong)
        assert [problem.where for problem in refusal.value.problems] == [f"Pulumi.dev.yaml: iotistic:{key}"]


def test_the_committed_production_names_everything_that_only_its_owner_can_know(
    config: dict[str, str],
) -> None:
    with pytest.raises(UsageError) as refusal:
        Settings.read(committed_production(config).get, stack="prod")
    assert sorted(problem.where.rpartition(":")[2] for problem in refusal.value.problems) == [
        "cloud.adminGroupIds",
        "cloud.apiCidrs",
        "cloud.keyVaultName",
        "cloud.subscriptionId",
        "cloud.tenantId",
    ]


@pytest.mark.parametrize(("cloud", "title"), [("eks", "On AWS instead"), ("gke", "On Google Cloud instead")])
def test_the_worked_examples_work(config: dict[str, str], cloud: str, title: str) -> None:
    lines = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8").partition(title)[2].splitlines()[1:]
    example = YAML(typ="safe").load(
        "\n".join(
            line.removeprefix("  # ")
            for line in lines[: next(n for n, it in enumerate(lines) if "  # On" in it)]
        )
    )
    changed = committed_production(config) | {
        "cluster": cloud,
        "cloud": json.dumps(example["iotistic:cloud"]),
        "certificates": json.dumps(example["iotistic:certificates"]),
    }
    settings = Settings.read(changed.get, stack="prod")
    assert settings.cloud is not None
    assert settings.cloud.kind == cloud


def committed_production(config: dict[str, str]) -> dict[str, str]:
    """The committed configuration, with secrets and the declared defaults, which tests have in ``config``."""
    committed = YAML(typ="safe").load(ROOT / "Pulumi.prod.yaml")["config"]
    defaults = {key: value for key, value in config.items() if not key.startswith("kube")}
    given = {
        key.partition(":")[2]: value if isinstance(value, str) else json.dumps(value)
        for key, value in committed.items()
    }
    return {**defaults, **given}
