"""Installs tools that are Python packages, each into an environment of its own.

Such a tool pins packages of its own, which would collide with the project's.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from ops.local.recipe import Tool
    from ops.local.sources import Say

_LINES_OF_ERROR: Final = 15
_ENVIRONMENT: Final = "environment"

# The path is found from the script's own, so the folder may be moved; installed scripts name theirs.
_SCRIPT: Final = """#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/{environment}/bin/python" -m {module} "$@"
"""


class PipSource:
    """``pip install`` from a requirements file that pins every package by hash.

    Args:
        modules: The folder that holds a folder with ``requirements.txt`` for each tool.
        python: The interpreter that environments are made with.
    """

    label = "pip install"

    def __init__(self, *, modules: Path, python: str = sys.executable) -> None:
        self._modules = modules
        self._python = python

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        """Install ``tool``, and write the script that starts it."""
        if tool.python_module is None:
            message = "it is no Python package"
            raise SourceFailedError(message)
        say("installing it with pip")
        environment = into / _ENVIRONMENT
        requirements = self._modules / tool.name / "requirements.txt"
        self._run(self._python, "-m", "venv", str(environment))
        self._run(
            *(str(environment / "bin" / "python"), "-m", "pip", "install"),
            *("--quiet", "--disable-pip-version-check", "--require-hashes"),
            *("--requirement", str(requirements)),
        )
        script = _SCRIPT.format(environment=_ENVIRONMENT, module=tool.python_module)
        (into / tool.binaries[0]).write_text(script, encoding="utf-8")

    def _run(self, *command: str) -> None:
        answer = subprocess.run(  # noqa: S603 - fixed commands on the project's own list of packages
            command, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            tail = "\n".join(answer.stderr.strip().splitlines()[-_LINES_OF_ERROR:])
            message = f"{' '.join(command[1:4])} ended with {answer.returncode}:\n{tail}"
            raise SourceFailedError(message)
