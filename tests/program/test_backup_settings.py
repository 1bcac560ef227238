"""Where backups go by the stack's configuration: to a store of somebody else's, or nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.configuration import read_settings
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

S3 = {"AWS_ACCESS_KEY_ID": "k3y id", "AWS_SECRET_ACCESS_KEY": "k3y"}
AZURE = {"AZURE_ACCOUNT_NAME": "backups", "AZURE_ACCOUNT_KEY": "k3y"}
GOOGLE = {"GOOGLE_APPLICATION_CREDENTIALS": '{"type": "service_account"}', "GOOGLE_PROJECT_ID": "backups"}
BUCKET = "s3:https://s3.example.com/backups"


def stored_at(
    config: dict[str, str], address: str, credentials: dict[str, str], **more: str
) -> dict[str, str]:
    return {**config, "backupRepository": address, "backupCredentials": json.dumps(credentials), **more}


def objects(run: Run, kind: str, namespace: str = "customer-acme") -> dict[str, dict[str, Any]]:
    """Return a namespace's objects of a kind by name."""
    return {
        item.inputs["metadata"]["name"]: item.inputs
        for item in run.engine.kubernetes_objects()
        if item.typ.endswith(f":{kind}") and item.inputs["metadata"].get("namespace") == namespace
    }


@pytest.mark.parametrize(
    ("address", "credentials", "repository"),
    [
        (BUCKET, S3, f"{BUCKET}/acme"),
        ("azure:backups:/", AZURE, "azure:backups:/acme"),
        ("gs:backups:/prod", GOOGLE, "gs:backups:/prod/acme"),
    ],
)
def test_backups_are_given_the_stores_keys_and_nobody_else_is(
    run_program: Callable[..., Run],
    config: dict[str, str],
    address: str,
    credentials: dict[str, str],
    repository: str,
) -> None:
    found = run_program(stored_at(config, address, credentials, billing='{"image": "b/billing:1.0.0"}'))
    for namespace, name in (("customer-acme", "acme"), ("billing", "billing")):
        secret = objects(found, "Secret", namespace)["backup"]["stringData"]["value"]
        assert {key: secret.get(key) for key in credentials} == credentials
        pod = objects(found, "CronJob", namespace)["backup"]["spec"]["jobTemplate"]["spec"]["template"][
            "spec"
        ]
        variables = {item["name"]: item for item in pod["containers"][0]["env"]}
        assert variables["RESTIC_REPOSITORY"]["value"] == repository.removesuffix("acme") + name
        (volume,) = (item["secret"] for item in pod["volumes"] if item["name"] == "backup")
        files = [item["path"] for item in volume["items"]]
        for key in credentials:
            if key == "GOOGLE_APPLICATION_CREDENTIALS":
                assert variables[key]["value"] == f"/run/secrets/backup/{key}"
                assert key in files
            else:
                assert variables[key]["valueFrom"]["secretKeyRef"] == {"name": "backup", "key": key}
                assert key not in files
        dump = pod["initContainers"][0]
        assert not credentials.keys() & {item["name"] for item in dump["env"]}
    assert "backup-data" not in objects(found, "PersistentVolumeClaim")
    own = [item for item in found.engine.declared if item.name.startswith("acme-")]
    assert len(own) <= 32


@pytest.mark.parametrize(
    ("address", "network", "reached"),
    [
        (BUCKET, {}, ("0.0.0.0/0", 443)),
        ("s3:s3.example.com:8443/backups", {}, ("0.0.0.0/0", 8443)),
        ("s3:http://minio.lan:9000/backups", {"backupNetwork": "10.20.0.0/24"}, ("10.20.0.0/24", 9000)),
        ("s3:http://10.20.0.7/backups", {}, ("10.20.0.7/32", 80)),
        ("s3:https://[fd00::7]/backups", {}, ("fd00::7/128", 443)),
    ],
)
def test_backups_reach_the_store_where_it_is(
    run_program: Callable[..., Run],
    config: dict[str, str],
    address: str,
    network: dict[str, str],
    reached: tuple[str, int],
) -> None:
    run = run_program(stored_at(config, address, S3, **network))
    policy = objects(run, "NetworkPolicy")["backup"]["spec"]
    blocks = [
        (peer["ipBlock"]["cidr"], [it["port"] for it in rule["ports"]], "except" in peer["ipBlock"])
        for rule in policy["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    block, port = reached
    assert blocks == [(block, [port], block == "0.0.0.0/0")]


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"backupRepository": "sftp:host:/backups"}, "backupRepository", "no address of a store"),
        ({"backupRepository": "gs:backups"}, "backupRepository", "gs:bucket:/"),
        ({"backupRepository": BUCKET}, "backupCredentials", "lacks AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"),
        (
            {"backupRepository": BUCKET, "backupCredentials": json.dumps(S3 | AZURE)},
            "backupCredentials",
            "has, beyond what this store asks, AZURE_ACCOUNT_KEY, AZURE_ACCOUNT_NAME",
        ),
        ({"backupCredentials": json.dumps(S3)}, "backupCredentials", "backups go to no store"),
        ({"backupNetwork": "10.20.0.0/24"}, "backupNetwork", "backups go to no store"),
        ({"backupNetwork": "10.20.0.7/24"}, "backupNetwork", "is no network such as"),
        ({"backupRepository": "none", "protect": "true"}, "backupRepository", "would be kept once"),
        ({"withoutBackups": "true"}, "withoutBackups", "there is a place for backups"),
    ],
)
def test_what_would_fail_in_the_night_is_refused(
    config: dict[str, str], changes: dict[str, str], key: str, words: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        read_settings({**config, **changes}.get, stack="dev")
    (problem,) = refusal.value.problems
    assert problem.where == f"Pulumi.dev.yaml: iotistic:{key}"
    assert words in str(problem)
    assert "k3y" not in str(problem), "no secret is said"


def test_a_protected_stack_in_a_cloud_is_told_of_its_store_and_may_go_without(config: dict[str, str]) -> None:
    aws = {
        "region": "eu-central-1",
        "kubernetesVersion": "1.35",
        "apiCidrs": ["203.0.113.0/24"],
        "accountId": "123456789012",
        "adminRoleArns": ["arn:aws:iam::123456789012:role/admin"],
    }
    kept = {key: value for key, value in config.items() if not key.startswith("kube")}
    chosen = {
        **kept,
        "cluster": "eks",
        "cloud": json.dumps(aws),
        "monitoring": "false",
        "protect": "true",
        "backupRepository": "none",
    }
    with pytest.raises(UsageError) as refusal:
        read_settings(chosen.get, stack="prod")
    assert [it.where for it in refusal.value.problems] == ["Pulumi.prod.yaml: iotistic:backupStore"]
    assert read_settings({**chosen, "withoutBackups": "true"}.get, stack="prod").backup_route is None
