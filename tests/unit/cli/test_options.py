"""What the shell offers, and how the command is documented."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from ops.cli import options
from ops.cli.app import app
from ops.cli.reference import command_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Project

ROOT = Path(__file__).parents[3]


def test_environments_plans_and_tenants_are_offered(project: Project) -> None:
    (project.root / "Pulumi.demo.yaml").write_text("")
    assert options.offer_environments("d") == ["demo", "dev"]
    assert options.offer_plans("p") == ["professional"]
    context = typer.Context(typer.main.get_command(app))
    assert options.offer_tenants(context, "g") == ["globex"]
    context.params["env"] = "nowhere"
    assert options.offer_tenants(context, "") == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("iotistic tenant show a", "acme"),
        ("iotistic tenant add hooli --plan e", "enterprise"),
        ("iotistic tenant list --env d", "dev"),
        ("iotistic tenant dec", "decommission"),
    ],
)
def test_the_shell_completes(project: Project, words: str, offered: str) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415 - only here the bare runner is needed

    result = CliRunner().invoke(
        app,
        [],
        prog_name="iotistic",
        env={
            "_IOTISTIC_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )
    assert project.root.exists()
    assert result.stdout.split() == [offered]


def test_today_is_a_day_in_utc() -> None:
    day = options.today_or(None)
    assert abs((options.today_or(day) - day).days) == 0
    assert day.year >= 2026


def test_the_generated_reference_of_the_command_is_current(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs/reference/command.md", command_reference(app))
