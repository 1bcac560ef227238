"""A stack whose state the backend has lost comes back by the commands of docs/guides/recover.md."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local.stack import write_yaml
from ops.local.tools import ROOT, ensure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.cluster

GUIDE = (ROOT / "docs/guides/recover.md").read_text(encoding="utf-8")
SECTION = GUIDE.partition("## The stack's state")[2].partition("\n## ")[0]
EXPORT, RESTORE = re.findall(r"^```\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
PROGRAM = 'import pulumi\npulumi.export("hidden", pulumi.Output.secret("a text of nobody else"))\n'


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], str]:
    """Run lines in a project with a program of its own and a backend of its own; return what they printed."""
    runtime = {"name": "python", "options": {"virtualenv": str(ROOT / ".venv")}}
    write_yaml(tmp_path / "Pulumi.yaml", {"name": "lost", "runtime": runtime})
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "backend").mkdir()
    toolbox = ensure(["pulumi"], console=Console())
    environment = {
        **os.environ,
        "PATH": f"{toolbox.bin_dir}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "of this test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def run(lines: str) -> str:
        done = subprocess.run(
            ["/bin/bash", "-e", "-c", lines],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


def test_a_copy_of_the_state_brings_the_stack_back(shell: Callable[[str], str], tmp_path: Path) -> None:
    shell("pulumi stack init prod && pulumi up --yes --skip-preview --non-interactive")
    shell(EXPORT)
    assert "a text of nobody else" not in (tmp_path / "state.json").read_text(encoding="utf-8")
    shell("pulumi stack rm prod --force --yes --preserve-config --non-interactive")
    assert "1 unchanged" in shell(RESTORE)
    assert shell("pulumi stack output hidden --show-secrets").strip() == "a text of nobody else"
