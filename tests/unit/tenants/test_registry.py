"""Loading an environment: what is in it, what keeps it from loading, and what must not matter."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tenants.errors import UsageError
from tenants.facts import EnvironmentFacts, NodePool
from tenants.models import LifecycleState, MqttMode, Ring
from tenants.registry import Registry, load_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenants.plans import PlanTable
    from tenants.tenant import Tenant

    Load = Callable[..., Registry]
    Text = Callable[..., str]


def test_the_dev_registry_holds_a_trial_a_professional_and_an_enterprise(
    root: Path, plans: PlanTable
) -> None:
    facts = EnvironmentFacts(domain="dev.example", node_pool=NodePool(cpu="12", memory="48Gi"))
    registry = load_registry(root / "tenants/registry", environment="dev", plans=plans, facts=facts)
    assert [(tenant.id, tenant.plan.name, tenant.status) for tenant in registry.tenants] == [
        ("acme", "starter", "trialing"),
        ("globex", "professional", "active"),
        ("initech", "enterprise", "active"),
    ]
    assert all(tenant.runs and tenant.licensed for tenant in registry.tenants)
    assert registry.removed == frozenset()


def test_the_prod_registry_uses_cells_and_all_rings(
    root: Path, plans: PlanTable, facts: EnvironmentFacts
) -> None:
    registry = load_registry(root / "tenants/registry", environment="prod", plans=plans, facts=facts)
    assert len(registry.tenants) >= 2
    assert all(tenant.cell for tenant in registry.tenants)
    assert {tenant.ring for tenant in registry.tenants} == set(Ring)


def test_a_tenant_is_complete(tenant: Callable[..., Tenant]) -> None:
    made = tenant()
    assert (made.id, made.environment, made.namespace) == ("acme", "dev", "customer-acme")
    assert made.host("iotistic.example") == "acme.iotistic.example"
    assert made.mqtt_host("iotistic.example") == "mqtt-acme.iotistic.example"
    assert (made.cluster, made.cell, made.ring, made.version) == ("main", None, Ring.STABLE, None)
    assert (made.lifecycle, made.runs, made.licensed) == (LifecycleState.ACTIVE, True, True)
    assert made.mqtt.mode is MqttMode.SHARED
    assert set(made.epochs.model_dump().values()) == {1}
    assert made.sizes == made.plan.sizes
    assert made.storage == made.plan.storage
    assert made.backup == made.plan.backup


def test_a_file_changes_what_it_names_and_nothing_else(tenant: Callable[..., Tenant]) -> None:
    plain = tenant()
    changed = tenant(
        resources={"api": {"cpu_limit": "1"}},
        storage={"postgres": "40Gi", "storage_class": "fast"},
        options={"node_red": True},
        backup={"retention_days": 60},
        epochs={"mqtt": 3},
    )
    assert changed.sizes.api.cpu_limit == "1"
    assert changed.sizes.api.cpu_request == plain.sizes.api.cpu_request
    assert changed.sizes.postgres == plain.sizes.postgres
    assert (changed.storage.postgres, changed.storage_class) == ("40Gi", "fast")
    assert changed.storage.mosquitto == plain.storage.mosquitto
    assert (changed.options.node_red, changed.options.exporter) == (True, False)
    assert (changed.backup.retention_days, changed.backup.schedule) == (60, plain.backup.schedule)
    assert (changed.epochs.mqtt, changed.epochs.jwt) == (3, 1)


@pytest.mark.parametrize("plan", ["professional", "enterprise"])
def test_a_managed_broker_and_own_hosts(tenant: Callable[..., Tenant], plan: str) -> None:
    made = tenant(
        plan=plan,
        mqtt={"mode": "managed", "endpoint": "broker.example.com", "endpoint_port": 8884},
        extra_hosts=["iot.acme.example", "mqtt.acme.iotistic.example"],
    )
    assert (made.mqtt.endpoint, made.mqtt.endpoint_port) == ("broker.example.com", 8884)
    assert made.extra_hosts == ("iot.acme.example", "mqtt.acme.iotistic.example")


def test_ids_of_digits_are_welcome_in_quotes(load: Load, text: Text) -> None:
    ids = ["12345678", "0123", "1e5", "000", "yes-no"]
    registry = load({name: text(name) for name in ids})
    assert [tenant.id for tenant in registry.tenants] == sorted(ids)


def test_the_order_of_the_files_does_not_matter(
    tmp_path: Path, plans: PlanTable, facts: EnvironmentFacts, text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dev"
    folder.mkdir()
    for number in range(12):
        (folder / f"tenant-{number}.yaml").write_text(text(f"tenant-{number}"))
    original = type(folder).iterdir
    shuffle = random.Random(7).sample  # noqa: S311  # an order, not a secret

    def any_order(path: Path) -> list[Path]:
        entries = list(original(path))
        return shuffle(entries, len(entries))

    first = load_registry(tmp_path, environment="dev", plans=plans, facts=facts)
    monkeypatch.setattr(type(folder), "iterdir", any_order)
    for _ in range(5):
        assert load_registry(tmp_path, environment="dev", plans=plans, facts=facts) == first


def test_hidden_files_and_other_kinds_are_no_tenants(load: Load, text: Text, tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / ".acme.yaml.swp").write_text("x")
    (folder / ".hidden.yaml").write_text("x")
    (folder / "README.md").write_text("x")
    (folder / "_draft.yaml").write_text("x")
    assert [tenant.id for tenant in load({"acme": text()}).tenants] == ["acme"]


def test_the_ids_of_removed_tenants_are_remembered(load: Load, text: Text) -> None:
    stones = '{schema_version: 1, removed: [{id: "globex", removed_on: "2026-10-01", reason: "left"}]}'
    assert load({"acme": text(), "_removed": stones}).removed == {"globex"}


@pytest.mark.parametrize("environment", ["prood", "", "..", "../dev", "dev/../dev", "/etc"])
def test_an_environment_that_is_none_is_refused(
    root: Path, plans: PlanTable, facts: EnvironmentFacts, environment: str
) -> None:
    with pytest.raises(UsageError, match="nothing is deleted because files are missing") as refused:
        load_registry(root / "tenants/registry", environment=environment, plans=plans, facts=facts)
    if environment == "prood":
        assert "did you mean prod? known environments: dev, prod" in str(refused.value)


def small(**limits: int | NodePool) -> EnvironmentFacts:
    return replace(EnvironmentFacts(domain="iotistic.example"), **limits)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (small(namespaces_per_cluster=22), "may need 23 namespaces, more than 22"),
        (small(services_per_cluster=129), "may need 130 Services, more than 129"),
        (
            small(node_pool=NodePool(cpu="2", memory="48Gi")),
            "may request 2310m of processor, its nodes have 2",
        ),
        (
            small(node_pool=NodePool(cpu="12", memory="3Gi")),
            "may request 4224Mi of memory, its nodes have 3Gi",
        ),
        (
            EnvironmentFacts(domain=".".join(["a" * 63] * 3) + "." + "b" * 54),
            "is longer than 253 characters",
        ),
    ],
)
def test_an_environment_that_is_too_small_is_refused(
    load: Load, text: Text, facts: EnvironmentFacts, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load({name: text(name) for name in ("acme", "globex", "initech")}, facts=facts)


def test_suspended_tenants_need_no_room_on_the_nodes(load: Load, text: Text) -> None:
    lifecycle = {"state": "suspended", "reason": "unpaid", "since": "2026-11-10"}
    load(
        {"acme": text(), "globex": text("globex", lifecycle=lifecycle)},
        facts=small(node_pool=NodePool(cpu="1", memory="2Gi")),
    )


def test_a_limit_that_is_just_reached_is_fine(load: Load, text: Text) -> None:
    facts = small(
        namespaces_per_cluster=23,
        services_per_cluster=130,
        node_pool=NodePool(cpu="2310m", memory="4224Mi"),
        tenants_per_cell=3,
    )
    load({name: text(name, cell="eu1") for name in ("acme", "globex", "initech")}, facts=facts)


def test_a_broken_file_does_not_make_rings_look_unused(load: Load, text: Text) -> None:
    with pytest.raises(UsageError) as refused:
        load({"acme": text(ring="canary", plan="startr"), "globex": text("globex", ring="stable")})
    assert [problem.where.partition(": ")[2] for problem in refused.value.problems] == ["plan"]
