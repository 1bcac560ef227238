"""The command ``iotistic ci`` refuses what it cannot mean."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from ops.cli.app import app


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
