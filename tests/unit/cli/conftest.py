"""A small project in a folder of its own, and the command run in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli.app import app

ROOT = Path(__file__).parents[3]
TODAY = "2026-11-23"


@dataclass(frozen=True)
class Answer:
    """What a run of the command gave."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        return json.loads(self.out)

    @property
    def flat(self) -> str:
        """What was said, however its lines are broken."""
        return " ".join(self.err.split())


@dataclass(frozen=True)
class Project:
    """A working copy with a registry."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "tenants" / "registry" / "dev"

    def path(self, tenant: str) -> Path:
        return self.folder / f"{tenant}.yaml"

    def text(self, tenant: str) -> str:
        return self.path(tenant).read_text()

    def contents(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.folder.iterdir()}

    def run(self, *arguments: str, stdin: str | None = None) -> Answer:
        result = CliRunner().invoke(app, list(arguments), input=stdin, env={"COLUMNS": "200"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def edit(self, *arguments: str) -> Answer:
        return self.run(*arguments, "--yes", "--today", TODAY)

    def add(self, tenant: str, **fields: object) -> None:
        values: dict[str, object] = {
            "schema_version": 1,
            "id": tenant,
            "customer_id": f"cust_{hashlib.sha256(tenant.encode()).hexdigest()[:32]}",
            "company_name": f"{tenant.title()} Ltd",
            "contact_email": f"it@{tenant}.example",
            "plan": "starter",
            "created": "2026-11-02",
            "subscription": {"status": "active", "current_period_end": "2026-12-31"},
            **fields,
        }
        lines = (f"{key}: {json.dumps(value)}\n" for key, value in values.items())
        self.path(tenant).write_text("# kept\n" + "".join(lines))

    def commit(self, message: str = "state") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def git(self, *arguments: str) -> None:
        subprocess.run(  # the author is given, so that no configuration of the machine is needed
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],  # noqa: S607
            cwd=self.root,
            check=True,
            capture_output=True,
        )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with two tenants."""
    root = tmp_path / "project"
    made = Project(root)
    made.folder.mkdir(parents=True)
    shutil.copy(ROOT / "tenants/plans.yaml", root / "tenants/plans.yaml")
    (root / "Pulumi.dev.yaml").write_text(
        "config:\n  iotistic:environment: dev\n  iotistic:domain: iotistic.example\n"
    )
    made.add("acme")
    made.add("globex", plan="enterprise", ring="canary")
    monkeypatch.setattr("ops.workspace.ROOT", root)
    return made


@pytest.fixture
def repository(project: Project) -> Project:
    """The same, committed."""
    project.git("init", "-q", "-b", "main")
    project.commit()
    return project
