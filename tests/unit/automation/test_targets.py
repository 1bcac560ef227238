"""Which stacks workflows serve: as committed, and once there is one of each kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from ops.automation.targets import targets_of
from ops.cli import ci
from ops.workspace import ROOT
from tenants.errors import UsageError
from tests.unit.automation.conftest import run

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "dev: its cluster is simulated, on the machine of whoever works on it; there: make up\n"
PROD = "prod: served, after the others\n"


def write(folder: Path, stack: str, **keys: object) -> None:
    config = {"environment": stack, "domain": f"{stack}.example.com", **keys}
    document = {"config": {f"iotistic:{key}": value for key, value in config.items()}}
    YAML().dump(document, folder / f"Pulumi.{stack}.yaml")


def outputs(github: Path) -> dict[str, object]:
    """What later jobs of a workflow read."""
    lines = [line.partition("=") for line in github.read_text(encoding="utf-8").splitlines()]
    return {name: json.loads(value) for name, _, value in lines}


def test_of_the_committed_stacks_prod_is_served_and_dev_is_not(tmp_path: Path) -> None:
    assert run("targets", f"--github-output={tmp_path / 'out'}") == LOCAL + PROD
    assert outputs(tmp_path / "out") == {
        "served": ["prod"],
        "unprotected": [],
        "protected": ["prod"],
        "beside": [],
    }


@pytest.mark.parametrize("dev", [{"cluster": "gke"}, {"cluster": "existing"}, {}])
def test_a_dev_that_can_be_reached_is_served_before_prod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: dict[str, str]
) -> None:
    write(tmp_path, "prod", cluster="aks", protect=True)
    write(tmp_path, "dev", protect=False, **dev)
    monkeypatch.setattr(ci, "ROOT", tmp_path)
    assert run("targets", f"--github-output={tmp_path / 'out'}") == "dev: served\n" + PROD
    assert outputs(tmp_path / "out") == {
        "served": ["dev", "prod"],
        "unprotected": ["dev"],
        "protected": ["prod"],
        "beside": ["dev"],
    }


def test_order_goes_by_protection_then_by_name_and_silence_protects(tmp_path: Path) -> None:
    write(tmp_path, "apac")
    write(tmp_path, "eu", protect="true")
    write(tmp_path, "staging", protect="false")
    write(tmp_path, "demo", protect=False)
    write(tmp_path, "laptop", cluster="simulated", protect=False)
    found = targets_of(tmp_path)
    assert found.served == ["demo", "staging", "apac", "eu"]
    assert (found.unprotected, found.protected) == (["demo", "staging"], ["apac", "eu"])
    assert found.beside == ["demo"], "one, and never one whose data is protected"
    assert list(found.reasons(["laptop", "eu"])) == ["laptop"]


def test_every_broken_configuration_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, "prod")
    for name in ("one", "two"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: [", encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        targets_of(tmp_path)
    assert [problem.where.rpartition("/")[2] for problem in refusal.value.problems] == [
        "Pulumi.one.yaml",
        "Pulumi.two.yaml",
    ]


def test_targets_can_be_read_by_programs() -> None:
    dev, prod = json.loads(run("targets", "--json"))
    assert dev["left_out"]
    assert prod == {"stack": "prod", "protected": True, "left_out": None}


def test_a_change_of_all_stacks_goes_on_with_the_served_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ci, "stacks_of_change", lambda _: ["dev", "prod"])
    answer = run("stacks", f"--github-output={tmp_path / 'out'}")
    assert answer.startswith("dev: no workflow serves it: its cluster is simulated")
    assert answer.endswith("dev\nprod\n")
    assert outputs(tmp_path / "out") == {"stacks": ["prod"], "left_out": ["dev"]}
    assert targets_of(ROOT).served == ["prod"]
