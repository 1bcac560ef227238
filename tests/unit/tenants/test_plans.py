"""The plan table and what follows from it: sizes, quotas, and the room that a roll-out needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import UsageError
from tenants.plans import PlanName, PlanTable, load_plans
from tenants.quantities import bytes_text, cpu_text, mebibytes, millicores
from tenants.sizing import components, quota_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenants.tenant import Tenant

PLANS: list[PlanName] = ["starter", "professional", "enterprise"]


def test_the_plans_are_those_that_are_sold(plans: PlanTable) -> None:
    def column(read: Callable[[PlanName], object]) -> list[object]:
        return [read(name) for name in PLANS]

    assert list(plans.plans) == PLANS
    assert column(lambda name: plans[name].features.max_devices) == [5, 50, 999_999]
    assert column(lambda name: plans[name].limits.max_users) == [2, 10, None]
    assert column(lambda name: plans[name].limits.max_job_templates) == [10, 100, None]
    assert column(lambda name: plans[name].limits.max_alert_rules) == [25, 100, None]
    assert column(lambda name: plans[name].price.monthly_usd_cents) == [2900, 9900, 49900]
    assert column(lambda name: plans[name].price.extra_device_usd_cents) == [500, 400, None]
    assert column(lambda name: plans[name].grace_days) == [7, 14, 30]
    assert column(lambda name: plans[name].trial_days) == [14, None, None]
    assert column(lambda name: plans[name].monitoring.retention_days) == [7, 15, 30]
    assert column(lambda name: plans[name].features.can_schedule_jobs) == [False, True, True]
    assert column(lambda name: plans[name].features.has_dedicated_prometheus) == [False, False, True]


def test_one_of_each_plan_fits_on_three_small_nodes(plans: PlanTable) -> None:
    cpu = memory = 0
    for plan in plans.plans.values():
        for name in components(plan.options):
            size = getattr(plan.sizes, name)
            cpu += millicores(size.cpu_request)
            memory += mebibytes(size.memory_request)
            assert millicores(size.cpu_request) <= 2000
    assert cpu <= 3 * 4000 * 0.5
    assert memory <= 3 * 16 * 1024 * 0.5


ALL = {"node_red": True, "exporter": True}
EVERYTHING = {**ALL, "prometheus": True, "grafana": True}


@pytest.mark.parametrize(
    ("plan", "options"),
    [
        ("starter", {}),
        ("starter", ALL),
        ("professional", ALL),
        ("enterprise", {}),
        ("enterprise", EVERYTHING),
    ],
)
def test_the_quota_holds_a_roll_out_a_certificate_and_a_backup_at_once(
    tenant: Callable[..., Tenant], plan: str, options: dict[str, bool]
) -> None:
    made = tenant(plan=plan, options=options)
    running = [getattr(made.sizes, name) for name in components(made.options)]
    surge = [made.sizes.api, made.sizes.dashboard]
    at_once = [*running, *surge, made.sizes.job]
    solver_cpu, solver_memory = 100, 64
    assert millicores(made.quota.cpu) >= sum(millicores(size.cpu_limit) for size in at_once) + solver_cpu
    assert (
        mebibytes(made.quota.memory) >= sum(mebibytes(size.memory_limit) for size in at_once) + solver_memory
    )
    assert millicores(made.quota.requests_cpu) >= sum(millicores(size.cpu_request) for size in at_once)
    assert mebibytes(made.quota.requests_memory) >= sum(mebibytes(size.memory_request) for size in at_once)
    assert made.quota.services >= len(running) + 2
    assert made.quota.pods > len(at_once)


def test_the_quota_never_falls_below_the_floor(plans: PlanTable) -> None:
    plan = plans["starter"]
    quota = quota_for(plan.sizes, plan.storage, plan.options)
    assert (quota.cpu, quota.memory, quota.services) == ("4", "4Gi", 10)


def test_an_option_that_is_switched_off_keeps_its_room_until_its_line_goes(
    tenant: Callable[..., Tenant],
) -> None:
    on, off, never = (tenant(options=chosen) for chosen in ({"node_red": True}, {"node_red": False}, {}))
    assert (on.options.node_red, off.options.node_red) == (True, False)
    assert off.quota == on.quota
    assert off.quota != never.quota


def test_larger_containers_raise_the_quota(tenant: Callable[..., Tenant]) -> None:
    assert tenant(resources={"postgres": {"cpu_limit": "6", "memory_limit": "12Gi"}}).quota.cpu == "9"
    assert tenant(storage={"postgres": "100Gi"}).quota.storage == "124Gi"


@given(st.integers(1, 100), st.sampled_from(PLANS))
def test_what_is_set_aside_is_a_part_and_never_nothing(
    plans: PlanTable, percent: int, plan: PlanName
) -> None:
    whole = plans[plan].sizes
    for name, size in whole.promising(percent):
        before = getattr(whole, name)
        assert 1 <= millicores(size.cpu_request) <= millicores(before.cpu_request)
        assert size.model_copy(update={"cpu_request": before.cpu_request}) == before
    assert whole.promising(100) == whole


@given(st.integers(1, 99_999))
def test_quantities_read_back_what_they_write(amount: int) -> None:
    assert millicores(cpu_text(amount)) == amount
    assert mebibytes(bytes_text(amount)) == amount


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            '  professional:\n    name: "professional"',
            '  profesional:\n    name: "professional"',
            "plans.profesional",
        ),
        ('    name: "enterprise"', '    name: "starter"', "the plan under enterprise calls itself starter"),
        (
            'cpu_request: "100m", cpu_limit: "500m"',
            'cpu_request: "600m", cpu_limit: "500m"',
            "cpu request 600m is above",
        ),
        ("    grace_days: 7\n", "    grace_days: 0\n", "0 is below 1"),
        ("monthly_usd_cents: 2900", "monthly_usd_cents: 29.00", "29.00 is no plain text"),
        ("      max_devices: 5\n", "", "plans.starter.features.max_devices: the key is missing"),
    ],
)
def test_a_wrong_plan_table_is_refused(
    root: Path, tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = (root / "tenants/plans.yaml").read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "plans.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_plans(path)


def test_a_missing_plan_is_refused(root: Path, tmp_path: Path) -> None:
    text = (root / "tenants/plans.yaml").read_text(encoding="utf-8")
    path = tmp_path / "plans.yaml"
    path.write_text(text[: text.index("  enterprise:\n")], encoding="utf-8")
    with pytest.raises(UsageError, match="the plan enterprise is missing"):
        load_plans(path)
