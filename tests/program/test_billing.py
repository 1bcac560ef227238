"""Billing's place: off by default, apart from everybody, and nothing of it in clear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.clusters.backups import BackupRoute
from infra.customer import postgres
from infra.images import load_images, load_platform_image, parse
from infra.platform import billing
from infra.platform.billing_model import Billing, BillingCredentials
from infra.platform.billing_settings import BillingSettings
from tenants.errors import UsageError
from tenants.models import MqttMode
from tenants.secrets import derive
from tests.program.clouds import BILLING_IMAGE, CLOUDS, cloud_config
from tests.program.clouds import run as run_in_cloud
from tests.program.instances import as_yaml, instance_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.component import Manifest
    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform" / "billing.yaml"
CHOSEN = {"billing": json.dumps({"image": BILLING_IMAGE})}
PASSWORDS = BillingCredentials(
    database_superuser="<superuser's password>",
    database_api="<service's password>",
    database_exporter="<exporter's password>",
    redis="<Redis's password>",
    backup="<backup key>",
)


def place(**changed: Any) -> Billing:  # noqa: ANN401 - fields of several types
    given: dict[str, Any] = {
        "environment": "dev",
        "domain": "iotistic.localhost",
        "settings": BillingSettings(image=BILLING_IMAGE),
        "volume_class": "standard",
        "images": load_images(),
        "image": parse(BILLING_IMAGE),
        "redis_image": load_platform_image("redis"),
        "credentials": PASSWORDS,
        "secrets": {"STRIPE_SECRET_KEY": "<Stripe's key>"},
        "backup_repository": "volume",
        "monitoring": True,
        **changed,
    }
    return Billing(**given)


def only(objects: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (it for it in objects if it["kind"] == kind and it["metadata"]["name"] == name)
    return found


def test_objects_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN, as_yaml(billing.manifests(place())))


def test_its_database_is_a_customers_with_other_names() -> None:
    own = only(billing.manifests(place()), "StatefulSet", "postgres")["spec"]["template"]["spec"]
    (theirs,) = (it for it in postgres.manifests(instance_of("acme")) if it["kind"] == "StatefulSet")
    server, customers = own["containers"][0], theirs["spec"]["template"]["spec"]["containers"][0]
    assert {**server, "resources": {}} == {**customers, "resources": {}}
    assert own["securityContext"] == theirs["spec"]["template"]["spec"]["securityContext"]


def test_no_password_stands_outside_of_secrets() -> None:
    objects = billing.manifests(place())
    text = json.dumps([it for it in objects if it["kind"] != "Secret"])
    assert not [it for it in ("password>", "Stripe's key", "backup key") if it in text]
    environment = only(objects, "Deployment", "billing")["spec"]["template"]["spec"]["containers"][0]["env"]
    by_reference = {it["name"] for it in environment if "valueFrom" in it}
    assert by_reference == {"DATABASE_URL", "REDIS_PASSWORD", "STRIPE_SECRET_KEY"}
    assert "<Redis's password>" not in only(objects, "Secret", "redis")["stringData"]["users.acl"]


def test_the_pods_roll_when_a_secret_changes() -> None:
    def checksums(of: Billing) -> set[str]:
        sets = [it for it in billing.manifests(of) if it["kind"] in {"Deployment", "StatefulSet"}]
        return {json.dumps(it["spec"]["template"]["metadata"]["annotations"]) for it in sets}

    changed = BillingCredentials.issue(bytes(32), epoch=2)
    assert checksums(place()) & checksums(place(credentials=changed)) == set()


def test_everybody_is_kept_out_but_who_has_to_come_in() -> None:
    objects = billing.manifests(place())
    policies = {it["metadata"]["name"]: it["spec"] for it in objects if it["kind"] == "NetworkPolicy"}
    everything = policies.pop("default-deny")
    assert everything["podSelector"] == {}
    assert everything["ingress"] == []
    assert [port["port"] for rule in everything["egress"] for port in rule["ports"]] == [53, 53]
    (web,) = policies["billing"]["ingress"]
    assert web["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}},
        # Of customers, only those two that have to do with billing.
        *({**OF_CUSTOMERS, **of_pods(app)} for app in ("api", "exporter")),
    ]
    assert [port["port"] for port in web["ports"]] == [3100]
    for stored, port, clients in (("postgres", 5432, ["billing", "backup"]), ("redis", 6379, ["billing"])):
        assert policies[stored]["egress"] == []
        callers = [rule for rule in policies[stored]["ingress"] if rule["ports"][0]["port"] == port]
        (caller,) = callers
        assert caller["from"] == [of_pods(client) for client in clients]


OF_CUSTOMERS = {"namespaceSelector": {"matchLabels": {"app.kubernetes.io/part-of": "iotistic"}}}


def of_pods(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}


ROUTE = BackupRoute(
    pattern="s3:s3.example.com/all/{namespace}",
    environment={"AWS_REGION": "eu-central-1"},
    pod_labels={"known": "yes"},
    credentials="169.254.170.23/32",
)


@pytest.mark.parametrize(
    ("chosen", "repository", "reached"),
    [
        ({"backup_repository": "volume"}, "/repository", []),
        ({"backup_repository": "s3:s3.example.com/b"}, "s3:s3.example.com/b/billing", [443]),
        (
            {"backup_repository": None, "backup_route": ROUTE},
            "s3:s3.example.com/all/billing",
            [443, 80],
        ),
    ],
)
def test_its_database_is_backed_up_every_night_where_the_customers_are(
    chosen: dict[str, Any], repository: str, reached: list[int]
) -> None:
    objects = billing.manifests(place(**chosen))
    job = only(objects, "CronJob", "backup")["spec"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (dump,), (store,) = pod["initContainers"], pod["containers"]
    assert (dump["command"][-1], store["command"][-1]) == ("/etc/iotistic/dump.sh", "/etc/iotistic/store.sh")
    environment = {it["name"]: it["value"] for it in store["env"]}
    assert environment["RESTIC_REPOSITORY"] == repository
    assert job["suspend"] is False
    scripts = only(objects, "ConfigMap", "config")["data"]
    assert "--host billing " in scripts["store.sh"]
    assert "--keep-daily 30 " in scripts["store.sh"]
    policy = only(objects, "NetworkPolicy", "backup")["spec"]
    assert policy["ingress"] == []
    assert policy["egress"][0]["to"] == [of_pods("postgres")]
    assert [port["port"] for rule in policy["egress"][1:] for port in rule["ports"]] == reached
    known = [it["metadata"]["name"] for it in objects if it["kind"] == "ServiceAccount"]
    assert ("backup" in known) == ("backup_route" in chosen) == (pod["serviceAccountName"] == "backup")


def test_a_backup_is_put_back_by_a_job_that_never_runs_by_itself() -> None:
    objects = billing.manifests(place())
    job = only(objects, "CronJob", "restore-database")["spec"]
    assert job["suspend"] is True
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert [it["command"][-1] for it in (*pod["initContainers"], *pod["containers"])] == [
        "/etc/iotistic/restore.sh",
        "/etc/iotistic/load.sh",
    ]


def test_the_key_of_its_backups_outlives_the_passwords() -> None:
    first, raised = (BillingCredentials.issue(bytes(32), epoch=epoch) for epoch in (1, 2))
    assert raised.backup == first.backup
    assert raised.redis != first.redis


def test_without_a_place_for_backups_or_a_prometheus_nothing_of_them_is_declared() -> None:
    objects = billing.manifests(place(backup_repository=None, monitoring=False))
    assert not [it for it in objects if it["metadata"]["name"] in {"backup", "restore-database"}]
    assert not [it for it in objects if it["kind"] in {"ServiceMonitor", "CronJob"}]
    assert "store.sh" not in only(objects, "ConfigMap", "config")["data"]
    database = only(objects, "NetworkPolicy", "postgres")["spec"]["ingress"]
    assert database[0]["from"] == [of_pods("billing")]


def test_its_database_tells_prometheus_how_it_is() -> None:
    objects = billing.manifests(place())
    monitor = only(objects, "ServiceMonitor", "billing")["spec"]
    told = [
        it["metadata"]["name"]
        for it in objects
        if it["kind"] == "Service"
        and monitor["selector"]["matchLabels"].items() <= it["metadata"]["labels"].items()
        and {port["name"] for port in it["spec"]["ports"]} & {it["port"] for it in monitor["endpoints"]}
    ]
    assert told == ["postgres"]


def test_there_is_none_unless_it_is_asked_for(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    assert not [name for name in run_program(config).engine.waits if name.startswith("billing")]


def test_it_is_declared_with_its_host_and_its_own_passwords(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    given = "stripe-0123456789"
    secrets = {"billingSecrets": json.dumps({"STRIPE_SECRET_KEY": given})}
    engine = run_program({**config, **CHOSEN, **secrets}).engine
    objects = {item.name: item.inputs for item in engine.declared}
    (rule,) = objects["billing-ingress-billing"]["spec"]["rules"]
    assert rule["host"] == "billing.iotistic.localhost"
    assert "billing-deployment-billing" in engine.waits["billing-ingress-billing"]
    values = objects["billing-secret-billing"]["stringData"]["value"]
    password = derive(bytes(range(32)), tenant_id="billing", purpose="database-api", epoch=1)
    assert values["DATABASE_URL"] == f"postgresql://iotistic:{password}@postgres:5432/iotistic"
    assert values["STRIPE_SECRET_KEY"] == given
    clear = [item.inputs for item in engine.declared if not item.typ.endswith(":Secret")]
    assert given not in json.dumps(clear, default=str)
    assert engine.waits["billing-namespace-billing"] >= {"platform-namespace-ingress"}


def test_a_mirror_serves_all_of_its_images(run_program: Callable[..., Run], config: dict[str, str]) -> None:
    engine = run_program({**config, **CHOSEN, "imageMirror": "mirror.example.com"}).engine
    pods = [
        it.inputs["spec"]["template"]["spec"]
        for it in engine.declared
        if it.name.startswith("billing-") and "template" in it.inputs.get("spec", {})
    ]
    images = {container["image"] for pod in pods for container in pod["containers"]}
    assert len(images) == 4
    assert all(image.startswith("mirror.example.com/") for image in images)


@pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")
@pytest.mark.parametrize("cloud", CLOUDS)
def test_in_a_cloud_its_pods_have_an_identity_of_their_own(config: dict[str, str], cloud: str) -> None:
    made = run_in_cloud({**cloud_config(config, cloud), **CHOSEN}, MqttMode.SHARED)
    objects = {item.name: item.inputs for item in made.resources}
    account = objects["billing-service-account-billing"]["metadata"]["annotations"]
    labels = objects["billing-deployment-billing"]["spec"]["template"]["metadata"]["labels"]
    if cloud == "aks":
        assert account["azure.workload.identity/client-id"] == "cloud-billing-client"
        assert labels["azure.workload.identity/use"] == "true"
    elif cloud == "eks":
        (given,) = (it for it in made.all("PodIdentityAssociation") if it.name == "cloud-billing")
        assert (given.inputs["namespace"], given.inputs["serviceAccount"]) == ("billing", "billing")
    assert not [it.name for it in made.all("RolePolicy") if it.name == "cloud-billing"], "and no right yet"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"billing": '{"image": "registry.example.com/billing"}'}, "billing.image"),
        ({"billing": '{"image": "registry.example.com/billing:latest"}'}, "billing.image"),
        ({"billing": '{"port": 3100}'}, "billing.image"),
        ({"billing": json.dumps({"image": BILLING_IMAGE, "storage": "10GB"})}, "billing.storage"),
        ({**CHOSEN, "certificates": '{"issuer": "http01", "scope": "customer"}'}, "billing"),
        ({"billingSecrets": '{"STRIPE_SECRET_KEY": "x"}'}, "billingSecrets"),
        ({**CHOSEN, "billingSecrets": '{"DATABASE_URL": "x"}'}, "billingSecrets"),
        ({**CHOSEN, "billingSecrets": '{"stripe key": "x"}'}, "billingSecrets"),
    ],
)
def test_what_cannot_work_is_refused(
    run_program: Callable[..., Run], config: dict[str, str], changed: dict[str, str], key: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, **changed})
    (problem,) = refusal.value.problems
    assert problem.where == f"Pulumi.dev.yaml: iotistic:{key}"
    if key == "billingSecrets":
        assert "--secret" in problem.how
