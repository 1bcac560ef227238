"""Tenants, added and changed from the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

ADD = ("tenant", "add", "initech", "--company", "Initech", "--email", "it@initech.example")


def test_a_new_tenant_begins_with_its_trial(project: Project) -> None:
    answer = project.edit(*ADD)
    assert answer.status == 0
    text = re.sub(r"cust_[0-9a-f]{32}", "cust_…", project.text("initech"))
    assert text == (
        "# yaml-language-server: $schema=../../schema.json\n"
        'schema_version: 1\nid: "initech"\ncustomer_id: "cust_…"\ncompany_name: "Initech"\n'
        'contact_email: "it@initech.example"\nplan: "starter"\ncreated: "2026-11-23"\n'
        'trial:\n  ends: "2026-12-07"\nsubscription:\n  status: "trialing"\n'
    )
    assert '+id: "initech"' in answer.out
    assert project.run("registry", "validate").status == 0


def test_a_new_tenant_may_be_paid_for_and_have_further_keys(project: Project) -> None:
    more = ("--paid-until", "2027-01-31", "--customer-id", "cust_" + "a" * 32)
    keys = ("--set", "ring=early", "--set", "storage.postgres=80Gi", "--set", "storage.mosquitto=8Gi")
    assert project.edit(*ADD, "--plan", "professional", *more, *keys).status == 0
    text = project.text("initech")
    assert 'customer_id: "cust_aaaa' in text
    assert (
        'status: "active"\n  current_period_end: "2027-01-31"\nring: "early"\nstorage:\n  postgres: "80Gi"\n'
        in text
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (*ADD, "--plan", "profesional"),
            "did you mean professional? known: starter, professional, enterprise",
        ),
        ((*ADD, "--plan", "enterprise"), "the plan enterprise has no trial"),
        ((*ADD, "--set", "rign=early"), 'a tenant has no key "rign"'),
        (("tenant", "add", "acme", *ADD[3:]), "the file exists already"),
        (("tenant", "add", "www", *ADD[3:]), 'the id "www" is reserved'),
        (("tenant", "add", "../x", *ADD[3:]), "is not a tenant id"),
        (("tenant", "set", "acmee", "plan=starter"), "did you mean acme?"),
        (("tenant", "set", "acme", "plan"), "is not KEY=VALUE"),
        (("tenant", "set", "acme", "plan=profesional"), "did you mean professional?"),
        (("tenant", "set", "acme", "storage.postgress=1Gi"), "did you mean postgres?"),
        (("tenant", "set", "acme", "storage=1Gi"), "is a group of keys"),
        (("tenant", "set", "acme", "plan.name=x"), "known keys: none"),
        (("tenant", "set", "acme", "options.grafana=yes"), "is neither true nor false"),
        (("tenant", "set", "acme", "epochs.jwt=two"), "is not a whole number"),
        (("tenant", "set", "acme", "lifecycle.state=active"), "use iotistic tenant suspend"),
        (("tenant", "set", "acme", "--unset", "cell"), "use iotistic tenant move"),
        (("tenant", "set", "acme", "cluster=other"), "never changes, but went from"),
        (("tenant", "set", "globex", "plan=starter"), "the volume would shrink from 50Gi to 10Gi"),
        (("tenant", "set", "acme", "--unset", "plan"), "plan: the key is missing"),
        (("tenant", "resume", "acme"), "the tenant is active, not suspended"),
        (("tenant", "revive", "acme"), "the tenant is active, not decommissioned"),
        (("tenant", "decommission", "acme", "--reason", "x", "--keep-days", "3"), "is earlier than"),
        (("tenant", "remove", "acme", "--reason", "x"), "the tenant is active, not decommissioned"),
        (("tenant", "remove", "nobody", "--reason", "x"), 'there is no tenant "nobody"'),
        (("tenant", "move", "acme", "--cell", "c1"), "has no cell, while others"),
        (("tenant", "show", "nobody"), 'there is no tenant "nobody"'),
        (("tenant", "suspend", "acme", "--reason", "x", "--env", "deev"), "did you mean dev?"),
    ],
)
def test_what_is_refused_changes_nothing(project: Project, arguments: tuple[str, ...], message: str) -> None:
    before = project.contents()
    answer = project.run(*arguments, *(("--yes",) if arguments[1] != "show" else ()))
    assert answer.status == 2
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert project.contents() == before


def test_all_wrong_assignments_are_named_at_once(project: Project) -> None:
    answer = project.edit("tenant", "set", "acme", "rign=early", "epochs.jwt=x", "--unset", "nots")
    assert answer.err.count("error:") == 3


def test_a_set_keeps_everything_else(project: Project) -> None:
    before = project.text("acme")
    more = ("extra_hosts=a.example, b.example", "options.node_red=true", "epochs.jwt=2", "version=2.0.10")
    assert project.edit("tenant", "set", "acme", *more).status == 0
    lines = project.text("acme").splitlines()
    assert all(line in lines for line in before.splitlines())
    assert {'  - "a.example"', '  - "b.example"', "  node_red: true", "  jwt: 2", 'version: "2.0.10"'} <= set(
        lines
    )
    assert project.edit("tenant", "set", "acme", "--unset", "version").status == 0
    assert "version:" not in project.text("acme").replace("schema_version:", "")


def test_a_dry_run_shows_and_writes_nothing(project: Project) -> None:
    before = project.contents()
    answer = project.run("tenant", "set", "acme", "ring=early", "--dry-run")
    assert (answer.status, '+ring: "early"' in answer.out) == (0, True)
    assert "Nothing was written." in answer.err
    assert project.contents() == before


def test_nothing_is_coloured_where_no_terminal_is(project: Project) -> None:
    assert "\x1b" not in project.run("tenant", "set", "acme", "ring=early", "--dry-run").out


def test_nobody_to_ask_means_no(project: Project) -> None:
    before = project.contents()
    answer = project.run("tenant", "set", "acme", "ring=early")
    assert (answer.status, "there is nobody to ask: Write acme.yaml?" in answer.err) == (2, True)
    assert project.contents() == before


@pytest.mark.parametrize(("word", "status"), [("y", 0), ("n", 1)])
def test_the_answer_decides(
    project: Project, monkeypatch: pytest.MonkeyPatch, word: str, status: int
) -> None:
    monkeypatch.setattr("ops.cli.edits.confirm", _asking(word))
    before = project.text("acme")
    answer = project.run("tenant", "set", "acme", "ring=early")
    assert answer.status == status
    assert (project.text("acme") == before) is (word == "n")


def _asking(word: str) -> object:
    import typer  # noqa: PLC0415 - only this helper needs it

    def confirm(_question: str, *, yes: bool) -> None:
        assert not yes
        if word == "n":
            raise typer.Abort

    return confirm


def test_a_set_to_the_same_value_has_nothing_to_change(project: Project) -> None:
    answer = project.edit("tenant", "set", "acme", "plan=starter")
    assert "Nothing to change." in answer.err


def test_an_edit_says_as_json_what_it_did(project: Project) -> None:
    answer = project.edit("tenant", "set", "acme", "ring=early", "--json")
    assert answer.data["written"] is True
    assert answer.data["tenants"][0]["fields"] == [
        {"key": "ring", "old": None, "new": "early", "derived": False}
    ]


def test_the_life_of_a_tenant(project: Project) -> None:
    begin = project.text("acme")
    assert project.edit("tenant", "suspend", "acme", "--reason", "unpaid").status == 0
    assert 'lifecycle:\n  state: "suspended"\n  reason: "unpaid"\n  since: "2026-11-23"\n' in project.text(
        "acme"
    )
    assert project.edit("tenant", "suspend", "acme", "--reason", "again").status == 2
    assert project.edit("tenant", "resume", "acme").status == 0
    assert project.text("acme") == begin
    notice = ("--notice", "Back on Monday.")
    assert project.edit("tenant", "suspend", "acme", "--reason", "a move", *notice).status == 0
    assert 'reason: "a move"\n  notice: "Back on Monday."\n' in project.text("acme")
    assert project.edit("tenant", "decommission", "acme", "--reason", "left").status == 0
    assert "Back on Monday" not in project.text("acme"), "the page of a suspended tenant is gone"
    assert 'delete_after: "2026-12-23"' in project.text("acme")
    late = project.run("tenant", "revive", "acme", "--yes", "--today", "2026-12-24")
    assert (late.status, "after its data could be deleted" in late.err) == (2, True)
    assert project.run("tenant", "revive", "acme", "--yes", "--today", "2026-12-23").status == 0
    assert project.text("acme") == begin


def test_a_customer_may_want_its_data_gone_early(project: Project) -> None:
    end = ("tenant", "decommission", "acme", "--reason", "left", "--keep-days", "1")
    refusal = project.edit(*end)
    assert refusal.status == 2
    assert refusal.flat.rstrip().endswith("if the customer wants it gone earlier: --allow-early-deletion")
    assert project.edit(*end, "--allow-early-deletion").status == 0
    assert 'delete_after: "2026-11-24"' in project.text("acme")


def test_a_new_tenant_goes_to_its_cell(project: Project) -> None:
    for tenant in ("acme", "globex"):
        project.path(tenant).write_text(project.text(tenant) + 'cell: "c1"\n')
    assert project.edit(*ADD).status == 2
    assert project.edit(*ADD, "--cell", "c1").status == 0
    assert '\ncell: "c1"\n' in project.text("initech")


def test_a_move_is_recorded(project: Project) -> None:
    for tenant in ("acme", "globex"):
        project.path(tenant).write_text(project.text(tenant) + 'cell: "c1"\n')
    assert project.edit("tenant", "move", "acme", "--cell", "c2").status == 0
    assert 'cell: "c2"\nmove:\n  since: "2026-11-23"\n  from_cell: "c1"\n' in project.text("acme")
    again = project.edit("tenant", "move", "acme", "--cell", "c2")
    assert (again.status, 'in the cell "c2" already' in again.err) == (2, True)


def test_the_mode_node_port_gets_free_ports(project: Project) -> None:
    assert project.edit("tenant", "set", "acme", "mqtt.mode=node_port").status == 0
    assert project.edit("tenant", "set", "globex", "mqtt.mode=node_port").status == 0
    assert "node_port: 30000\n  websocket_node_port: 30001\n  api_node_port: 30002\n" in project.text("acme")
    assert "  dashboard_node_port: 30003\n" in project.text("acme")
    assert "node_port: 30004\n  websocket_node_port: 30005\n  api_node_port: 30006\n" in project.text(
        "globex"
    )
    assert project.edit("tenant", "set", "acme", "mqtt.node_port=30005").status == 2


def test_a_registry_that_is_wrong_already_is_not_edited(project: Project) -> None:
    project.path("globex").write_text("id: no\n")
    before = project.contents()
    assert project.edit("tenant", "set", "acme", "ring=early").status == 2
    assert project.contents() == before
