"""The committed configurations and the examples in their comments, run through the whole program."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from infra.configuration import read_settings
from infra.program import ROOT
from infra.settings import WITHOUT_DEFAULT
from ops.stack_config import as_engine_text, project_defaults
from tenants.errors import UsageError
from tests.program.clouds import CLOUDS, run
from tests.program.schema import is_of_a_cloud

if TYPE_CHECKING:
    from tests.program.clouds import Made

pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

TITLES = {"eks": "On AWS instead", "gke": "On Google Cloud instead"}
OWNERS = {"aks": ("subscriptionId", "tenantId", "adminGroupIds", "apiCidrs", "keyVaultName")}
"""What the committed production leaves to its owner."""
NIGHT = '{"night": "0123456789abcdef0123456789abcdef"}'
OPTION = re.compile(r"^ *#   (iotistic:\w+: .*)$", re.MULTILINE)
ZONE = "iotistic.cloud"
TENANTS = {"prod": ["hooli-energy", "northwind", "umbrella"], "dev": ["acme", "globex", "initech"]}


def text_of(stack: str) -> str:
    return (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")


def engine_hands_on(keys: dict[str, Any]) -> dict[str, str]:
    return {key.removeprefix("iotistic:"): as_engine_text(value) for key, value in keys.items()}


def committed(stack: str) -> dict[str, str]:
    """What the engine hands the program: the project's defaults beneath the stack's committed file."""
    return {**project_defaults(ROOT), **engine_hands_on(YAML(typ="safe").load(text_of(stack))["config"])}


def secrets(config: dict[str, str]) -> dict[str, str]:
    return {key: config[key] for key in ("masterKey", "licencePrivateKeys")}


def uncommented(stack: str) -> dict[str, str]:
    """Every key that a comment offers in one line, a cloud's block apart."""
    lines = OPTION.findall(text_of(stack))
    keys: dict[str, Any] = YAML(typ="safe").load("\n".join(lines))
    return engine_hands_on({key: value for key, value in keys.items() if key != "iotistic:cloud"})


def example(cloud: str) -> dict[str, str]:
    """The block in production's comments for another cloud than the one it is in."""
    if cloud not in TITLES:
        return {}
    block = text_of("prod").partition(TITLES[cloud])[2].splitlines()[1:]
    lines = block[: next(number for number, line in enumerate(block) if "  # On" in line)]
    found = YAML(typ="safe").load("\n".join(line.removeprefix("  # ") for line in lines))
    return {"cluster": cloud, **engine_hands_on(found)}


def production(config: dict[str, str], cloud: str) -> dict[str, str]:
    """The committed production in a cloud, with what its owner has to set."""
    found = {**committed("prod"), **example(cloud), **secrets(config), "monitoringSecrets": NIGHT}
    owners = {key: CLOUDS[cloud][key] for key in OWNERS.get(cloud, ())}
    return {**found, "cloud": json.dumps({**json.loads(found["cloud"]), **owners})}


def test_the_committed_production_names_everything_that_only_its_owner_can_know() -> None:
    with pytest.raises(UsageError) as refusal:
        read_settings(committed("prod").get, stack="prod")
    assert {problem.where.rpartition(":")[2] for problem in refusal.value.problems} == {
        *(f"cloud.{key}" for key in OWNERS["aks"]),
        "masterKey",
        "licencePrivateKeys",
        "monitoringSecrets",
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_production_is_declared_as_committed_in_each_cloud(config: dict[str, str], cloud: str) -> None:
    made = run(production(config, cloud))
    assert sorted(made.outputs["tenants"]) == TENANTS["prod"]
    assert made.cloud == cloud
    assert sum(is_of_a_cloud(item) for item in made.resources) > 0
    assert {release.inputs["name"] for release in made.all("Release")} >= {"traefik", "cert-manager", "loki"}
    assert "nameServers" in made.outputs, "the zone of its certificates"
    assert hosts_in_the_zone(made) == set()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_option_that_productions_comments_offer_works_there(config: dict[str, str], cloud: str) -> None:
    options = uncommented("prod")
    assert {"dns", "velero", "billing", "mqttAuthentication"} == set(options)
    made = run({**production(config, cloud), **options})
    assert {"*", "mqtt", *(f"mqtt-{tenant}" for tenant in TENANTS["prod"])} <= hosts_in_the_zone(made)
    assert "velero" in {release.inputs["name"] for release in made.all("Release")}
    assert "billing" in {item.inputs["metadata"]["name"] for item in made.all("Namespace")}


def hosts_in_the_zone(made: Made) -> set[str]:
    """The names that lead somewhere, without those that only prove who has the zone."""
    records = [item for item in made.resources if "Record" in item.typ.rpartition(":")[2]]
    names = {
        str(item.inputs.get("relativeRecordSetName") or item.inputs["name"]).partition(f".{ZONE}")[0]
        for item in records
    }
    return {name for name in names if not name.startswith("_") and name != "@"}


def test_dev_lacks_only_what_the_machine_gives_it(config: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refusal:
        read_settings(committed("dev").get, stack="dev")
    assert {problem.where.rpartition(":")[2] for problem in refusal.value.problems} == {
        "kubeconfig",
        "kubeContext",
        "masterKey",
        "licencePrivateKeys",
    }
    assert not {"masterKey", "licencePrivateKeys"} - set(WITHOUT_DEFAULT)
    access = {"kubeconfig": "kubeconfig", "kubeContext": "test"}
    made = run({**committed("dev"), **access, **secrets(config)})
    assert sorted(made.outputs["tenants"]) == TENANTS["dev"]
    assert made.all("Release") == [], "pods of simulated nodes do not run"


def test_dev_in_a_cluster_of_this_machine_works_by_the_lines_in_its_comments(config: dict[str, str]) -> None:
    options = uncommented("dev")
    assert options["cluster"] == "existing"
    made = run({**committed("dev"), **options, **secrets(config)})
    assert sorted(made.outputs["tenants"]) == TENANTS["dev"]
    assert {release.inputs["name"] for release in made.all("Release")} == {"traefik", "cert-manager"}
    assert made.all("ServiceMonitor") == [], "no Prometheus operator would read them"
    (edge,) = [item for item in made.all("Deployment") if item.name.startswith("mqtt-edge-")]
    assert edge.inputs["spec"]["replicas"] == 1


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_key_that_a_comment_names_is_one_that_there_is(stack: str) -> None:
    known = set(YAML(typ="safe").load(ROOT / "Pulumi.yaml")["config"])
    assert set(re.findall(r"iotistic:([a-zA-Z]+)", text_of(stack))) <= known
