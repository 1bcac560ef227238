"""What the program declares as a whole, and what it refuses before it declares anything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program.conftest import Run

TENANTS = ["acme", "globex", "initech"]


def test_each_tenant_gets_one_instance(run_program: Callable[..., Run], config: dict[str, str]) -> None:
    run = run_program(config)
    namespaces = {
        resource.inputs["metadata"]["name"]
        for resource in run.engine.kubernetes_objects()
        if resource.typ.endswith(":Namespace")
    }
    assert namespaces == {
        "ingress",
        "mqtt-edge",
        "monitoring",
        *(f"customer-{tenant}" for tenant in TENANTS),
    }
    assert sorted(run.outputs["tenants"]) == TENANTS
    assert run.outputs["tenants"]["acme"] == {
        "url": "https://acme.iotistic.localhost",
        "mqtt": "mqtts://mqtt-acme.iotistic.localhost:8883",
    }


def test_every_object_names_the_explicit_provider(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    objects = run_program(config).engine.kubernetes_objects()
    assert len(objects) > len(TENANTS) * 20
    providers = {
        (resource.provider or "no::explicit::provider").split("::")[2].rpartition("$")[2]
        for resource in objects
    }
    assert providers == {"pulumi:providers:kubernetes"}


def test_every_object_has_the_one_field_manager(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    managers = Counter(
        resource.inputs["metadata"]["annotations"]["pulumi.com/patchFieldManager"]
        for resource in run_program(config).engine.kubernetes_objects()
    )
    assert set(managers) == {"iotistic"}


def test_logical_names_are_unique_within_a_type(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    names = Counter((resource.typ, resource.name) for resource in run_program(config).engine.declared)
    assert [name for name, count in names.items() if count > 1] == []


def test_two_runs_declare_the_same(run_program: Callable[..., Run], config: dict[str, str]) -> None:
    first, second = (
        {(r.typ, r.name): r.inputs for r in run_program(config).engine.declared} for _ in range(2)
    )
    assert first == second


def test_a_stack_may_set_less_processor_aside_than_a_plan_promises(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    def of_the_api(**more: str) -> dict[str, Any]:
        run = run_program({**config, **more})
        pods = next(
            item.inputs["spec"]["template"]["spec"]
            for item in run.engine.declared
            if item.typ.endswith(":Deployment")
            and item.inputs["metadata"]["namespace"] == "customer-acme"
            and item.inputs["metadata"]["name"] == "api"
        )
        found: dict[str, Any] = pods["containers"][0]["resources"]
        return found

    whole, half = of_the_api(), of_the_api(cpuRequestPercent="50")
    assert (whole["requests"].pop("cpu"), half["requests"].pop("cpu")) == ("100m", "50m")
    assert half == whole


def test_nothing_is_declared_when_a_running_customer_has_no_file(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program(config, deployed=dict.fromkeys(("acme", "umbrella", "hooli"), "active"))
    assert [problem.where for problem in refusal.value.problems] == [
        "tenants/registry/dev/hooli.yaml",
        "tenants/registry/dev/umbrella.yaml",
    ]
    assert "git checkout -- tenants/registry/dev/hooli.yaml" in str(refusal.value)


def test_customers_that_the_stack_holds_and_the_registry_knows_are_fine(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    deployed = dict.fromkeys(TENANTS, "active")
    assert sorted(run_program(config, deployed=deployed).outputs["tenants"]) == TENANTS


def test_only_who_was_decommissioned_by_an_earlier_run_is_removed(
    run_program: Callable[..., Run], config: dict[str, str], registry: Path
) -> None:
    gone = {"umbrella": "active", "hooli": "", "stark": "decommissioned"}
    stones = "".join(
        f'  - id: "{tenant}"\n    removed_on: "2026-11-20"\n    reason: "x"\n' for tenant in gone
    )
    record = registry / "_removed.yaml"
    record.write_text(f"schema_version: 1\nremoved:\n{stones}", encoding="utf-8")
    with pytest.raises(UsageError) as refusal:
        run_program(config, deployed=gone)
    assert [(problem.where, problem.what) for problem in refusal.value.problems] == [
        (
            "tenants/registry/dev/_removed.yaml: removed",
            f"records '{tenant}', whom the last run left {left}, not decommissioned",
        )
        for tenant, left in (("hooli", "unfinished"), ("umbrella", "active"))
    ]
    ended = dict.fromkeys(gone, "decommissioned")
    assert sorted(run_program(config, deployed=ended).outputs["tenants"]) == TENANTS


def test_what_holds_data_is_protected_until_its_customer_is_decommissioned(
    run_program: Callable[..., Run], config: dict[str, str], registry: Path
) -> None:
    states = {"globex": "suspended", "initech": "decommissioned"}
    for tenant, state in states.items():
        file = registry / f"{tenant}.yaml"
        lifecycle = f'lifecycle:\n  state: "{state}"\n  reason: "x"\n  since: "2026-11-23"\n'
        until = '  delete_after: "2027-11-23"\n' if state == "decommissioned" else ""
        file.write_text(file.read_text(encoding="utf-8") + lifecycle + until, encoding="utf-8")
    protected = run_program({**config, "protect": "true"}).engine.protected
    data = ("persistent-volume-claim-backup-data", "persistent-volume-claim-postgres-data")
    held = (*data, "stateful-set-postgres")
    assert {name for name in protected if name.startswith((*TENANTS,))} == {
        f"{tenant}-{name}"
        for tenant in ("acme", "globex")
        for name in (f"namespace-customer-{tenant}", *held)
    }
    assert not {name for name in run_program(config).engine.protected if name.startswith((*TENANTS,))}


def test_every_missing_key_is_named_at_once(run_program: Callable[..., Run]) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({"environment": "dev"})
    missing = {problem.where.rpartition(":")[2] for problem in refusal.value.problems}
    assert {"domain", "kubeconfig", "kubeContext", "masterKey", "licencePrivateKeys"} <= missing
    assert "environment" not in missing


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("environment", "../prod"),
        ("domain", "not a domain"),
        ("domain", "localhost"),
        ("cluster", "minikube"),
        ("protect", "perhaps"),
        ("mqttAuthentication", "ldap"),
        ("cpuRequestPercent", "0"),
        ("cpuRequestPercent", "101"),
        ("masterKey", "c2hvcnQ="),
        ("masterKey", "not base64!"),
        ("kubeconfig", ""),
    ],
)
def test_a_wrong_value_is_refused_by_key_and_never_repeated_if_secret(
    run_program: Callable[..., Run], config: dict[str, str], key: str, value: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, key: value})
    (problem,) = refusal.value.problems
    assert problem.where == f"Pulumi.dev.yaml: iotistic:{key}"
    assert "pulumi config set" in problem.how
    if key == "masterKey":
        assert value not in str(refusal.value)
        assert "--secret" in problem.how


def test_a_licence_key_that_is_no_key_is_refused(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        run_program({**config, "licencePrivateKeys": '{"1": "not a key"}'})


def test_brokers_that_could_not_read_their_users_passwords_are_refused(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    asking = {**config, "mqttAuthentication": "postgres"}
    assert sorted(run_program(asking).outputs["tenants"]) == TENANTS
    other = '{"api": "docker.io/iotistic/api:1.9.3"}'
    with pytest.raises(UsageError) as refusal:
        run_program({**asking, "imageOverrides": other})
    assert len(refusal.value.problems) == len(TENANTS)
    assert sorted(run_program({**config, "imageOverrides": other}).outputs["tenants"]) == TENANTS


def test_an_api_of_another_generation_is_refused_for_the_whole_stack(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="Redis and TimescaleDB"):
        run_program({**config, "imageOverrides": '{"api": "docker.io/iotistic/api:0.0.4"}'})
