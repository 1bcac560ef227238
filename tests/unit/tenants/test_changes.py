"""What counts as which change, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tenants.changes import Comparison, FieldChange, Kind, Limits, Version, compare
from tenants.models import TenantFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.plans import PlanTable

TODAY = date(2026, 11, 23)
SUSPENDED = {"state": "suspended", "reason": "unpaid", "since": "2026-11-20"}
ENDED = {
    "state": "decommissioned",
    "reason": "cancelled",
    "since": "2026-11-01",
    "delete_after": "2026-12-01",
}
EPOCHS = ("database", "mqtt", "jwt", "admin", "node_red", "grafana", "backup", "licence_key")


def file(tenant_id: str = "acme", **fields: object) -> TenantFile:
    return TenantFile.model_validate(
        {
            "schema_version": 1,
            "id": tenant_id,
            "customer_id": f"cust_{tenant_id.encode().hex():0<32.32}",
            "company_name": "Acme",
            "contact_email": "it@acme.example",
            "plan": "starter",
            "created": "2026-01-02",
            "subscription": {"status": "active", "current_period_end": "2026-12-31"},
            **fields,
        }
    )


@pytest.fixture(scope="module")
def version(plans: PlanTable) -> Callable[..., Version]:
    def make(*files: TenantFile, removed: tuple[str, ...] = (), table: PlanTable = plans) -> Version:
        return Version(
            folder="tenants/registry/dev",
            plans=table,
            files={one.id: one for one in files},
            removed=frozenset(removed),
        )

    return make


@pytest.fixture(scope="module")
def change(version: Callable[..., Version]) -> Callable[..., Comparison]:
    """Compare one tenant before and after."""

    def run(
        before: dict[str, Any], after: dict[str, Any], *, today: date = TODAY, limits: Limits | None = None
    ) -> Comparison:
        return compare(version(file(**before)), version(file(**after)), today=today, limits=limits)

    return run


def whats(comparison: Comparison) -> list[str]:
    return [f"{problem.where.partition('.yaml')[2][2:]} {problem.what}" for problem in comparison.refusals]


def test_the_same_registry_changes_nothing(change: Callable[..., Comparison]) -> None:
    comparison = change({}, {})
    assert (comparison.tenants, comparison.plans, comparison.refusals) == ((), (), ())


def test_a_default_that_is_written_out_changes_nothing(change: Callable[..., Comparison]) -> None:
    assert change({}, {"epochs": {"jwt": 1}, "cluster": "main"}).tenants == ()


def test_each_field_is_named_with_both_values(change: Callable[..., Comparison]) -> None:
    (only,) = change({"ring": "early"}, {"ring": "canary", "notes": "VIP"}).tenants
    assert only.kind is Kind.CHANGED
    assert set(only.fields) == {FieldChange("ring", "early", "canary"), FieldChange("notes", "", "VIP")}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, {"lifecycle": SUSPENDED}, Kind.SUSPENDED),
        ({"lifecycle": SUSPENDED}, {}, Kind.RESUMED),
        ({}, {"lifecycle": ENDED}, Kind.DECOMMISSIONED),
        ({"lifecycle": SUSPENDED}, {"lifecycle": ENDED}, Kind.DECOMMISSIONED),
        ({"lifecycle": ENDED}, {}, Kind.REVIVED),
        ({"lifecycle": ENDED}, {"lifecycle": SUSPENDED}, Kind.REVIVED),
        (
            {"cell": "c1"},
            {"cell": "c2", "move": {"from_cell": "c1", "since": "2026-11-23"}},
            Kind.MOVED,
        ),
        ({}, {"cell": "c2", "move": {"since": "2026-11-23"}}, Kind.MOVED),
    ],
)
def test_steps_of_the_lifecycle_that_are_allowed(
    change: Callable[..., Comparison], before: dict[str, Any], after: dict[str, Any], kind: Kind
) -> None:
    comparison = change(before, after)
    assert [one.kind for one in comparison.tenants] == [kind]
    assert comparison.refusals == ()
    assert comparison.count(kind) == 1


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ({}, {"customer_id": "cust_" + "9" * 32}, "customer_id never changes"),
        ({}, {"cluster": "other"}, "cluster never changes"),
        ({}, {"storage": {"storage_class": "fast"}}, "storage.storage_class never changes"),
        ({}, {"database_version": 16}, "database_version never changes"),
        ({"cell": "c1"}, {"cell": "c2"}, "cell went from c1 to c2 without a recorded move"),
        ({"cell": "c1"}, {}, "cell went from c1 to no cell"),
        (
            {"cell": "c1"},
            {"cell": "c2", "move": {"from_cell": "c3", "since": "2026-11-23"}},
            "cell went from c1 to c2 without",
        ),
        (
            {"cell": "c1", "move": {"from_cell": "c0", "since": "2026-01-02"}},
            {"cell": "c0", "move": {"from_cell": "c0", "since": "2026-01-02"}},
            "cell went from c1 to c0 without",
        ),
        (
            {"cell": "c1"},
            {"cell": "c1", "move": {"from_cell": "c0", "since": "2026-11-23"}},
            "move records a move, but",
        ),
        (
            {"storage": {"postgres": "20Gi"}},
            {"storage": {"postgres": "10240Mi"}},
            "storage.postgres the volume would shrink from 20Gi to 10240Mi",
        ),
        ({"plan": "enterprise"}, {}, "storage.postgres the volume would shrink from 50Gi to 10Gi"),
        (
            {
                "plan": "enterprise",
                "options": {"grafana": True},
                "storage": {"postgres": "50Gi", "mosquitto": "5Gi"},
            },
            {"plan": "professional", "storage": {"postgres": "50Gi", "mosquitto": "5Gi"}},
            "storage.grafana the volume would shrink from 5Gi to 2Gi",
        ),
        (
            {"mqtt": {"mode": "node_port", "node_port": 30000, "websocket_node_port": 30001}},
            {"mqtt": {"mode": "node_port", "node_port": 30002, "websocket_node_port": 30001}},
            "mqtt.node_port the port went from 30000 to 30002",
        ),
        (
            {"mqtt": {"mode": "node_port", "node_port": 30000, "websocket_node_port": 30001}},
            {"mqtt": {"mode": "node_port", "node_port": 30000, "websocket_node_port": 30003}},
            "mqtt.websocket_node_port the port went from 30001 to 30003",
        ),
        (
            {},
            {"lifecycle": {**ENDED, "delete_after": "2026-11-30"}},
            "lifecycle.delete_after 2026-11-30 is earlier",
        ),
        (
            {"lifecycle": ENDED},
            {"lifecycle": {**ENDED, "delete_after": "2026-11-30"}},
            "lifecycle.delete_after 2026-11-30 is earlier than 2026-12-01 (the day",
        ),
    ],
)
def test_what_would_harm_a_customer_is_refused(
    change: Callable[..., Comparison], before: dict[str, Any], after: dict[str, Any], refused: str
) -> None:
    found = whats(change(before, after))
    assert any(what.startswith(refused) for what in found), found


@pytest.mark.parametrize("name", EPOCHS)
def test_no_epoch_goes_down(change: Callable[..., Comparison], name: str) -> None:
    assert whats(change({"epochs": {name: 3}}, {"epochs": {name: 2}})) == [
        f"epochs.{name} went down from 3 to 2"
    ]
    assert change({"epochs": {name: 3}}, {"epochs": {name: 4}}).refusals == ()


ON: dict[str, Any] = {"options": {"node_red": True}}
OFF: dict[str, Any] = {"options": {"node_red": False}}


def test_an_option_is_switched_off_before_its_line_goes(change: Callable[..., Comparison]) -> None:
    assert whats(change(ON, {})) == ["options.node_red is switched off by taking its line out"]
    for before, after in ((ON, OFF), (OFF, {}), (OFF, ON), ({}, ON)):
        assert change(before, after).refusals == ()


def test_the_volume_of_an_option_that_is_named_as_off_is_still_there(
    change: Callable[..., Comparison],
) -> None:
    large = {"storage": {"node_red": "8Gi"}}
    refused = ["storage.node_red the volume would shrink from 8Gi to 1Gi"]
    assert whats(change({**OFF, **large}, OFF)) == refused
    assert whats(change({**ON, **large}, OFF)) == refused


def test_the_volumes_of_options_that_are_off_may_shrink(change: Callable[..., Comparison]) -> None:
    kept = {"storage": {"postgres": "20Gi", "mosquitto": "2Gi"}}
    assert change({"plan": "professional", **kept}, kept).refusals == ()


def test_a_plan_with_larger_volumes_shows_what_grows(change: Callable[..., Comparison]) -> None:
    (only,) = change({}, {"plan": "professional"}).tenants
    assert FieldChange("storage.postgres", "10Gi", "20Gi", derived=True) in only.fields
    assert not any(field.key == "storage.grafana" for field in only.fields)


def test_a_plan_table_with_smaller_volumes_is_refused_for_each_tenant(
    version: Callable[..., Version], plans: PlanTable
) -> None:
    starter = plans["starter"]
    smaller = starter.model_copy(update={"storage": starter.storage.model_copy(update={"postgres": "5Gi"})})
    table = plans.model_copy(update={"plans": {**plans.plans, "starter": smaller}})
    comparison = compare(version(file()), version(file(), table=table), today=TODAY)
    assert comparison.plans == (FieldChange("plans.starter.storage.postgres", "10Gi", "5Gi"),)
    assert whats(comparison) == ["storage.postgres the volume would shrink from 10Gi to 5Gi"]


@pytest.mark.parametrize(("day", "refused"), [("2026-12-01", False), ("2026-12-02", True)])
def test_a_tenant_is_revived_until_its_last_day(
    change: Callable[..., Comparison], day: str, *, refused: bool
) -> None:
    found = whats(change({"lifecycle": ENDED}, {}, today=date.fromisoformat(day)))
    assert bool(found) is refused
    assert all("is brought back on 2026-12-02" in what for what in found)


@pytest.mark.parametrize(("day", "refused"), [("2026-12-01", True), ("2026-12-02", False)])
def test_a_tenant_is_removed_after_its_last_day(
    version: Callable[..., Version], day: str, *, refused: bool
) -> None:
    comparison = compare(
        version(file(lifecycle=ENDED)), version(removed=("acme",)), today=date.fromisoformat(day)
    )
    assert [one.kind for one in comparison.tenants] == [Kind.REMOVED]
    assert bool(comparison.refusals) is refused


@pytest.mark.parametrize("lifecycle", [{}, SUSPENDED])
def test_a_tenant_that_was_served_is_never_removed_in_one_step(
    version: Callable[..., Version], lifecycle: dict[str, str]
) -> None:
    limits = Limits(early_deletion=frozenset({"acme"}))
    comparison = compare(
        version(file(lifecycle=lifecycle)), version(removed=("acme",)), today=TODAY, limits=limits
    )
    assert "is removed in one step" in comparison.refusals[0].what


def test_an_early_deletion_needs_the_owners_word(
    version: Callable[..., Version], change: Callable[..., Comparison]
) -> None:
    limits = Limits(early_deletion=frozenset({"acme"}))
    gone = compare(version(file(lifecycle=ENDED)), version(removed=("acme",)), today=TODAY, limits=limits)
    assert gone.refusals == ()
    sooner = {"lifecycle": {**ENDED, "delete_after": "2026-11-24"}}
    assert change({"lifecycle": ENDED}, sooner, limits=limits).refusals == ()
    assert change({}, sooner, limits=limits).refusals == ()


def test_a_file_that_vanished_is_refused(version: Callable[..., Version]) -> None:
    comparison = compare(version(file(), file("globex")), version(file("globex")), today=TODAY)
    assert [(one.id, one.kind) for one in comparison.tenants] == [("acme", Kind.VANISHED)]
    assert [problem.what for problem in comparison.refusals] == ["the file has vanished"]


def test_an_id_that_changed_is_refused_as_what_it_is(version: Callable[..., Version]) -> None:
    renamed = file("acme2", customer_id=file().customer_id)
    comparison = compare(version(file()), version(renamed), today=TODAY)
    assert [problem.what for problem in comparison.refusals] == ['the id became "acme2"']


def test_a_new_tenant_is_added(version: Callable[..., Version]) -> None:
    (only,) = compare(version(), version(file(ring="early")), today=TODAY).tenants
    assert only.kind is Kind.ADDED
    assert FieldChange("ring", None, "early") in only.fields


def test_an_id_is_never_used_again(version: Callable[..., Version]) -> None:
    comparison = compare(version(removed=("acme",)), version(file()), today=TODAY)
    whole = [problem.what for problem in comparison.refusals]
    assert whole == ['the id "acme" belonged to a tenant that was removed', 'the entry of "acme" is gone']


@pytest.mark.parametrize(
    ("tenants", "stopped", "refused"),
    [(3, 1, False), (3, 2, True), (40, 4, False), (40, 5, True), (300, 10, False), (300, 11, True)],
)
def test_only_so_many_tenants_are_stopped_at_once(
    version: Callable[..., Version], tenants: int, stopped: int, *, refused: bool
) -> None:
    names = [f"tenant-{number:03}" for number in range(tenants)]
    before = version(*(file(name) for name in names))
    after = version(
        *(
            file(name, **({"lifecycle": SUSPENDED} if index < stopped else {}))
            for index, name in enumerate(names)
        )
    )
    comparison = compare(before, after, today=TODAY)
    assert bool(comparison.refusals) is refused
    assert comparison.overall == comparison.refusals
    meant = Limits(stopped=stopped, stopped_percent=100)
    assert compare(before, after, today=TODAY, limits=meant).refusals == ()


def test_a_long_list_of_stopped_tenants_is_cut(version: Callable[..., Version]) -> None:
    names = [f"tenant-{number:02}" for number in range(12)]
    before = version(*(file(name) for name in names))
    comparison = compare(before, version(file("other")), today=TODAY)
    (overall,) = comparison.overall
    assert overall.what.startswith("12 of 12 tenants stop at once, more than 1: tenant-00, ")
    assert overall.what.endswith("tenant-09, …")
