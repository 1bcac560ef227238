"""What a refused configuration says is what to type: the printed commands, run by the real engine."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from infra.configuration import read_settings
from infra.settings import WITHOUT_DEFAULT
from ops.local.stack import write_project
from ops.local.tools import ROOT, ensure
from tenants.errors import UsageError
from tests.program.clouds import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tenants.errors import Problem

pytestmark = pytest.mark.cluster

EXISTING = ("kubeconfig", "kubeContext")


class Project:
    """A project of its own with one stack, which says of itself no more than what its cluster is."""

    def __init__(self, folder: Path, cluster: str) -> None:
        self.folder = folder
        toolbox = ensure(["pulumi"], console=Console())
        state = folder / "state"
        state.mkdir()
        self._environment = {
            **os.environ,
            "PATH": f"{toolbox.bin_dir}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "of this test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(ROOT),
        }
        write_project(folder)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        self.run("pulumi stack init prod")
        self.run(f"pulumi config set iotistic:cluster {cluster}")

    def run(self, line: str, *, expect: int = 0) -> str:
        """Run a line as a person would type it, and return what it printed."""
        command = ["/bin/bash", "-c", line]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def problems(self) -> Sequence[Problem]:
        """Return why the stack's configuration, as the engine hands it on, is refused."""
        listed = json.loads(self.run("pulumi config --json --show-secrets 2>/dev/null"))
        values = {key.removeprefix("iotistic:"): entry.get("value") for key, entry in listed.items()}
        try:
            read_settings(values.get, stack="prod")
        except UsageError as error:
            return error.problems
        return []


@pytest.fixture(params=[*CLOUDS, "existing"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    return Project(tmp_path, request.param)


def test_typing_what_is_printed_makes_a_configuration_complete(project: Project) -> None:
    problems = project.problems()
    assert len(problems) >= len(WITHOUT_DEFAULT) + len(EXISTING)
    for problem in problems:
        project.run(problem.how)
    # What is left is a choice: where backups go, or that there are none.
    assert {problem.where.rpartition(":")[2] for problem in project.problems()} <= {
        "backupStore",
        "backupRepository",
    }
    project.run("pulumi config set iotistic:withoutBackups true")
    assert [str(problem) for problem in project.problems()] == []


def test_the_engine_says_everything_that_is_missing_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path, "aks")
    project.run("pulumi config set --path iotistic:cloud.region westeurope")
    told = project.run("pulumi preview --non-interactive", expect=1)
    assert "the input is refused and nothing was changed" in told
    assert "Traceback" not in told
    for problem in project.problems():
        assert problem.where in told
        assert problem.how in told
    assert "iotistic:cloud.subscriptionId: is not set" in told
    assert "iotistic:masterKey: is not set" in told


def test_a_value_beneath_a_key_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    project = Project(tmp_path, "eks")
    project.run("pulumi config set --path iotistic:cloud.region eu-central-1")
    project.run("pulumi config set --path iotistic:cloud.nodes 3")
    for problem in project.problems():
        if ":cloud." in problem.where:
            project.run(problem.how)
    cloud = json.loads(project.run("pulumi config get iotistic:cloud"))
    assert cloud["region"] == "eu-central-1"
    assert cloud["accountId"] == "123456789012"
    assert "nodes" not in cloud
