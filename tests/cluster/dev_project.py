"""A clean checkout of the project in a folder of its own, and its commands run as a person would."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.local.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = ROOT / ".venv" / "bin" / "python"

LEAP_DAY = "0 2 29 2 *"
"""When backups are due in tests: on no day that a test runs and counts pods, Jobs and claims."""


@dataclass
class DevProject:
    """A checkout, whose tools and Python packages are those of this one.

    Attributes:
        folder: The checkout.
    """

    folder: Path

    @classmethod
    def clone(cls, folder: Path) -> DevProject:
        """Copy every file that git knows or would add, and let no plan's backup start by itself."""
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git of this machine
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        for name in filter(None, listing.split("\0")):
            if (ROOT / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        plans = folder / "tenants" / "plans.yaml"
        text, found = re.subn(r'(schedule): ".*"', rf'\1: "{LEAP_DAY}"', plans.read_text(encoding="utf-8"))
        assert found, "where plans say when backups are due"
        plans.write_text(text, encoding="utf-8")
        for made_before in (".venv", ".tools"):
            (folder / made_before).symlink_to(ROOT / made_before)
        return cls(folder)

    @property
    def registry(self) -> Path:
        return self.folder / "tenants" / "registry" / "dev"

    @property
    def home(self) -> Path:
        """The folder of the environment on the embedded cluster."""
        return self.folder / ".local" / "dev"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": ""}

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``iotistic`` without waiting for it."""
        return self._start(str(PYTHON), "-m", "ops.cli", *arguments)

    def popen_in_shell(self, *command: str) -> subprocess.Popen[str]:
        """Start a command as after ``eval "$(iotistic local env)"`` without waiting for it."""
        return self._start("/bin/bash", "-c", f'{self.exports}\nexec "$@"', "bash", *command)

    def _start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def iotistic(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``iotistic`` and check its exit status."""
        process = self.popen(*arguments)
        stdout, stderr = process.communicate()
        assert process.returncode == expect, f"iotistic {' '.join(arguments)}\n{stdout}\n{stderr}"
        assert "Traceback" not in stderr
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def statuses(self, *options: str) -> list[dict[str, Any]]:
        statuses: list[dict[str, Any]] = json.loads(
            self.iotistic("local", "status", "--json", *options).stdout
        )
        return statuses

    @functools.cached_property
    def exports(self) -> str:
        """The variables that make pulumi and kubectl work on the environment."""
        return self.iotistic("local", "env").stdout

    def shell(self, *command: str, expect: int = 0, stdin: str | None = None) -> str:
        """Run a command as after ``eval "$(iotistic local env)"`` and return what it printed."""
        answer = subprocess.run(
            ["/bin/bash", "-c", f'{self.exports}\nexec "$@"', "bash", *command],
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == expect, f"{' '.join(command)}\n{answer.stdout}\n{answer.stderr}"
        return answer.stdout + answer.stderr

    def preview(self) -> dict[str, list[str]]:
        """Return what ``pulumi preview`` would do: logical names by operation, unchanged ones left out."""
        answer = self.shell("pulumi", "preview", "--json", "--non-interactive")
        steps = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])["steps"]
        changes: dict[str, list[str]] = {}
        for step in steps:
            if step["op"] not in {"same", "read"}:
                changes.setdefault(step["op"], []).append(step["urn"].rpartition("::")[2])
        return {operation: sorted(names) for operation, names in changes.items()}

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the stack's state."""
        export = self.shell("pulumi", "stack", "export")
        resources: list[dict[str, Any]] = json.loads(export)["deployment"]["resources"]
        return resources
