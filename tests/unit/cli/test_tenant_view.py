"""What is listed and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

TRIAL = {"trial": {"ends": "2026-11-30"}, "subscription": {"status": "trialing"}}
LIFECYCLE = {"state": "suspended", "reason": "unpaid", "since": "2026-11-20"}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ((), ["acme", "globex", "hooli", "umbrella"]),
        (("--plan", "starter"), ["acme", "hooli", "umbrella"]),
        (("--state", "suspended"), ["umbrella"]),
        (("--ring", "canary"), ["globex"]),
        (("--ring", "stable", "--state", "active"), ["acme", "hooli"]),
        (("--trial-ends-within", "7d"), ["hooli"]),
        (("--trial-ends-within", "6d"), []),
        (("--expires-within", "2w"), ["hooli"]),
        (("--expires-within", "60d"), ["acme", "hooli"]),
        (("--expires-within", "90d"), ["acme", "globex", "hooli"]),
    ],
)
def test_filters(project: Project, filters: tuple[str, ...], ids: list[str]) -> None:
    project.add("hooli", **TRIAL)
    project.add("umbrella", lifecycle=LIFECYCLE)
    answer = project.run("tenant", "list", *filters, "--today", "2026-11-23", "--json")
    assert [tenant["id"] for tenant in answer.data] == ids


def test_the_cell_is_a_filter(project: Project) -> None:
    for tenant, cell in (("acme", "c1"), ("globex", "c2")):
        project.path(tenant).write_text(project.text(tenant) + f'cell: "{cell}"\n')
    assert [one["id"] for one in project.run("tenant", "list", "--cell", "c2", "--json").data] == ["globex"]


def test_the_table_shows_any_name_as_it_is(project: Project) -> None:
    project.add("hooli", company_name="[red]Höoli[/red] 会社")
    answer = project.run("tenant", "list")
    assert "[red]Höoli[/red] 会社" in answer.out
    assert "3 of 3 tenants." in answer.err


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (("--plan", "profesional"), "did you mean professional?"),
        (("--state", "suspendet"), "did you mean suspended?"),
        (("--ring", "canari"), "did you mean canary?"),
        (("--cell", "c9"), "known: none"),
        (("--trial-ends-within", "soon"), "is not a time such as 7d or 2w"),
        (("--today", "tomorrow"), "is not a day such as 2026-11-30"),
    ],
)
def test_a_misspelt_filter_is_no_empty_list(project: Project, filters: tuple[str, ...], message: str) -> None:
    answer = project.run("tenant", "list", *filters)
    assert (answer.status, message in " ".join(answer.err.replace("│", " ").split())) == (2, True)


def test_show_gives_what_is_written_and_what_follows(project: Project) -> None:
    data = project.run("tenant", "show", "globex", "--json").data
    assert data["file"]["plan"] == "enterprise"
    assert data["derived"]["host"] == "globex.iotistic.example"
    assert data["derived"]["storage.postgres"] == "50Gi"
    table = project.run("tenant", "show", "globex").out
    assert "mqtt-globex.iotistic.example" in table


def test_a_licence_that_is_refused_has_no_end_to_show(project: Project) -> None:
    project.add("hooli", lifecycle=LIFECYCLE)
    assert project.run("tenant", "show", "hooli", "--json").data["derived"]["licence_ends"] is None


def test_plans_are_listed_and_shown(project: Project) -> None:
    assert "professional" in project.run("plan", "list").out
    assert [plan["name"] for plan in project.run("plan", "list", "--json").data] == [
        "starter",
        "professional",
        "enterprise",
    ]
    assert project.run("plan", "show", "starter", "--json").data["features"]["max_devices"] == 5
    assert "features.max_devices" in project.run("plan", "show", "starter").out
    refused = project.run("plan", "show", "starte")
    assert (refused.status, "did you mean starter?" in refused.err) == (2, True)
