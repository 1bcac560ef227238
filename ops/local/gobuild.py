"""Builds tools from pinned Go modules."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ops.local.recipe import GoBuild
from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.local.recipe import GoScript, Tool
    from ops.local.sources import Say

_LINES_OF_ERROR: Final = 15


class GoSource:
    """``go build`` in the folders under ``tools/``.

    Args:
        modules: The folder that holds a folder with ``go.mod`` and ``go.sum`` for each tool.
        go: Name or path of the ``go`` command.
    """

    label = "go build"

    def __init__(self, *, modules: Path, go: str = "go") -> None:
        self._modules = modules
        self._go = go

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        """Build or copy every binary of ``tool``."""
        if not tool.builds:
            message = "it is no Go module"
            raise SourceFailedError(message)
        for step in tool.builds:
            if isinstance(step, GoBuild):
                say(f"building {step.binary} with Go")
                self._build(step, tool.version, into / step.binary)
            else:
                say(f"copying {step.binary} from its Go module")
                self._copy(step, into / step.binary)

    def download(self, folder: str, module: str) -> Path:
        """Return the unpacked source of ``module``, in the version that ``tools/<folder>`` pins."""
        return Path(self._downloaded(folder, module)["Dir"])

    def _downloaded(self, folder: str, module: str) -> dict[str, str]:
        """Return what Go says of ``module``, once it has it: ``Version``, ``Zip`` and ``Dir`` among it."""
        version = self._run(folder, "list", "-m", "-f={{.Version}}", module).strip()
        found: dict[str, str] = json.loads(
            self._run(folder, "mod", "download", "-json", f"{module}@{version}")
        )
        return found

    def _build(self, step: GoBuild, version: str, output: Path) -> None:
        stamps = [f"-X {name}={value.format(version=version)}" for name, value in step.stamps.items()]
        with self._modules_of(step) as options:
            self._run(
                step.directory,
                "build",
                *options,
                "-trimpath",
                "-buildvcs=false",
                "-ldflags",
                " ".join(["-s -w", *stamps]),
                "-o",
                str(output),
                step.package,
            )

    @contextmanager
    def _modules_of(self, step: GoBuild) -> Iterator[list[str]]:
        """Yield the options by which Go finds the modules, and among them a changed copy of one.

        Go refuses to be shown other files in its own store (``-overlay``), hence the copy.
        """
        change = step.substitute
        if change is None:
            yield []
            return
        home = self._modules / step.directory
        with TemporaryDirectory(prefix="iotistic-go-") as name:
            work = Path(name)
            found = self._downloaded(step.directory, change.module)
            with zipfile.ZipFile(found["Zip"]) as files:
                files.extractall(work)
            copy = work / f"{change.module}@{found['Version']}"
            shutil.copyfile(home / change.ours, copy / change.path)
            for file in ("go.mod", "go.sum"):
                shutil.copyfile(home / file, work / file)
            modules = str(work / "go.mod")
            self._run(step.directory, "mod", "edit", f"-replace={change.module}={copy}", modules)
            yield [f"-modfile={modules}"]

    def _copy(self, step: GoScript, output: Path) -> None:
        shutil.copyfile(self.download(step.directory, step.module) / step.path, output)

    def _run(self, folder: str, *arguments: str) -> str:
        if shutil.which(self._go) is None:
            message = f"the command {self._go} is not installed"
            raise SourceFailedError(message)
        # Settings of the user's own that would build something else than what is pinned.
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
        answer = subprocess.run(  # noqa: S603 - a fixed command on the project's own modules
            [self._go, *arguments],
            cwd=self._modules / folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode == 0:
            return answer.stdout
        if os.strerror(errno.ENOSPC).lower() in answer.stderr.lower():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        tail = "\n".join(answer.stderr.strip().splitlines()[-_LINES_OF_ERROR:])
        message = f"go {arguments[0]} in tools/{folder} ended with {answer.returncode}:\n{tail}"
        raise SourceFailedError(message)
