"""Whom a pull request's stack shows, how it is set up, and what is said of it."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from ruamel.yaml import YAML
from typer.testing import CliRunner

from ops.automation import pull_request_stack
from ops.automation.engine import Stack
from ops.automation.failures import told
from ops.automation.markdown import stack_markdown
from ops.automation.previews_objects import PreviewsObjects, numbers_in
from ops.automation.pull_request_stack import PullRequestStack, choose, end_of_next_month
from ops.automation.reports import Shown, StackReport, write_reports
from ops.cli import ci_preview_stack
from ops.cli.app import app
from ops.local.inventory import Inventory
from ops.local.kube_command import KubectlError
from ops.local.kubeconfig import KubeAccess
from ops.local.tools import Toolbox
from ops.workspace import Workspace
from tenants.changes import Change, Comparison, Kind
from tenants.errors import UsageError
from tests.unit.automation.conftest import run

if TYPE_CHECKING:
    from tenants.tenant import Tenant
    from tests.unit.automation.conftest import Repository

TENANTS = Workspace.open("dev").registry().tenants
SHOWN = Shown(id="acme", name="pr-12-acme", url="https://pr-12-acme.x", mqtt="mqtts://mqtt-pr-12-acme.x:8883")


def comparison(**kinds: Kind) -> Comparison:
    changes = (Change(id=name, kind=kind, fields=(), refusals=()) for name, kind in kinds.items())
    return Comparison(tenants=tuple(changes), plans=(), overall=())


def customers(*names: str) -> list[Tenant]:
    return [dataclasses.replace(TENANTS[0], id=name) for name in names]


def test_new_customers_come_first_and_only_so_many_are_shown() -> None:
    changed = comparison(a=Kind.CHANGED, b=Kind.MOVED, c=Kind.ADDED, d=Kind.CHANGED, gone=Kind.REMOVED)
    choice = choose(changed, customers("a", "b", "c", "d", "e"), affected=True)
    assert (choice.shown, choice.left_out, choice.sample) == (("c", "a", "b"), ("d",), False)


def test_a_change_about_nobody_in_particular_shows_one_of_the_smallest_plan() -> None:
    choice = choose(comparison(), list(reversed(TENANTS)), affected=True)
    assert (choice.shown, choice.sample) == (("acme",), True)


def test_a_change_that_is_not_about_the_stack_shows_nobody() -> None:
    assert choose(comparison(), TENANTS, affected=False).shown == ()


def test_a_customer_at_rest_is_not_shown() -> None:
    resting = [dataclasses.replace(tenant, runs=False) for tenant in TENANTS]
    assert choose(comparison(acme=Kind.SUSPENDED), resting, affected=True).shown == ()


@pytest.mark.parametrize(
    ("today", "end"),
    [("2026-11-23", "2026-12-31"), ("2026-12-01", "2027-01-31"), ("2027-01-31", "2027-02-28")],
)
def test_licences_end_with_the_next_month(today: str, end: str) -> None:
    assert end_of_next_month(date.fromisoformat(today)) == date.fromisoformat(end)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beside(Stack):
    """A stack that is there, with a cluster."""

    def resources(self) -> list[dict[str, Any]]:
        inputs = {"kubeconfig": "apiVersion: v1\nkind: Config\n", "context": "cloud"}
        return [{"type": "pulumi:providers:kubernetes", "inputs": inputs}]


def test_its_configuration_is_that_of_the_stack_beside_it_without_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_request_stack, "FOLDER", tmp_path / "previews")
    encryption = {"secretsprovider": "awskms://alias/dev", "encryptedkey": "AQID"}
    config = {
        "iotistic:environment": "dev",
        "iotistic:cluster": "eks",
        "iotistic:cloud": {"region": "eu-central-1"},
        "iotistic:dns": {"ingressAddress": "x"},
        "iotistic:mqttEdge": {"enabled": True},
        "iotistic:masterKey": {"secure": "v1:abc"},
        "aws:region": "eu-central-1",
    }
    YAML().dump({**encryption, "config": config}, tmp_path / "Pulumi.dev.yaml")
    beside = Beside(
        name="dev", toolbox=Toolbox(tmp_path, {}), console=Console(), logs=tmp_path, folder=tmp_path
    )
    stack = PullRequestStack(number=12, beside=beside)
    stack.configure(["acme"], until=date(2026, 12, 31))

    written = YAML(typ="safe").load(tmp_path / "previews" / "pr-12" / "Pulumi.pr-12.yaml")
    assert written == {
        **encryption,
        "config": {
            "iotistic:environment": "dev",
            "iotistic:cluster": "existing",
            "iotistic:kubeconfig": "apiVersion: v1\nkind: Config\n",
            "iotistic:kubeContext": "cloud",
            "iotistic:masterKey": {"secure": "v1:abc"},
            "iotistic:preview": {"number": 12, "tenants": ["acme"], "until": "2026-12-31"},
            "aws:region": "eu-central-1",
        },
    }
    project = YAML(typ="safe").load(tmp_path / "previews" / "pr-12" / "Pulumi.yaml")
    assert project["main"].startswith("/")


@pytest.mark.parametrize("command", ["up", "down"])
@pytest.mark.parametrize(
    ("stack", "words"),
    [("prod", "no pull request may have a stack beside this one"), ("prdo", "did you mean prod?")],
)
def test_beside_a_stack_with_real_customers_there_is_none(command: str, stack: str, words: str) -> None:
    result = CliRunner().invoke(app, ["ci", "preview-stack", command, "--number=12", f"--stack={stack}"])
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_protection_that_is_not_said_to_be_off_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_request_stack, "committed_config", lambda *_, **__: {})
    with pytest.raises(UsageError, match="is not false"):
        pull_request_stack.refuse_protected("dev")


def test_what_went_wrong_is_told_without_its_secrets() -> None:
    (text,) = told(KubectlError("kubectl get: https://u:hunter2@host"), stack="dev")
    assert "kubectl get" in text
    assert "hunter2" not in text
    comment = stack_markdown(StackReport(stack="pr-12", beside="dev", errors=("no luck",)))
    assert comment.startswith("# Stack `pr-12`: failed")
    assert "no luck" in comment


def test_the_comment_says_what_is_not_shown() -> None:
    report = StackReport(stack="pr-12", beside="dev", shown=(SHOWN,), until=date(2026, 12, 31))
    many = tuple(f"c{number}" for number in range(14))
    assert "stands for all" in stack_markdown(report.model_copy(update={"sample": True}))
    text = stack_markdown(report.model_copy(update={"left_out": many}))
    assert "`c11` and 2 more" in text
    assert "`c12`" not in text


def test_the_comment_is_written_once_and_apart_from_the_preview(
    repository: Repository,
    tmp_path: Path,
) -> None:
    repository.add(repository.comments, "<!-- iotistic:preview -->\nwhat it does")
    write_reports(
        tmp_path, [StackReport(stack="pr-7", beside="dev", shown=(SHOWN,), until=date(2026, 12, 31))]
    )
    for _ in range(2):
        run("preview-stack", "comment", "--number=7", f"--reports={tmp_path}")
    assert len(repository.comments) == 2
    assert repository.comments[0]["body"].endswith("what it does")
    assert "<https://pr-12-acme.x>" in repository.comments[1]["body"]


def test_a_run_that_died_is_told(repository: Repository, tmp_path: Path) -> None:
    run("preview-stack", "comment", "--number=7", f"--reports={tmp_path}")
    assert "There is no report" in repository.comments[0]["body"]


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks of the pull requests 7, 8 and 9."""
    monkeypatch.setattr(ci_preview_stack, "stacks_named", lambda names: names)
    monkeypatch.setattr(ci_preview_stack, "numbers_of_stacks", lambda _: [7, 8, 9])


