"""The last step of a tenant's life: its file goes and its id is recorded, in one edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Answer, Project

LAST_DAY = "2026-12-23"
NEXT_DAY = "2026-12-24"
RECORD = 'schema_version: 1\nremoved:\n  - id: "acme"\n    removed_on: "2026-12-24"\n    reason: "left"\n'
OLDER = '  - id: "older"\n    removed_on: "2026-01-01"\n    reason: "x"\n'


@pytest.fixture
def ended(project: Project) -> Project:
    """A project whose tenant acme can be brought back until the last day."""
    assert project.edit("tenant", "decommission", "acme", "--reason", "left").status == 0
    assert f'delete_after: "{LAST_DAY}"' in project.text("acme")
    return project


def remove(project: Project, *more: str, reason: str = "left", day: str = NEXT_DAY) -> Answer:
    return project.run("tenant", "remove", "acme", "--reason", reason, "--today", day, "--yes", *more)


def record(project: Project) -> Path:
    return project.folder / "_removed.yaml"


def test_after_its_last_day_a_tenant_goes_and_its_id_is_kept(ended: Project) -> None:
    answer = remove(ended)
    assert answer.status == 0, answer.err
    assert not ended.path("acme").exists()
    assert record(ended).read_text() == RECORD
    assert '-id: "acme"' in answer.out
    assert '+  - id: "acme"' in answer.out
    assert ended.run("registry", "validate").status == 0
    again = ended.edit("tenant", "add", "acme", "--company", "Acme", "--email", "it@acme.example")
    assert (again.status, 'the id "acme" belonged to a tenant that was removed' in again.err) == (2, True)


def test_on_its_last_day_it_stays(ended: Project) -> None:
    before = ended.contents()
    answer = remove(ended, day=LAST_DAY)
    assert (answer.status, f"its data is kept until {LAST_DAY}" in answer.err) == (2, True)
    assert answer.flat.rstrip().endswith("if the customer wants the data gone now: --allow-early-deletion")
    assert ended.contents() == before


def test_the_customer_may_want_it_gone_earlier(ended: Project) -> None:
    assert remove(ended, "--allow-early-deletion", day=LAST_DAY).status == 0
    assert not ended.path("acme").exists()


def test_a_dry_run_removes_nothing(ended: Project) -> None:
    before = ended.contents()
    answer = remove(ended, "--dry-run")
    assert (answer.status, '+  - id: "acme"' in answer.out) == (0, True)
    assert "Nothing was written." in answer.err
    assert ended.contents() == before


def test_nobody_to_ask_means_that_it_stays(ended: Project) -> None:
    before = ended.contents()
    answer = ended.run("tenant", "remove", "acme", "--reason", "x", "--today", NEXT_DAY)
    assert (answer.status, "Its database and volumes go with the next run" in answer.err) == (2, True)
    assert ended.contents() == before


def test_it_says_as_json_what_it_did(ended: Project) -> None:
    data = remove(ended, "--json").data
    assert (data["written"], data["refused"]) == (True, False)
    assert [(change["id"], change["kind"]) for change in data["tenants"]] == [("acme", "removed")]


def test_a_reason_on_two_lines_is_refused(ended: Project) -> None:
    before = ended.contents()
    answer = remove(ended, reason="first\nsecond")
    assert (answer.status, "reason" in answer.err) == (2, True)
    assert ended.contents() == before


@pytest.mark.parametrize(
    "kept",
    [
        "# ours\nschema_version: 1\nremoved:\n# 1\n- id: 'older'\n  removed_on: '2026-01-01'\n  reason: 'x'",
        'schema_version: 1\nremoved:\n    - {id: "older", removed_on: "2026-01-01", reason: "x"}\n',
    ],
)
def test_what_the_list_holds_stays_as_it_is(ended: Project, kept: str) -> None:
    record(ended).write_text(kept)
    assert remove(ended).status == 0
    assert record(ended).read_text().startswith(kept)
    assert ended.run("registry", "validate").status == 0
    assert record(ended).read_text().count("id:") == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("schema_version: 1\nremoved: []\n", "only a person can add to safely"),
        (f"removed:\n{OLDER}schema_version: 1\n", "only a person can add to safely"),
        ("removed:\n  - id: 1\n", "schema_version"),
        ("\tx", "tab"),
    ],
)
def test_a_list_that_cannot_be_added_to_is_left_alone(ended: Project, content: str, message: str) -> None:
    record(ended).write_text(content)
    before = ended.contents()
    answer = remove(ended)
    assert answer.status == 2
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert ended.contents() == before


def test_the_last_tenant_of_an_environment_stays(ended: Project) -> None:
    ended.path("globex").unlink()
    answer = remove(ended)
    assert (answer.status, "there is no tenant file" in answer.err) == (2, True)
    assert ended.path("acme").exists()


def test_what_breaks_off_in_between_looks_like_no_accident(
    ended: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is written first. A file that is still there then is refused by name."""

    def broken_disk(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("tenants.editing.Path.unlink", broken_disk)
        patched.setattr("tenants.editing._replace", lambda one, content: one.path.write_bytes(content))
        answer = remove(ended)
    assert (answer.status, "cannot be written: input/output error" in answer.err) == (2, True)
    assert record(ended).read_text() == RECORD
    half = ended.run("registry", "validate")
    assert (half.status, 'the id "acme" belonged to a tenant that was removed' in half.err) == (2, True)
