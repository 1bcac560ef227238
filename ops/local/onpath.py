"""Looks for a tool that is installed already, in the version that is wanted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from ops.local.recipe import Tool
    from ops.local.sources import Say

RECORD: Final = "found.json"
"""Beside the links to installed binaries: what they were when they were asked for their version."""

_VERSION: Final = re.compile(r"\bv?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)")
_PROBE_SECONDS: Final = 10


class InstalledSource:
    """Links to binaries found on ``PATH``.

    Args:
        search_path: The folders to look in, as in ``PATH``.
        ignore: A folder to leave out: the one that holds this project's own links.
    """

    label = "installed on PATH"

    def __init__(self, *, search_path: str, ignore: Path) -> None:
        folders = [folder for folder in search_path.split(os.pathsep) if folder]
        self._search_path = os.pathsep.join(
            folder for folder in folders if Path(folder).resolve() != ignore.resolve()
        )

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        """Link every binary of ``tool``, if they are all there and the first has the right version."""
        say("looking on PATH")
        found = {binary: self._which(binary) for binary in tool.binaries}
        if tool.version_arguments is None:
            message = f"{found[tool.binaries[0]]} cannot be asked for its version"
            raise SourceFailedError(message)
        version = self._version(found[tool.binaries[0]], tool.version_arguments)
        if version != tool.version:
            message = f"{found[tool.binaries[0]]} is version {version}, not {tool.version}"
            raise SourceFailedError(message)
        for binary, path in found.items():
            (into / binary).symlink_to(path)
        record = {str(path): _fingerprint(path) for path in found.values()}
        (into / RECORD).write_text(json.dumps(record), encoding="utf-8")

    def _which(self, binary: str) -> Path:
        path = shutil.which(binary, path=self._search_path)
        if path is None:
            message = f"{binary} is not on PATH"
            raise SourceFailedError(message)
        return Path(path).resolve()

    def _version(self, path: Path, arguments: tuple[str, ...]) -> str:
        command = [str(path), *arguments]
        try:
            answer = subprocess.run(  # noqa: S603 - the user's own binary, found on the user's PATH
                command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{path} did not tell its version: {error}"
            raise SourceFailedError(message) from error
        if answer.returncode != 0:
            message = f"{path} did not tell its version: it ended with {answer.returncode}"
            raise SourceFailedError(message)
        match = _VERSION.search(answer.stdout)
        return match[1] if match else "unknown"


def links_are_current(folder: Path) -> bool:
    """Return False if an installed binary that ``folder`` links to has since been replaced or removed."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True  # Downloaded or built: the files are the project's own.
    try:
        return all(_fingerprint(Path(path)) == seen for path, seen in record.items())
    except OSError:
        return False


def _fingerprint(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
