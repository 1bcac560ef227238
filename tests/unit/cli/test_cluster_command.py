"""``iotistic cluster check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project


def with_cluster(project: Project, cluster: str, version: str | None = None) -> Project:
    cloud = f"  iotistic:cloud: {{kubernetesVersion: '{version}'}}\n" if version else ""
    (project.root / "Pulumi.prod.yaml").write_text(
        "config:\n  iotistic:environment: prod\n  iotistic:domain: iotistic.example\n"
        f"  iotistic:cluster: {cluster}\n{cloud}"
    )
    return project


@pytest.mark.parametrize(
    ("today", "state", "status"),
    [
        ("2026-11-23", "supported", 0),
        ("2026-12-27", "ending", 0),
        # By then a newer version is out that the table does not know.
        ("2027-03-27", "ending", 1),
        ("2027-03-28", "ended", 1),
    ],
)
def test_it_goes_by_the_day(project: Project, today: str, state: str, status: int) -> None:
    answer = with_cluster(project, "eks", "1.35").run("cluster", "check", "--today", today, "--json")
    assert answer.status == status
    assert answer.data["until"] == "2027-03-27"
    assert answer.data["state"] == state
    assert ("warning: support" in answer.err) is (state != "supported")


@pytest.mark.parametrize(("today", "outdated"), [("2027-02-03", False), ("2027-02-04", True)])
def test_a_table_that_nobody_completes_is_found(project: Project, today: str, *, outdated: bool) -> None:
    answer = with_cluster(project, "eks", "1.36").run("cluster", "check", "--today", today, "--json")
    assert answer.data["state"] == "supported"
    assert answer.data["tableOutdated"] is outdated
    assert answer.status == int(outdated)
    assert ("complete it" in answer.err) is outdated


def test_near_is_what_the_caller_says(project: Project) -> None:
    with_cluster(project, "gke", "1.35.1")
    near = project.run("cluster", "check", "--today", "2026-11-23", "--days", "365")
    assert near.status == 0
    assert "is supported until 2027-04-11" in near.out
    assert "one minor version at a time" in near.err


@pytest.mark.parametrize(
    ("cluster", "version", "where"),
    [
        ("aks", "1.20", "Pulumi.prod.yaml: iotistic:cloud.kubernetesVersion"),
        ("aks", None, "Pulumi.prod.yaml: iotistic:cloud.kubernetesVersion"),
        ("simulated", None, "Pulumi.prod.yaml: iotistic:cluster"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    project: Project, cluster: str, version: str | None, where: str
) -> None:
    answer = with_cluster(project, cluster, version).run("cluster", "check", "--today", "2026-11-23")
    assert answer.status == 2
    assert where in answer.err
