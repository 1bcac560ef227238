"""One comment and one issue, against a server on this machine that keeps them as GitHub does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.automation.changes import Change, Operation
from ops.automation.github import GitHub, GitHubError
from ops.automation.reports import DriftReport, PreviewReport, write_reports
from ops.cli import ci
from tenants.errors import UsageError
from tests.unit.automation.conftest import BOT, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.automation.conftest import Repository

DRIFTED = DriftReport(stack="dev", changes=(Change(operation=Operation.DELETE, kind="Pod", name="x/y"),))


def test_a_second_run_writes_the_same_comment_anew(repository: Repository, tmp_path: Path) -> None:
    repository.add(repository.comments, "<!-- iotistic:preview -->\nsomebody's own", user="mallory")
    repository.add(repository.comments, None)
    for number in range(120):
        repository.add(repository.comments, f"talk {number}", user="someone")
    for stack in ("dev", "prod"):
        write_reports(tmp_path, [PreviewReport(stack=stack)])
        run("comment", "--number=7", f"--reports={tmp_path}")
    own = [one["body"] for one in repository.comments if one["user"]["login"] == BOT and one["body"]]
    assert len(own) == 1
    assert own[0].startswith("<!-- iotistic:preview -->\n# What this change does")
    assert "Stack `prod`" in own[0]
    assert repository.comments[0]["body"].endswith("somebody's own")


def test_a_stack_whose_job_died_is_told(repository: Repository, tmp_path: Path) -> None:
    run("comment", "--number=7", f"--reports={tmp_path}", '--expect=["dev"]')
    assert "There is no report" in repository.comments[0]["body"]


def test_drift_has_one_issue_until_it_is_gone(repository: Repository, tmp_path: Path) -> None:
    write_reports(tmp_path, [DRIFTED])
    run("issue", f"--reports={tmp_path}")
    run("issue", f"--reports={tmp_path}")
    assert [one["state"] for one in repository.issues] == ["open"]
    assert "`x/y`" in repository.issues[0]["body"]

    write_reports(tmp_path, [DriftReport(stack="dev")])
    run("issue", f"--reports={tmp_path}", '--expect=["dev", "prod"]')
    assert repository.issues[0]["state"] == "open", "prod was not looked at"
    run("issue", f"--reports={tmp_path}", '--expect=["dev"]')
    assert repository.issues[0]["state"] == "closed"
    assert "nothing to close" in run("issue", f"--reports={tmp_path}")
    assert len(repository.issues) == 1


def test_without_its_variables_everything_missing_is_named_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        GitHub.from_environment({}, author=BOT)
    assert [one.where for one in refused.value.problems] == ["$GITHUB_REPOSITORY", "$GITHUB_TOKEN"]


def test_a_refusal_is_told_without_the_token(repository: Repository, tmp_path: Path) -> None:
    repository.status = 403
    write_reports(tmp_path, [DRIFTED])
    told = run("issue", f"--reports={tmp_path}", expect=1)
    assert "GitHub answered 403" in told
    assert "t0ken" not in told


def test_a_server_that_is_not_there_is_told() -> None:
    nowhere = {"GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "t"}
    with pytest.raises(GitHubError, match="GET issues"):
        GitHub.from_environment(nowhere, author=BOT).close_issue("", name="drift")


def test_an_expectation_that_is_no_list_is_refused(tmp_path: Path) -> None:
    assert "is no JSON list of names" in run("issue", f"--reports={tmp_path}", "--expect=dev", expect=2)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with prod on EKS and dev on a cluster that it does not make."""
    monkeypatch.setattr(ci, "ROOT", tmp_path)
    head = "config:\n  iotistic:environment: x\n  iotistic:domain: x.example\n  iotistic:cluster:"
    (tmp_path / "Pulumi.dev.yaml").write_text(f"{head} simulated\n")
    cloud = "  iotistic:cloud: {kubernetesVersion: '1.35'}\n"
    (tmp_path / "Pulumi.prod.yaml").write_text(f"{head} eks\n{cloud}")
    return tmp_path


@pytest.mark.usefixtures("root")
def test_an_end_of_support_has_one_issue_until_it_is_far_again(repository: Repository) -> None:
    assert "nothing to close" in run("support", "--today=2026-11-23")
    for today in ("2026-12-27", "2027-03-28"):
        run("support", f"--today={today}")
    (issue,) = repository.issues
    assert issue["body"].startswith("<!-- iotistic:support -->")
    assert "| `prod` | eks | `1.35` | 2027-03-27 | ended |" in issue["body"]
    assert "one minor version at a time" in issue["body"]
    assert "knows nothing newer than 1.36" in issue["body"]
    run("support", "--today=2026-11-23")
    assert repository.issues[0]["state"] == "closed"


def test_versions_that_nobody_knows_are_refused_together(repository: Repository, root: Path) -> None:
    text = (root / "Pulumi.prod.yaml").read_text().replace("1.35", "1.20")
    for name in ("Pulumi.prod.yaml", "Pulumi.staging.yaml"):
        (root / name).write_text(text)
    told = run("support", "--today=2026-11-23", expect=2)
    assert "Pulumi.prod.yaml: iotistic:cloud.kubernetesVersion" in told
    assert "Pulumi.staging.yaml: iotistic:cloud.kubernetesVersion" in told
    assert repository.issues == []
