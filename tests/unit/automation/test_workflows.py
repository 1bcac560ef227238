"""The workflows hold no logic: each step is a target or a command that exists, with the least rights."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from ruamel.yaml import YAML
from typer.main import get_command

from ops.cli.app import app
from ops.local.tools import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(path)
    return document


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    document = read(path)
    yield from document.get("runs", {}).get("steps", [])
    for job in document.get("jobs", {}).values():
        yield from job.get("steps", [])


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def options_of(words: list[str]) -> set[str]:
    """Return the options of the command that these words name."""
    command: Any = get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"iotistic {' '.join(words)}"
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.parent.name + path.stem)
def test_each_step_is_a_target_or_a_command_that_runs_anywhere(path: Path) -> None:
    for step in steps(path):
        if "run" not in step:
            continue
        script = step["run"].strip()
        assert "\n" not in script
        assert "${{" not in script, "what others chose could become part of the command"
        if script.startswith("make "):
            assert script.removeprefix("make ") in TARGETS
            continue
        assert script.startswith((".venv/bin/iotistic ci ", ".venv/bin/iotistic cluster check "))
        words = re.findall(r"[^\s\"']+", script)[1:]
        options = {word for word in words if word.startswith("--")}
        assert options <= options_of([word for word in words if re.fullmatch(r"[a-z-]+", word)])


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.parent.name + path.stem)
def test_actions_are_pinned_by_digest_with_their_version_beside(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used or path.stem == "up"
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_rights_are_given_by_job_and_runs_do_not_cross(workflow: Path) -> None:
    document = read(workflow)
    assert document["permissions"] == {}
    assert "concurrency" in document or "workflow_call" in document["on"]
    assert "pull_request_target" not in document["on"]
    for job in jobs(workflow).values():
        assert job["permissions"].get("contents") == "read"
        assert "timeout-minutes" in job or "uses" in job


def test_whoever_may_write_to_github_has_no_log_in_to_a_cloud(workflow: Path) -> None:
    for job in jobs(workflow).values():
        rights = job["permissions"]
        if "write" in {rights.get("pull-requests"), rights.get("issues")}:
            assert "id-token" not in rights
            assert "environment" not in job
        if rights.get("id-token") == "write":
            assert "environment" in job or "uses" in job


def test_a_log_in_is_by_identity_and_no_key_is_kept(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "persist-credentials: true" not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@pytest.mark.cluster
def test_actionlint_finds_nothing() -> None:
    tool = ensure(["actionlint"], console=Console()).path("actionlint")
    found = subprocess.run([tool, *WORKFLOWS], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.cluster
def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: ${{ nothing }}\n"
    )
    tool = ensure(["actionlint"], console=Console()).path("actionlint")
    found = subprocess.run([tool, wrong], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "undefined variable" in found.stdout
