"""What a cloud offers to what runs in its cluster: identities, names and a place for backups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.clusters.eks.dns import may_answer_challenges
from infra.clusters.eks.store import OWN_NAMESPACE, own_part, refusals
from infra.component import balancer_of
from infra.configuration import read_settings
from tenants.errors import UsageError
from tenants.models import MqttMode
from tests.program.clouds import (
    BACKUPS,
    CLOUDS,
    CUSTOMERS,
    INGRESS,
    ISSUER,
    PUBLIC_DOMAIN,
    Made,
    cloud_config,
    fleet,
    run,
)
from tests.program.clouds import with_services as services_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.runtime.mocks import MockResourceArgs

    from tests.program.conftest import Run

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

PROXIED = '{"enabled": true, "proxyProtocol": true}'
UNREAD = {"monitoringStack": '{"install": false}', "monitoringSecrets": "{}"}

SHARED, DEDICATED, MANAGED = TENANTS = CUSTOMERS["prod"]


@pytest.fixture(scope="module", params=CLOUDS)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    """A protected stack with a customer of each kind, and everything that the cloud offers."""
    return fleet(frozenset(config.items()), request.param, "prod", preview=False)


def records(made: Made) -> dict[str, str]:
    """Where each name leads, as far as the zone says."""
    found = {}
    for item in made.all("RecordSet") + made.all("Record"):
        inputs = item.inputs
        host = inputs.get("relativeRecordSetName") or inputs["name"].removesuffix(".")
        (target,) = (
            inputs.get("rrdatas")
            or inputs.get("records")
            or inputs.get("aRecords")
            or [inputs.get("cnameRecord")]
        )
        if isinstance(target, dict):
            (target,) = target.values()
        found[host.removesuffix(f".{PUBLIC_DOMAIN}")] = target.removesuffix(".")
    return found


def backup_accounts(made: Made) -> list[dict[str, Any]]:
    """Of the customers: billing has backups too."""
    return [
        item.inputs
        for item in made.all("ServiceAccount")
        if item.inputs["metadata"]["name"] == "backup"
        and item.inputs["metadata"]["namespace"].startswith("customer-")
    ]


def named(made: Made, part: str) -> list[MockResourceArgs]:
    return [item for item in made.resources if item.name == f"cloud-{part}"]


def test_the_zone_above_is_told_the_name_servers(made: Made) -> None:
    assert "nameServers" in made.outputs


def test_names_lead_to_the_ingress_the_edge_and_the_customers_own_balancers(made: Made) -> None:
    assert records(made) == {
        "*": INGRESS,
        "billing": INGRESS,
        "grafana": INGRESS,
        "mqtt": "address of mqtt-edge-service-mqtt-edge",
        f"mqtt-{SHARED}": f"mqtt.{PUBLIC_DOMAIN}",
        f"mqtt-{DEDICATED}": f"address of {DEDICATED}-service-mosquitto-entrance",
    }, "a managed broker has its own name"
    assert made.looked_at == ["ingress/traefik"]


def test_each_customers_backups_have_an_identity_of_their_own_and_no_key(made: Made) -> None:
    accounts = backup_accounts(made)
    assert sorted(account["metadata"]["namespace"] for account in accounts) == [
        f"customer-{tenant}" for tenant in TENANTS
    ]
    if made.cloud == "aks":
        annotations = [account["metadata"]["annotations"] for account in accounts]
        clients = {annotation["azure.workload.identity/client-id"] for annotation in annotations}
        assert clients == {f"cloud-backups-customer-{tenant}-client" for tenant in TENANTS}
        trusts = [
            item.inputs
            for item in made.all("FederatedIdentityCredential")
            if item.name.startswith("cloud-backups-customer-")
        ]
        assert {trust["issuer"] for trust in trusts} == {ISSUER}
        assert {trust["subject"] for trust in trusts} == {
            f"system:serviceaccount:customer-{tenant}:backup" for tenant in TENANTS
        }
    elif made.cloud == "eks":
        given = [
            (item.inputs["namespace"], item.inputs["serviceAccount"])
            for item in made.all("PodIdentityAssociation")
            if item.inputs["roleArn"] == "arn:aws:test:::cloud-backups"
            and item.inputs["namespace"].startswith("customer-")
        ]
        assert sorted(given) == [(f"customer-{tenant}", "backup") for tenant in TENANTS]
    else:
        members = {item.inputs["managedFolder"]: item.inputs for item in made.all("ManagedFolderIamMember")}
        for tenant in TENANTS:
            member = members[f"customer-{tenant}/"]
            assert member["member"].endswith(f"/subject/ns/customer-{tenant}/sa/backup")
            assert member["role"] == "roles/storage.objectUser"


def test_no_customer_reaches_anothers_backups(made: Made) -> None:
    if made.cloud == "aks":
        for tenant in TENANTS:
            (right,) = (
                item.inputs
                for item in named(made, f"backups-customer-{tenant}")
                if item.typ.endswith(":RoleAssignment")
            )
            assert right["scope"] == f"cloud-backups-customer-{tenant}-id", "its own container"
            assert right["principalId"] == f"cloud-backups-customer-{tenant}-principal"
    elif made.cloud == "eks":
        (policy,) = (item.inputs["policy"] for item in made.all("RolePolicy") if item.name == "cloud-backups")
        statements = json.loads(policy)["Statement"]
        for statement in statements:
            if any(action.startswith("s3:") for action in listed(statement["Action"])):
                assert OWN_NAMESPACE in json.dumps(statement), "always the pod's own namespace"
        assert not any(pool.get("disableSessionTags") for pool in inputs(made, "PodIdentityAssociation"))
    else:
        assert made.all("BucketIAMMember") == [], "nobody has a right to the bucket as a whole"


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def inputs(made: Made, kind: str) -> list[dict[str, Any]]:
    return [item.inputs for item in made.all(kind)]


def test_backups_are_encrypted_with_the_clusters_key_versioned_and_not_public(made: Made) -> None:
    if made.cloud == "aks":
        account = made.named("cloud-backups", ":StorageAccount")
        assert account["accountName"] == BACKUPS
        assert account["encryption"]["keySource"] == "Microsoft.Keyvault"
        assert (account["allowBlobPublicAccess"], account["allowSharedKeyAccess"]) == (False, False)
        kept = made.named("cloud-backups", ":BlobServiceProperties")
        assert kept["isVersioningEnabled"] is True
        assert kept["deleteRetentionPolicy"] == {"enabled": True, "days": 30}
        lock = made.named("cloud-backups-lock")
        assert (lock["level"], lock["scope"]) == ("CanNotDelete", "cloud-backups-id")
    elif made.cloud == "eks":
        bucket = made.named("cloud-backups", ":Bucket")
        assert (bucket["bucket"], bucket["forceDestroy"]) == (BACKUPS, False)
        assert made.named("cloud-backups", ":BucketVersioning")["versioningConfiguration"] == {
            "status": "Enabled"
        }
        closed = made.named("cloud-backups", ":BucketPublicAccessBlock")
        assert {value for key, value in closed.items() if key != "bucket"} == {True}
        (rule,) = made.named("cloud-backups", ":BucketServerSideEncryptionConfiguration")["rules"]
        key = made.one("Cluster")["encryptionConfig"]["provider"]["keyArn"]
        assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == key
    else:
        bucket = made.named("cloud-backups", ":Bucket")
        assert (
            bucket["encryption"]["defaultKmsKeyName"] == made.one("Cluster")["databaseEncryption"]["keyName"]
        )
        assert bucket["versioning"] == {"enabled": True}
        assert bucket["publicAccessPrevention"] == "enforced"
        assert bucket["uniformBucketLevelAccess"] is True


def test_backup_pods_say_where_their_own_part_is(made: Made) -> None:
    environments = {}
    for job in made.all("CronJob"):
        if not job.inputs["metadata"]["namespace"].startswith("customer-"):
            continue
        pod = job.inputs["spec"]["jobTemplate"]["spec"]["template"]
        assert pod["spec"]["serviceAccountName"] == "backup"
        assert pod["metadata"]["labels"].get("azure.workload.identity/use") == (
            "true" if made.cloud == "aks" else None
        )
        variables = {item["name"]: item["value"] for item in pod["spec"]["containers"][0]["env"]}
        environments[job.inputs["metadata"]["namespace"]] = variables
    assert (
        environments[f"customer-{SHARED}"]["RESTIC_REPOSITORY"]
        == {
            "aks": f"azure:customer-{SHARED}:/",
            "eks": f"s3:https://s3.eu-central-1.amazonaws.com/{BACKUPS}/customer-{SHARED}",
            "gke": f"gs:{BACKUPS}:/customer-{SHARED}",
        }[made.cloud]
    )
    assert len({variables["RESTIC_REPOSITORY"] for variables in environments.values()}) == len(TENANTS)


def test_backup_pods_reach_the_internet_and_their_nodes_credentials_alone(made: Made) -> None:
    (policy,) = (
        item.inputs["spec"]
        for item in made.all("NetworkPolicy")
        if (item.inputs["metadata"]["namespace"], item.inputs["metadata"]["name"])
        == (f"customer-{SHARED}", "backup")
    )
    blocks = [
        (peer["ipBlock"]["cidr"], [port["port"] for port in rule["ports"]])
        for rule in policy["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    credentials = {"aks": [], "eks": [("169.254.170.23/32", [80])], "gke": [("169.254.169.254/32", [80])]}
    assert blocks == [("0.0.0.0/0", [443]), *credentials[made.cloud]]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_customer_has_no_more_objects_than_with_a_volume(config: dict[str, str], cloud: str) -> None:
    made = fleet(frozenset(config.items()), cloud, "dev", preview=False)
    own = [item for item in made.resources if item.name.startswith("acme-")]
    assert len(own) == 32


@pytest.mark.parametrize("cloud", CLOUDS)
def test_cert_manager_writes_to_the_stacks_zone_without_a_word_about_how(
    config: dict[str, str], cloud: str
) -> None:
    public = {"domain": "iotistic.example.com", "certificates": '{"issuer": "dns01"}'}
    found = run({**cloud_config(config, cloud), **public}, MqttMode.SHARED)
    assert "nameServers" in found.outputs
    assert not found.all("RecordSet") + found.all("Record"), "no names are asked for, only a zone"
    (acme,) = (item.inputs for item in found.all("ClusterIssuer") if "acme" in item.inputs["spec"])
    # The other is for names that are not of the zone: customers' own, by a web page.
    solver, _ = acme["spec"]["acme"]["solvers"]
    assert solver["selector"] == {"dnsZones": ["iotistic.example.com"]}
    assert (
        solver["dns01"]
        == {
            "aks": {
                "azureDNS": {
                    "subscriptionID": CLOUDS["aks"]["subscriptionId"],
                    "resourceGroupName": "iotistic-test",
                    "hostedZoneName": "iotistic.example.com",
                    "environment": "AzurePublicCloud",
                    "managedIdentity": {"clientID": "cloud-certificates-client"},
                }
            },
            "eks": {"route53": {"region": "eu-central-1", "hostedZoneID": "cloud-zone-zone-id"}},
            "gke": {"cloudDNS": {"project": "iotistic-test", "hostedZoneName": "iotistic-test"}},
        }[cloud]
    ), "and no key"
    (release,) = (it.inputs for it in found.all("Release") if it.inputs["name"] == "cert-manager")
    assert release["values"]["podLabels"] == (
        {"azure.workload.identity/use": "true"} if cloud == "aks" else {}
    )
    if cloud == "aks":
        annotations = release["values"]["serviceAccount"]["annotations"]
        assert annotations == {"azure.workload.identity/client-id": "cloud-certificates-client"}
        (right,) = (
            item.inputs
            for item in found.all("RoleAssignment")
            if item.name == "cloud-certificates-write-zone"
        )
        assert right["scope"] == "cloud-zone-id"
    elif cloud == "eks":
        (policy,) = (
            item.inputs["policy"] for item in found.all("RolePolicy") if item.name == "cloud-certificates"
        )
        assert json.loads(policy)["Statement"][0]["Resource"] == "arn:aws:test:::cloud-zone"
        (given,) = (
            item.inputs for item in found.all("PodIdentityAssociation") if item.name == "cloud-certificates"
        )
        assert (given["namespace"], given["serviceAccount"]) == ("cert-manager", "cert-manager")
    else:
        (member,) = inputs(found, "DnsManagedZoneIamMember")
        assert member["member"].endswith("/subject/ns/cert-manager/sa/cert-manager")


def test_policies_in_aws_name_no_more_than_is_used() -> None:
    text = own_part(bucket="arn:b", key="arn:k") + may_answer_challenges("arn:z")
    assert "DeleteObjectVersion" not in text, "the last trace of a backup is not a pod's to remove"
    assert '"*"' not in text
    assert "TXT" in text
    assert [it["Action"] for it in refusals("arn:b", protect=True)] == ["s3:*", "s3:DeleteBucket"]
    assert len(refusals("arn:b", protect=False)) == 1


@pytest.mark.parametrize(
    ("cloud", "changes", "key"),
    [
        ("gke", {"backupRepository": "s3:https://s3.example/b"}, "backupStore"),
        ("gke", {"backupStore": '{"name": "With-Dashes"}'}, "backupStore.name"),
        ("gke", {"backupStore": '{"name": "backups", "undeleteDays": 1}'}, "backupStore.undeleteDays"),
        ("gke", {"dns": '{"zone": "mine"}'}, "dns.zone"),
        ("gke", {"ingress": '{"controller": "none"}'}, "dns.ingressAddress"),
        ("eks", {"dns": '{"ingressAddress": "198.51.100.7"}'}, "dns.ingressAddress"),
        ("aks", {"dns": '{"ingressAddress": "balancer.example.com"}'}, "dns.ingressAddress"),
        ("gke", {"dns": '{"ingressAddress": "balancer.example.com"}'}, "dns.ingressAddress"),
        ("aks", {"mqttEdge": PROXIED}, "mqttEdge.proxyProtocol"),
        ("gke", {"mqttEdge": PROXIED}, "mqttEdge.proxyProtocol"),
        ("eks", {"mqttEdge": PROXIED}, "mqttEdge.proxyProtocol"),
        ("aks", UNREAD, "monitoring"),
        ("eks", UNREAD, "monitoring"),
        ("gke", UNREAD, "monitoring"),
        (None, {"backupStore": '{"name": "backups"}'}, "backupStore"),
        (None, {"dns": '{"ingressAddress": "198.51.100.7"}'}, "dns"),
    ],
)
def test_what_cannot_work_is_refused(
    run_program: Callable[..., Run],
    config: dict[str, str],
    cloud: str | None,
    changes: dict[str, str],
    key: str,
) -> None:
    base = services_of(cloud_config(config, cloud)) if cloud else {**config, "backupRepository": "none"}
    with pytest.raises(UsageError) as refusal:
        run_program({**base, **changes})
    wheres = [problem.where for problem in refusal.value.problems]
    assert wheres == [f"Pulumi.dev.yaml: iotistic:{key}"]


TOLD = {"service.beta.kubernetes.io/aws-load-balancer-proxy-protocol": "*"}


@pytest.mark.parametrize(
    ("cloud", "changes"),
    [
        ("eks", {"dns": '{"ingressAddress": "balancer.example.com"}'}),
        ("aks", {"dns": '{"ingressAddress": "198.51.100.7"}', "ingress": '{"controller": "none"}'}),
        ("gke", {"dns": '{"enabled": false}', "ingress": '{"controller": "none"}'}),
        (
            "eks",
            {"mqttEdge": json.dumps({"enabled": True, "proxyProtocol": True, "serviceAnnotations": TOLD})},
        ),
        ("gke", {**UNREAD, "monitoring": "false"}),
    ],
)
def test_what_can_work_is_not(config: dict[str, str], cloud: str, changes: dict[str, str]) -> None:
    settings = read_settings({**services_of(cloud_config(config, cloud)), **changes}.get, stack="dev")
    asked = settings.dns is not None and settings.dns.ingress_address is None
    assert asked is ("dns" not in changes), "switched off is as good as not there"


@pytest.mark.parametrize("status", [None, {}, {"loadBalancer": {}}])
def test_a_balancer_without_an_address_is_said(status: dict[str, Any] | None) -> None:
    with pytest.raises(pulumi.RunError, match="no address yet"):
        balancer_of(status)


def test_a_balancer_has_a_name_or_an_address() -> None:
    for entrance in ({"hostname": "a.example"}, {"ip": "a.example"}):
        assert balancer_of({"loadBalancer": {"ingress": [entrance]}}) == "a.example"
