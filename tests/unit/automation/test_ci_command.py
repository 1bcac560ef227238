"""The command ``iotistic ci`` refuses what it cannot mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ops.automation.reports import PreviewReport
from ops.cli import ci
from ops.cli.app import app

if TYPE_CHECKING:
    from tenants.changes import Limits


@pytest.mark.parametrize("command", [("preview", "--stack=prdo"), ("drift", "--stack=prdo"), ("up", "prdo")])
def test_a_stack_that_there_is_not_is_refused(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["ci", *command])
    assert result.exit_code == 2
    assert 'there is no stack "prdo"' in result.stderr
    assert "did you mean prod?" in result.stderr


def test_a_base_that_there_is_not_is_refused() -> None:
    result = CliRunner().invoke(app, ["ci", "stacks", "--base=no-such-branch"])
    assert result.exit_code == 2
    assert "no-such-branch" in result.stderr


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["preview"], "--labels"),
        (["comment", "--number=7", "--reports=."], "--left-out"),
        (["comment", "--number=7", "--reports=."], "--expect"),
    ],
)
def test_names_that_are_no_list_are_refused(command: list[str], option: str) -> None:
    result = CliRunner().invoke(app, ["ci", *command, f"{option}=early-deletion:acme"])
    assert result.exit_code == 2
    assert f"{option}: 'early-deletion:acme' is no JSON list of names" in " ".join(result.stderr.split())


def test_a_label_lets_one_customers_data_go_early_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Limits] = []

    def preview(stack: str, *, limits: Limits, **_: object) -> PreviewReport:
        asked.append(limits)
        return PreviewReport(stack=stack)

    monkeypatch.setattr(ci, "preview_stack", preview)
    monkeypatch.setattr(ci, "stacks_named", lambda names: names)
    labels = '["bug", "early-deletion:acme"]'
    result = CliRunner().invoke(app, ["ci", "preview", "--stack=dev", f"--labels={labels}"])
    assert result.exit_code == 0, result.output
    assert asked[0].early_deletion == {"acme"}
    assert asked[0].early_option.format(id="globex") == "the label early-deletion:globex on the pull request"
