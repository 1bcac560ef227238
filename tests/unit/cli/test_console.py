"""How the command talks to a person at a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    import pytest

    from tests.unit.cli.conftest import Project


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)


def test_a_diff_is_coloured_on_a_terminal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal()
    monkeypatch.setattr("ops.cli.edits.output", screen)
    project.edit("tenant", "set", "acme", "plan=professional", "--dry-run")
    shown = screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert '\x1b[31m-plan: "starter"\x1b[0m' in shown
    assert '\x1b[32m+plan: "professional"\x1b[0m' in shown


def test_json_is_plain_for_programs_and_coloured_for_people(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in project.run("plan", "list", "--json").out
    screen = terminal()
    monkeypatch.setattr("ops.cli.console.output", screen)
    project.run("plan", "list", "--json")
    assert "\x1b[" in screen.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
