"""A secret that is replaced reaches whoever reads it: what reads it once, at its start, starts anew."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.customer.model import Credentials
from infra.customer.secrets import BROKER_TLS
from tenants.key_ring import KeyRing
from tenants.sizing import OPTIONAL
from tests.program.instances import PLACEHOLDERS, with_options

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYTHING: dict[str, Any] = {"surroundings": {"mqtt_authentication": "postgres"}}
"""What makes a customer with every option read every secret that there is."""

STARTED_ONCE = {"Deployment", "StatefulSet", "Job"}
"""A CronJob's pods are new every time."""


def templates(**credentials: str) -> dict[str, dict[str, Any]]:
    """Return the pod templates of everything that a customer with every option runs."""
    objects = manifests(with_options("initech", *OPTIONAL, credentials=credentials, **EVERYTHING))
    return {
        item["metadata"]["name"]: item["spec"]["template"] for item in objects if item["kind"] in STARTED_ONCE
    }


def secrets_read(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the Secrets and keys that a pod reads."""
    for container in pod["containers"] + pod.get("initContainers", []):
        for variable in container["env"]:
            if "valueFrom" in variable:
                reference = variable["valueFrom"]["secretKeyRef"]
                yield reference["name"], reference["key"]
    for volume in pod["volumes"]:
        if "secret" in volume:
            for item in volume["secret"]["items"]:
                yield volume["secret"]["secretName"], item["key"]


def readers() -> list[tuple[str, str]]:
    """Return who reads what: each workload with each credential."""
    objects = manifests(with_options("initech", *OPTIONAL, **EVERYTHING))
    values = {item["metadata"]["name"]: item["stringData"] for item in objects if item["kind"] == "Secret"}
    fields = {value: name for name, value in dataclasses.asdict(PLACEHOLDERS).items()}
    return sorted(
        {
            (workload, fields[values[secret][key]])
            for workload, template in templates().items()
            for secret, key in secrets_read(template["spec"])
            # cert-manager writes it, and a container beside the broker tells the broker of a new one.
            if secret != BROKER_TLS
        }
    )


def test_all_credentials_are_read_by_somebody() -> None:
    # Backups are made by a CronJob.
    assert {field for _, field in readers()} == {*dataclasses.asdict(PLACEHOLDERS)} - {
        "backup",
        "former_backups",
    }


@pytest.mark.parametrize(("workload", "credential"), readers())
def test_whoever_reads_a_secret_starts_anew_when_it_is_replaced(workload: str, credential: str) -> None:
    assert templates(**{credential: "<replaced>"})[workload] != templates()[workload]


@pytest.mark.parametrize("credential", [field.name for field in dataclasses.fields(PLACEHOLDERS)])
def test_nobody_else_does(credential: str) -> None:
    before, after = templates(), templates(**{credential: "<replaced>"})
    reading = {workload for workload, read in readers() if read == credential}
    assert {name for name in before if before[name] != after[name]} == reading


def test_a_new_master_key_replaces_every_password_and_no_licence(licence_private_key: str) -> None:
    """So all that reads one starts anew, and what was encrypted with one cannot be read any more."""
    keys = KeyRing.from_pems({1: licence_private_key})
    tenant = with_options("initech", *OPTIONAL).tenant
    before, after = (
        dataclasses.asdict(Credentials.issue(tenant, master_key=bytes([number] * 32), licence_keys=keys))
        for number in (1, 2)
    )
    none_yet = {"former_admin", "former_backups"}
    unchanged = {name for name in before if before[name] == after[name]}
    assert unchanged == {"licence", "licence_public_key", *none_yet}
