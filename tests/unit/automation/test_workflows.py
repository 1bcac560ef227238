"""The workflows hold no logic: each step is a target or a command that exists, with the least rights."""

from __future__ import annotations

import os
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
from tests.unit.automation.conftest import run

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
        if script == ".ci/run":
            assert os.access(ROOT / script, os.X_OK)
            continue
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
    assert used
    for action in used:
        pinned = re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+){1,2}", action)
        assert action.startswith("./") or pinned, action


def test_what_a_merge_has_to_pass_runs_where_all_of_it_can() -> None:
    (job,) = jobs(ROOT / ".github/workflows/checks.yml").values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert re.fullmatch(r"python:3\.11\.\d+-bookworm", job["container"]["image"]), (
        "Debian 12, with exact Python"
    )
    assert job["container"]["options"] == "--privileged"
    assert job["timeout-minutes"] <= 120


def test_a_cluster_is_logged_in_to_by_what_its_kubeconfig_calls() -> None:
    """Each program that a kubeconfig of the clouds names is brought for that cloud, of an exact version."""
    (action,) = ACTIONS
    uses = [step["uses"].partition("@")[0] for step in steps(action)]
    assert {"azure/use-kubelogin", "google-github-actions/setup-gcloud"} <= set(uses)
    for step in steps(action):
        name = step["uses"].partition("@")[0]
        if name == "azure/use-kubelogin":
            assert step["if"] == "inputs.cloud == 'azure'"
            assert re.fullmatch(r"v\d+\.\d+\.\d+", step["with"]["kubelogin-version"])
        if name == "google-github-actions/setup-gcloud":
            assert step["if"] == "inputs.cloud == 'google'"
            assert re.fullmatch(r"\d+\.\d+\.\d+", step["with"]["version"])
            assert step["with"]["install_components"] == "gke-gcloud-auth-plugin"


@pytest.mark.parametrize("name", ["up", "up-stack", "drift", "preview", "preview-stack", "preview-sweep"])
def test_no_workflow_knows_a_stack_by_name(name: str) -> None:
    text = (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
    instructions = re.sub(r"#.*", "", text)
    assert not re.search(r"\b(dev|prod)\b", instructions)


def test_what_jobs_hand_on_is_what_the_command_writes(workflow: Path, tmp_path: Path) -> None:
    """An output that nobody writes would be empty, and every job that asks for it be skipped."""
    for job in jobs(workflow).values():
        for name, value in job.get("outputs", {}).items():
            (source,) = re.findall(r"\$\{\{ steps\.([a-z]+)\.outputs\.([a-z_]+) \}\}", value)
            assert source[1] == name
            (step,) = [step for step in job["steps"] if step.get("id") == source[0]]
            command = step["run"].split()[2:4]
            if command[1].startswith("--"):
                assert name in written_by(command[0], tmp_path)
            used = {*re.findall(r"needs\.\w+\.outputs\.(\w+)", workflow.read_text(encoding="utf-8"))}
            assert name in used


def written_by(command: str, folder: Path) -> set[str]:
    """What a command of ``iotistic ci`` hands on to later jobs."""
    file = folder / command
    arguments = ["--base=HEAD"] if command == "stacks" else []
    run(command, *arguments, f"--github-output={file}")
    return {line.partition("=")[0] for line in file.read_text(encoding="utf-8").splitlines()}


def test_protected_stacks_come_last_and_not_at_all_where_an_earlier_one_failed() -> None:
    found = jobs(ROOT / ".github/workflows/up.yml")
    assert list(found) == ["targets", "unprotected", "protected"]
    assert found["unprotected"]["needs"] == "targets"
    assert found["protected"]["needs"] == ["targets", "unprotected"]
    # Without these words the job would be skipped with an empty list before it, or run after a failure.
    assert "!failure() && !cancelled()" in found["protected"]["if"]
    for name in ("unprotected", "protected"):
        assert (
            found[name]["strategy"]["matrix"]["stack"] == f"${{{{ fromJSON(needs.targets.outputs.{name}) }}}}"
        )
        assert f"needs.targets.outputs.{name} != '[]'" in found[name]["if"]


def test_whatever_reaches_a_cluster_runs_where_the_owner_says(workflow: Path) -> None:
    for job in jobs(workflow).values():
        if "environment" in job:
            assert job["runs-on"] == "${{ vars.RUNNER || 'ubuntu-24.04' }}"


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
