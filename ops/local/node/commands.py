"""Runs this machine's own programs, and says in one way which of them failed and why."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where this machine's programs are, whatever the user's own search path says."""


class NodeError(Exception):
    """The node did not start: a defect, or a machine that is not up to it."""


def which(program: str) -> str:
    """Return the path of a program of this machine.

    Raises:
        NodeError: It is not installed, or is not any more.
    """
    path = shutil.which(program, path=SEARCH_PATH)
    if path is None:
        message = (
            f"{program} is not installed: the node is made of it (iotistic local node up names its package)"
        )
        raise NodeError(message)
    return path


def run(
    command: Sequence[str],
    *,
    said: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a command and return what it printed.

    Args:
        command: Program and arguments.
        said: What it is called in a message; as it is where nothing is given.
        environment: Its whole environment; this process's where none is given.
        folder: Where it runs; where this process does if none is given.

    Raises:
        NodeError: It cannot be started, or did not end with 0.
    """
    called = said or " ".join(command)
    try:
        answer = subprocess.run(  # noqa: S603 - the project's own commands
            command, capture_output=True, text=True, check=False, env=environment, cwd=folder
        )
    except OSError as error:
        message = f"{called}: {error.strerror}"
        raise NodeError(message) from error
    if answer.returncode != 0:
        why = answer.stderr.strip() or answer.stdout.strip() or f"status {answer.returncode}"
        message = f"{called}: {why}"
        raise NodeError(message)
    return answer.stdout
