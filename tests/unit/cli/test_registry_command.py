"""The registry as a whole: checked, compared with a commit, documented."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Project

DAY = ("--today", "2026-11-23")
ENDED = {"state": "decommissioned", "reason": "left", "since": "2026-01-05", "delete_after": "2026-06-01"}
TOMBSTONE = 'schema_version: 1\nremoved:\n  - id: "acme"\n    removed_on: "2026-11-01"\n    reason: "left"\n'


def test_validate_counts_the_tenants(project: Project) -> None:
    assert project.run("registry", "validate").out == "dev: 2 tenants, nothing wrong\n"
    assert project.run("registry", "validate", "--json").data["tenants"] == ["acme", "globex"]


def test_validate_names_every_wrong_file(project: Project) -> None:
    project.path("acme").write_text("")
    project.path("globex").write_text("")
    answer = project.run("registry", "validate")
    assert (answer.status, answer.err.count("the file is empty")) == (2, 2)


def test_nothing_changed(repository: Project) -> None:
    answer = repository.run("registry", "diff", *DAY)
    assert (answer.status, answer.out, answer.err) == (0, "", "Nothing changed.\n")


def test_changes_that_may_happen_are_shown(repository: Project) -> None:
    repository.edit("tenant", "set", "acme", "plan=professional", "notes=a | `b` <img> @team")
    repository.add("hooli")
    table = repository.run("registry", "diff", *DAY)
    assert table.status == 0
    assert "storage.postgres (from the plan)" in table.out
    markdown = repository.run("registry", "diff", "--markdown", *DAY)
    assert "1 added, 1 changed." in markdown.out
    assert "| `acme` | changed | `plan` | `starter` | `professional` |" in markdown.out
    assert "`` a \\| `b` <img> @team ``" in markdown.out
    data = repository.run("registry", "diff", "--json", *DAY).data
    assert [(one["id"], one["kind"]) for one in data["tenants"]] == [("acme", "changed"), ("hooli", "added")]


def test_a_long_value_is_cut_in_tables_only(repository: Project) -> None:
    note = "x" * 80
    repository.edit("tenant", "set", "acme", f"notes={note}", "extra_hosts=a.example,b.example")
    table = repository.run("registry", "diff", *DAY)
    assert "x" * 60 + "…" in table.out
    assert '["a.example", "b.example"]' in table.out
    assert note in repository.run("registry", "diff", "--json", *DAY).out


def test_what_must_not_happen_gives_status_1(repository: Project) -> None:
    repository.path("acme").unlink()
    answer = repository.run("registry", "diff", *DAY)
    assert answer.status == 1
    assert "vanished, refused" in answer.out
    assert "tenants/registry/dev/acme.yaml: the file has vanished" in answer.err
    markdown = repository.run("registry", "diff", "--markdown", *DAY)
    assert (markdown.status, "### Refused" in markdown.out) == (1, True)
    assert "**vanished, refused**" in markdown.out
    assert repository.run("registry", "diff", "--json", *DAY).data["refused"] is True


def test_an_earlier_commit_can_be_the_base(repository: Project) -> None:
    repository.edit("tenant", "set", "acme", "ring=early")
    repository.commit()
    assert repository.run("registry", "diff", *DAY).err == "Nothing changed.\n"
    assert "ring" in repository.run("registry", "diff", "--base", "HEAD~1", *DAY).out
    repository.git("tag", "v1")
    assert repository.run("registry", "diff", "--base", "v1", *DAY).status == 0


def test_the_working_copy_is_not_touched(repository: Project) -> None:
    repository.edit("tenant", "set", "acme", "ring=early")
    before = repository.contents()
    repository.run("registry", "diff", *DAY)
    assert repository.contents() == before


def test_a_project_below_the_top_of_its_repository(project: Project) -> None:
    top = type(project)(project.root.parent)
    top.git("init", "-q")
    top.commit()
    project.path("acme").unlink()
    assert project.run("registry", "diff", *DAY).status == 1


def test_a_tenant_is_removed_in_its_time(repository: Project) -> None:
    repository.add("acme", lifecycle=ENDED, created="2026-01-02")
    repository.commit()
    repository.path("acme").unlink()
    (repository.folder / "_removed.yaml").write_text(TOMBSTONE)
    assert "removed" in repository.run("registry", "diff", *DAY).out
    early = repository.run("registry", "diff", "--today", "2026-06-01")
    assert (early.status, "is removed, although its data is kept until 2026-06-01" in early.err) == (1, True)
    assert "wants the data gone now: iotistic registry diff --allow-early-deletion acme" in early.flat
    allowed = ("--today", "2026-06-01", "--allow-early-deletion", "acme")
    assert repository.run("registry", "diff", *allowed).status == 0
    repository.commit()
    (repository.folder / "_removed.yaml").unlink()
    assert 'the entry of "acme" is gone' in repository.run("registry", "diff", *DAY).err


def test_limits_can_be_raised(repository: Project) -> None:
    for tenant in ("acme", "globex"):
        repository.add(tenant, lifecycle={"state": "suspended", "reason": "x", "since": "2026-11-20"})
    repository.add("hooli")
    repository.git("add", "-A")
    first = repository.run("registry", "diff", *DAY)
    assert (first.status, "stop at once" in first.err) == (1, True)
    raised = ("--max-stopped", "5", "--max-stopped-percent", "100")
    assert "stop at once" not in repository.run("registry", "diff", *raised, *DAY).err


def test_the_plan_table_is_compared(repository: Project) -> None:
    plans = repository.root / "tenants/plans.yaml"
    plans.write_text(plans.read_text().replace("monthly_usd_cents: 2900", "monthly_usd_cents: 3900"))
    answer = repository.run("registry", "diff", "--markdown", *DAY)
    assert "the plan table changed" in answer.out
    assert (
        "| `(plan table)` | changed | `plans.starter.price.monthly_usd_cents` | `2900` | `3900` |"
        in answer.out
    )


@pytest.mark.parametrize("ref", ["nowhere", "--all", "HEAD:tenants", "", "a b"])
def test_a_bad_ref_is_refused(repository: Project, ref: str) -> None:
    answer = repository.run("registry", "diff", f"--base={ref}", *DAY)
    assert (answer.status, "git knows no commit" in answer.err) == (2, True)


def test_without_a_repository_nothing_is_compared(project: Project) -> None:
    answer = project.run("registry", "diff", *DAY)
    assert (answer.status, "is not a git repository" in answer.err) == (2, True)


def test_without_git_nothing_is_compared(
    repository: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = repository.run("registry", "diff", *DAY)
    assert (answer.status, "git: is not installed" in answer.err) == (2, True)


def test_a_base_that_cannot_be_read_names_its_files(repository: Project) -> None:
    good = repository.text("acme")
    plans = (repository.root / "tenants/plans.yaml").read_text()
    repository.path("acme").write_text("id: no\n")
    (repository.root / "tenants/plans.yaml").write_text("plans: {}\n")
    (repository.folder / "README.md").write_text("not a tenant\n")
    repository.commit()
    repository.path("acme").write_text(good)
    (repository.root / "tenants/plans.yaml").write_text(plans)
    answer = repository.run("registry", "diff", *DAY)
    assert answer.status == 2
    assert "HEAD:tenants/registry/dev/acme.yaml:1" in answer.err
    assert "HEAD:tenants/plans.yaml:1" in answer.err


def test_an_environment_that_the_base_lacks_is_all_new(repository: Project) -> None:
    first = subprocess.run(
        ["git", "commit-tree", "-m", "empty", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"],  # noqa: S607
        cwd=repository.root,
        env={
            "PATH": "/usr/bin:/bin",
            **{
                f"GIT_{who}_{what}": "t@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    data = repository.run("registry", "diff", "--base", first, "--json", *DAY).data
    assert {one["kind"] for one in data["tenants"]} == {"added"}


def test_ports_are_shown_and_handed_out(project: Project) -> None:
    project.add("hooli", mqtt={"mode": "node_port"})
    project.add("umbrella", mqtt={"mode": "node_port", "node_port": 30000, "websocket_node_port": 30002})
    assert project.run("registry", "validate").status == 2
    data = project.run("registry", "ports", "--json").data
    assert data["free"] == {"main": [30001, 30003, 30004, 30005]}
    assert [row["node_port"] for row in data["taken"]] == [None, 30000]
    assert {row["api_node_port"] for row in data["taken"]} == {None}
    assert "30001" in project.run("registry", "ports").out
    assert project.run("registry", "ports", "--allocate", "--dry-run").status == 0
    assert project.edit("registry", "ports", "--allocate").status == 0
    assert "node_port: 30001, websocket_node_port: 30003, api_node_port: 30004" in project.text("hooli")
    # What a tenant has already it keeps, and gets what it lacks.
    umbrella = project.text("umbrella").replace('"', "")
    kept, given = (
        "node_port: 30000, websocket_node_port: 30002",
        "api_node_port: 30006, dashboard_node_port: 30007",
    )
    assert f"{kept}, {given}" in umbrella
    assert project.run("registry", "validate").status == 0


def test_ports_of_files_that_cannot_be_read_are_not_guessed(project: Project) -> None:
    project.path("acme").write_text("")
    assert project.run("registry", "ports").status == 2


def test_the_schema_is_printed(project: Project) -> None:
    assert project.run("registry", "schema").data["properties"]["id"]["title"] == "Id"


def test_generated_files_are_compared_and_written(project: Project) -> None:
    (project.root / "docs" / "reference").mkdir(parents=True)
    stale = project.run("registry", "docs")
    assert (stale.status, "docs/reference/plans.md" in stale.out) == (1, True)
    assert project.run("registry", "docs", "--write").status == 0
    assert project.run("registry", "docs").status == 0
    (project.root / "tenants/schema.json").write_text("{}")
    assert project.run("registry", "docs").out == "tenants/schema.json\n"


@pytest.mark.parametrize("text", ["config: {}\n", "config: [\n", "[]\n", "other: 1\n"])
def test_a_broken_configuration_is_refused(project: Project, text: str) -> None:
    (project.root / "Pulumi.dev.yaml").write_text(text)
    answer = project.run("registry", "validate")
    assert (answer.status, "Pulumi.dev.yaml: does not give" in answer.err) == (2, True)
