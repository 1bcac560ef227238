"""The stack of a pull request: customers only, under other names, and nothing that reaches further."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.configuration import read_settings
from infra.settings import Settings
from ops.automation.pull_request_stack import NOT_FOR_A_PREVIEW
from tenants.errors import UsageError
from tests.program.clouds import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

SHOWN: dict[str, Any] = {"number": 12, "tenants": ["acme", "globex"], "until": "2026-12-31"}


@pytest.fixture
def preview(config: dict[str, str]) -> dict[str, str]:
    """The configuration of a preview."""
    return {**config, "preview": json.dumps(SHOWN)}


def test_it_declares_its_customers_and_nothing_else(
    run_program: Callable[..., Run], preview: dict[str, str]
) -> None:
    run = run_program(preview)
    objects = run.engine.kubernetes_objects()
    namespaces = {one.inputs["metadata"].get("namespace", one.inputs["metadata"]["name"]) for one in objects}
    assert namespaces == {"customer-pr-12-acme", "customer-pr-12-globex"}
    assert {one.inputs["metadata"]["labels"]["iotistic.io/environment"] for one in objects} == {"pr-12"}
    assert run.outputs["tenants"]["pr-12-acme"] == {
        "url": "https://pr-12-acme.iotistic.localhost",
        "mqtt": "mqtts://mqtt-pr-12-acme.iotistic.localhost:8883",
    }
    assert run.engine.releases() == {}
    assert run.engine.protected == set()


def test_its_secrets_are_not_those_of_the_customers(
    run_program: Callable[..., Run], config: dict[str, str], preview: dict[str, str]
) -> None:
    def secrets(run: Run, prefix: str) -> dict[str, dict[str, str]]:
        return {
            one.inputs["metadata"]["name"]: one.inputs["stringData"]["value"]
            for one in run.engine.kubernetes_objects()
            if one.typ.endswith(":Secret") and one.inputs["metadata"]["namespace"] == f"customer-{prefix}acme"
        }

    own, shown = secrets(run_program(config), ""), secrets(run_program(preview), "pr-12-")
    assert own.keys() == shown.keys()
    passwords = [
        (own[name][key], shown[name][key])
        for name in own
        for key in own[name]
        # Of an earlier epoch there is none.
        if "password" in key.lower() and own[name][key]
    ]
    assert passwords
    assert all(before != after for before, after in passwords)


def test_nobody_is_told_of_its_alerts_and_nothing_is_kept_elsewhere(
    run_program: Callable[..., Run], preview: dict[str, str]
) -> None:
    declared = run_program({**preview, "backupRepository": "s3:s3.example.org/backups"}).engine
    kinds = {one.typ.rpartition(":")[2] for one in declared.kubernetes_objects()}
    assert kinds & {"PrometheusRule", "ServiceMonitor", "CronJob"} == set()
    assert "CronJob" in {
        one.typ.rpartition(":")[2] for one in run_program(preview).engine.kubernetes_objects()
    }, "a backup beside the database stays in the namespace"


def test_whom_it_showed_before_may_go(run_program: Callable[..., Run], preview: dict[str, str]) -> None:
    run = run_program(preview, deployed={"pr-12-initech": "active"})
    assert sorted(run.outputs["tenants"]) == ["pr-12-acme", "pr-12-globex"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"protect": "true"}, "iotistic:protect is true"),
        ({"certificates": '{"issuer": "http01", "scope": "customer"}'}, "certificates of a public authority"),
        ({"brokerIssuer": "iotistic-acme"}, "certificates of a public authority"),
        (
            {"preview": json.dumps({**SHOWN, "tenants": ["acme", "globex", "initech", "a"]})},
            "at most 3 items",
        ),
        ({"preview": json.dumps({**SHOWN, "tenants": []})}, "at least 1 item"),
        ({"preview": json.dumps({**SHOWN, "number": 0})}, "greater than or equal to 1"),
        ({"preview": json.dumps({**SHOWN, "tenants": ["acne"]})}, 'there is no customer "acne"'),
    ],
)
def test_what_a_preview_must_not_be_is_refused(
    run_program: Callable[..., Run], preview: dict[str, str], values: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        run_program({**preview, **values})
    assert words in str(refused.value)
    assert len(refused.value.problems) == 1


def test_it_makes_no_cluster_of_its_own(preview: dict[str, str]) -> None:
    values = {**preview, "cluster": "aks", "cloud": json.dumps(CLOUDS["aks"])}
    del values["kubeconfig"], values["kubeContext"]
    with pytest.raises(UsageError) as refused:
        read_settings(values.get, stack="pr-12")
    assert "iotistic:cluster is aks" in str(refused.value)


def test_what_is_left_out_of_its_configuration_are_keys_that_there_are() -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    assert {key.removeprefix("iotistic:") for key in NOT_FOR_A_PREVIEW} <= known
