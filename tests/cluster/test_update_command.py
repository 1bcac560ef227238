"""``iotistic ci up`` on the real engine: one stack and one change, its report, its exit codes, its refusals.

No cluster is needed: the program of the first tests declares groups of nothing, and the project's own
refuses before it asks a cluster.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ops.automation.engine import TOOLS
from ops.local.stack import write_project, write_yaml
from ops.local.tools import ROOT, ensure
from tests.cluster.dev_project import PYTHON
from tests.program.conftest import INSTANCE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cluster

PROGRAM = """\
import pulumi

for name in {names}:
    pulumi.ComponentResource("test:index:Group", name)
"""


class Project:
    """A project whose backend is a folder, with the stack prod in it."""

    def __init__(self, folder: Path, config: dict[str, str]) -> None:
        self.folder = folder
        (folder / "backend").mkdir()
        toolbox = ensure(TOOLS, console=Console())
        self._environment = {
            **os.environ,
            "PATH": f"{toolbox.bin_dir}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "of this test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_OPTION_CWD": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        write_yaml(folder / "Pulumi.prod.yaml", {"config": {f"iotistic:{k}": v for k, v in config.items()}})

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    def pulumi(self, *arguments: str) -> str:
        done = self.run("pulumi", *arguments, "--non-interactive")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self) -> subprocess.CompletedProcess[str]:
        """Update as a workflow does."""
        return self.run(str(PYTHON), "-m", "ops.cli", "ci", "up", "prod")

    def deployment(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.pulumi("stack", "export"))
        return state


@pytest.fixture
def groups(tmp_path: Path) -> Project:
    """A stack of groups, as many as its program names."""
    runtime = {"name": "python", "options": {"virtualenv": str(ROOT / ".venv")}}
    write_yaml(tmp_path / "Pulumi.yaml", {"name": "iotistic", "runtime": runtime})
    project = Project(tmp_path, {})
    project.pulumi("stack", "init", "prod")
    return project


def declare(project: Project, *names: str) -> None:
    (project.folder / "__main__.py").write_text(PROGRAM.format(names=names), encoding="utf-8")


def test_one_change_is_carried_out_and_counted(groups: Project) -> None:
    declare(groups, "one")
    first = groups.up()
    assert (first.returncode, first.stdout) == (0, "2 create\n"), first.stderr
    declare(groups, "one", "two")
    second = groups.up()
    assert (second.returncode, second.stdout) == (0, "1 create, 2 same\n"), second.stderr
    assert groups.up().stdout == "3 same\n"
    names = {item["urn"].rpartition("::")[2] for item in groups.deployment()["deployment"]["resources"]}
    assert names == {"iotistic-prod", "one", "two"}


def test_an_update_that_fails_ends_with_1_and_says_why(groups: Project) -> None:
    (groups.folder / "__main__.py").write_text(
        'import pulumi\nraise pulumi.RunError("the cloud is full")\n', encoding="utf-8"
    )
    failed = groups.up()
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the cloud is full" in failed.stderr


def test_a_stack_that_the_backend_does_not_have_is_refused(groups: Project) -> None:
    groups.pulumi("stack", "rm", "prod", "--yes", "--preserve-config")
    refused = groups.up()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "the backend that this shell uses has no stack of that name" in " ".join(refused.stderr.split())


def test_a_customer_whose_file_is_gone_is_not_deleted(tmp_path: Path, config: dict[str, str]) -> None:
    """The state holds a customer whom the registry does not have: nothing is begun."""
    write_project(tmp_path)
    project = Project(
        tmp_path, {**config, "environment": "prod", "protect": "true", "withoutBackups": "true"}
    )
    project.pulumi("stack", "init", "prod")
    state = project.deployment()
    urn = f"urn:pulumi:prod::iotistic::{INSTANCE}::ghost"
    stack = "urn:pulumi:prod::iotistic::pulumi:pulumi:Stack::iotistic-prod"
    state["deployment"]["resources"] = [
        {"urn": stack, "type": "pulumi:pulumi:Stack", "custom": False},
        {"urn": urn, "type": INSTANCE, "custom": False, "parent": stack, "outputs": {"lifecycle": "active"}},
    ]
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    project.pulumi("stack", "import", "--file", "state.json")
    refused = project.up()
    assert (refused.returncode, refused.stdout) == (1, "")
    told = " ".join(refused.stderr.split())
    assert "the file is missing, but the customer 'ghost' is running" in told
    assert "git checkout -- tenants/registry/prod/ghost.yaml" in told
    kept = {item["urn"] for item in project.deployment()["deployment"]["resources"]}
    assert urn in kept


@pytest.fixture
def config(licence_private_key: str) -> dict[str, str]:
    """What the project's program needs to get as far as looking at its customers."""
    return {
        "domain": "iotistic.localhost",
        "cluster": "existing",
        "clusterIdentifier": "test",
        "kubeconfig": "kubeconfig",
        "kubeContext": "test",
        "storageClass": "standard",
        "masterKey": "A" * 43 + "=",
        "licencePrivateKeys": json.dumps({"1": licence_private_key}),
    }