@pytest.mark.usefixtures("stacks")
def test_closed_pull_requests_are_named(repository: Repository, tmp_path: Path) -> None:
    repository.pulls = {7: "closed", 8: "open", 9: "closed"}
    assert run("preview-stack", "closed", f"--github-output={tmp_path / 'out'}") == "7\n9\n"
    (line,) = (tmp_path / "out").read_text().splitlines()
    assert json.loads(line.removeprefix("numbers=")) == [7, 9]


@pytest.mark.usefixtures("stacks")
@pytest.mark.parametrize("pulls", [{7: "closed", 8: "open"}, {7: "closed", 8: "open", 9: "gone"}, {}])
def test_where_one_cannot_be_read_none_is_named(
    repository: Repository,
    tmp_path: Path,
    pulls: dict[int, str],
) -> None:
    repository.pulls = pulls
    told_of = run("preview-stack", "closed", f"--github-output={tmp_path / 'out'}", expect=1)
    assert "GET pulls/" in told_of
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stacks")
def test_where_github_does_not_answer_none_is_named(
    repository: Repository,
    tmp_path: Path,
) -> None:
    repository.status = 500
    run("preview-stack", "closed", f"--github-output={tmp_path / 'out'}", expect=1)
    assert not (tmp_path / "out").exists()


def test_only_what_label_and_name_both_call_a_previews_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def namespace(name: str, environment: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "labels": {"iotistic.io/environment": environment}}}

    there: dict[str, list[dict[str, Any]]] = {
        "namespaces": [
            namespace("customer-pr-12-acme", "pr-12"),
            namespace("customer-acme", "pr-12"),
            namespace("customer-pr-1-acme", "pr-1"),
            namespace("customer-globex", "dev"),
        ],
        "persistentvolumes": [
            {"metadata": {"name": "mine"}, "spec": {"claimRef": {"namespace": "customer-pr-12-acme"}}},
            {"metadata": {"name": "another's"}, "spec": {"claimRef": {"namespace": "customer-acme"}}},
            {"metadata": {"name": "nobody's"}, "spec": {}},
        ],
    }

    def items(_: Inventory, kind: str, selector: str = "") -> list[dict[str, Any]]:
        wanted = selector.removeprefix("--selector=").partition("=")[2]
        found = there[kind]
        return [
            one
            for one in found
            if not wanted or one["metadata"]["labels"]["iotistic.io/environment"] == wanted
        ]

    monkeypatch.setattr(Inventory, "items", items)
    inventory = Inventory(Toolbox(Path(), {}), KubeAccess(Path(), "x", server=""))
    assert numbers_in(inventory) == {1, 12}
    objects = PreviewsObjects(inventory, 12)
    assert objects.namespaces() == ["customer-pr-12-acme"]
    assert objects.volumes() == ["mine"]
