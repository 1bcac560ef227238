"""``iotistic tenant restore-job``: what is printed, and what is refused before anything is stopped."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from ruamel.yaml import YAML

from infra.customer import restore
from tests.program.instances import instance_of, with_options
from tests.unit.cli.conftest import ROOT, Answer, Project


@pytest.fixture
def stack(project: Project) -> Project:
    """A project with a whole configuration: that of the dev environment."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, project.root / name)
    return project


def ask(project: Project, what: str, *more: str, tenant: str = "acme") -> Answer:
    return project.run("tenant", "restore-job", tenant, "--what", what, *more)


def printed(answer: Answer) -> dict[str, Any]:
    assert answer.status == 0, answer.err
    found: dict[str, Any] = YAML(typ="safe").load(answer.out)
    return found


@pytest.mark.parametrize("part", [restore.Part.DATABASE, restore.Part.BROKER])
def test_the_job_is_the_one_of_the_declared_instance(stack: Project, part: restore.Part) -> None:
    shutil.copy(ROOT / "tenants/registry/dev/acme.yaml", stack.path("acme"))
    assert printed(ask(stack, part)) == restore.job(instance_of("acme"), part)


def test_flows_are_offered_to_who_has_them(stack: Project) -> None:
    stack.add("acme", options={"node_red": True})
    job = printed(ask(stack, "flows", "--backup", "4f2a9c01"))
    expected = restore.job(with_options("acme", "node_red"), restore.Part.FLOWS, snapshot="4f2a9c01")
    assert job["metadata"]["name"] == expected["metadata"]["name"]
    fetch = job["spec"]["template"]["spec"]["initContainers"][0]
    assert fetch == expected["spec"]["template"]["spec"]["initContainers"][0]


def test_nothing_is_run_and_what_to_do_is_said_apart(stack: Project) -> None:
    answer = ask(stack, "broker")
    assert "kubectl --namespace customer-acme scale statefulset/mosquitto --replicas=0" in answer.err
    assert "kubectl" not in answer.out
    assert "scale" not in ask(stack, "database").err, "the database has to run"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("flows",), ["flows of acme is not backed up", "use one of database, broker"]),
        (("broker", "--backup", "yesterday"), ['"yesterday" is no id of a snapshot', "hexadecimal"]),
        (("broker", "--backup", "latest; rm"), ["is no id of a snapshot"]),
    ],
)
def test_what_cannot_be_put_back_is_refused(
    stack: Project, arguments: tuple[str, ...], words: list[str]
) -> None:
    answer = ask(stack, *arguments)
    assert (answer.status, answer.out) == (2, "")
    for word in words:
        assert word in answer.err


def test_where_nothing_is_backed_up_that_is_said(stack: Project) -> None:
    config = stack.root / "Pulumi.dev.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("backupRepository: volume", "backupRepository: none"), encoding="utf-8")
    answer = ask(stack, "database")
    assert (answer.status, answer.out) == (2, "")
    assert "set a place for backups in the stack" in answer.err


def test_a_configuration_that_is_not_complete_is_named_by_key(project: Project) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", project.root / "Pulumi.yaml")
    answer = ask(project, "database")
    assert answer.status == 2
    assert "iotistic:clusterIdentifier" in answer.err
    assert "iotistic:masterKey" not in answer.err


def test_secrets_of_the_committed_configuration_are_not_needed(stack: Project) -> None:
    config = stack.root / "Pulumi.dev.yaml"
    text = config.read_text(encoding="utf-8")
    keys = "{AWS_ACCESS_KEY_ID: {secure: v1:a}, AWS_SECRET_ACCESS_KEY: {secure: v1:b}}"
    stored = f"backupRepository: s3:https://s3.example.com/backups\n  iotistic:backupCredentials: {keys}"
    config.write_text(text.replace("backupRepository: volume", stored), encoding="utf-8")
    stack.add("acme", epochs={"backup": 3})
    job = printed(ask(stack, "database"))["spec"]["template"]["spec"]
    variables = {item["name"]: item for item in job["initContainers"][0]["env"]}
    assert variables["RESTIC_REPOSITORY"]["value"] == "s3:https://s3.example.com/backups/acme"
    reference = {"name": "backup", "key": "AWS_SECRET_ACCESS_KEY"}
    assert variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"] == reference
    (volume,) = (item["secret"]["items"] for item in job["volumes"] if item["name"] == "backup")
    assert [item["path"] for item in volume] == ["password", "former-1", "former-2"]
