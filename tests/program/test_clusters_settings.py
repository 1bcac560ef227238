"""What a stack says of a cloud: every wrong and missing value is refused by name, the examples work."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from infra.program import ROOT
from infra.settings import Settings
from tenants.errors import UsageError
from tenants.models import MqttMode
from tests.program.clouds import CLOUDS, cloud_config, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run


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


@pytest.mark.filterwarnings(r"ignore:(gcp|s3)\..* has been deprecated:DeprecationWarning")
@pytest.mark.parametrize(("version", "warned"), [("1.35.1", False), ("1.33.2", True), ("1.99.1", True)])
def test_an_old_or_unknown_version_of_kubernetes_is_a_warning(
    config: dict[str, str], caplog: pytest.LogCaptureFixture, version: str, *, warned: bool
) -> None:
    with caplog.at_level("WARNING", logger="engine"):
        made = run(cloud_config(config, "gke", kubernetesVersion=version), MqttMode.SHARED)
    assert (f"Kubernetes {version[:4]} on gke" in caplog.text) is warned
    assert made.one("Cluster")["minMasterVersion"] == version, "it is declared all the same"


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
        "monitoringSecrets",
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
        "monitoringSecrets": '{"night": "0123456789abcdef0123456789abcdef"}',
    }
    settings = Settings.read(changed.get, stack="prod")
    assert settings.cloud is not None
    assert settings.cloud.kind == cloud
    assert settings.backup_route is not None


def committed_production(config: dict[str, str]) -> dict[str, str]:
    """The committed configuration, with secrets and the declared defaults, which tests have in ``config``."""
    committed = YAML(typ="safe").load(ROOT / "Pulumi.prod.yaml")["config"]
    kept = {key: value for key, value in config.items() if not key.startswith("kube")}
    defaults = {**kept, "backupRepository": "none"}
    given = {
        key.partition(":")[2]: value if isinstance(value, str) else json.dumps(value)
        for key, value in committed.items()
    }
    return {**defaults, **given}
