"""Finds every binary the project needs, and brings the ones that are missing.

In this order for each: the right version on ``PATH``, the official release,
``go build`` from a pinned module, or ``pip install`` for what is a Python package. See
``docs/reference/tools.md``.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.local.gobuild import GoSource
from ops.local.onpath import InstalledSource, links_are_current
from ops.local.pipinstall import PipSource
from ops.local.progress import step
from ops.local.recipes import known_tools
from ops.local.releases import ReleaseSource
from ops.local.sources import SourceFailedError, disk_full
from ops.local.store import exclusive, link, new_folder
from ops.local.versions import load_versions
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from ops.local.recipe import Tool
    from ops.local.sources import Say, Source

ROOT: Final = Path(__file__).resolve().parents[2]
"""The project's folder."""
VERSIONS_FILE: Final = ROOT / "versions.yaml"
TOOLS_FOLDER: Final = ROOT / ".tools"
MODULES_FOLDER: Final = ROOT / "tools"
MIRROR_VARIABLE: Final = "IOTISTIC_TOOLS_MIRROR"
"""Environment variable with a base address to fetch releases from instead of their publishers."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The binaries, ready to run.

    Attributes:
        bin_dir: Folder of links to all of them, to put first on ``PATH``.
        binaries: Path of each, by its name.
    """

    bin_dir: Path
    binaries: dict[str, Path]

    def path(self, name: str) -> Path:
        """Return the path of the binary ``name``.

        Raises:
            KeyError: It was not among the names passed to `ensure`.
        """
        return self.binaries[name]

    def version(self, name: str) -> str:
        """Return the version of the tool that the binary ``name`` is of.

        Raises:
            KeyError: It was not among the names passed to `ensure`.
        """
        return self.binaries[name].parent.name


def ensure(
    names: Iterable[str] | None = None,
    *,
    console: Console,
    folder: Path = TOOLS_FOLDER,
    sources: Sequence[Source] | None = None,
) -> Toolbox:
    """Return a toolbox with the named tools, fetching those that are missing.

    Args:
        names: Names of tools; those of `everyday` if left out.
        console: Where progress is shown. Nothing is shown if nothing is missing.
        folder: Where tools are kept, by name and version.
        sources: Ways of getting a tool, in order of preference.

    Raises:
        UsageError: A tool cannot be had in any way, or the folder cannot be written.
    """
    wanted = _named(names)
    bin_dir = folder / "bin"
    try:
        if not all(_ready(tool, folder, bin_dir) for tool in wanted):
            with exclusive(folder / ".lock", console, what="fetching tools"):
                _fetch_missing(wanted, folder, sources or _default_sources(bin_dir), console)
                _link_all(wanted, bin_dir)
    except OSError as error:
        raise disk_full(folder, error) from error
    return _toolbox(wanted, folder)


def located(names: Iterable[str] | None = None, *, folder: Path = TOOLS_FOLDER) -> Toolbox:
    """Return where the named tools are, or would be: nothing is fetched.

    Args:
        names: Names of tools; those of `everyday` if left out.
        folder: Where tools are kept, by name and version.
    """
    return _toolbox(_named(names), folder)


def _named(names: Iterable[str] | None) -> list[Tool]:
    known = known_tools(load_versions(VERSIONS_FILE))
    return [known[name] for name in (everyday() if names is None else names)]


def _toolbox(wanted: Sequence[Tool], folder: Path) -> Toolbox:
    return Toolbox(
        bin_dir=folder / "bin",
        binaries={binary: _home(tool, folder) / binary for tool in wanted for binary in tool.binaries},
    )


def everyday() -> list[str]:
    """Return the names of all tools but the optional ones."""
    return [tool.name for tool in known_tools(load_versions(VERSIONS_FILE)).values() if not tool.optional]


def _default_sources(bin_dir: Path) -> list[Source]:
    return [
        InstalledSource(search_path=os.environ.get("PATH", os.defpath), ignore=bin_dir),
        ReleaseSource(mirror=os.environ.get(MIRROR_VARIABLE)),
        GoSource(modules=MODULES_FOLDER),
        PipSource(modules=MODULES_FOLDER),
    ]


def _home(tool: Tool, folder: Path) -> Path:
    return folder / tool.name / tool.version


def _complete(tool: Tool, folder: Path) -> bool:
    home = _home(tool, folder)
    return home.is_dir() and links_are_current(home)


def _ready(tool: Tool, folder: Path, bin_dir: Path) -> bool:
    links = {bin_dir / binary: _link_target(tool, binary) for binary in tool.binaries}
    linked = all(name.is_symlink() and name.readlink() == target for name, target in links.items())
    return linked and _complete(tool, folder)


def _link_target(tool: Tool, binary: str) -> Path:
    """Return what the link in ``bin`` says: relative, so that the whole folder can be moved or linked to."""
    return Path("..", tool.name, tool.version, binary)


def _fetch_missing(wanted: Sequence[Tool], folder: Path, sources: Sequence[Source], console: Console) -> None:
    missing = [tool for tool in wanted if not _complete(tool, folder)]
    for number, tool in enumerate(missing, start=1):
        title = f"[{number}/{len(missing)}] {tool.name} {tool.version}"
        with step(console, title) as say, new_folder(_home(tool, folder)) as home:
            _fetch(tool, home, sources, say)


def _fetch(tool: Tool, home: Path, sources: Sequence[Source], say: Say) -> None:
    failures: list[str] = []
    for source in sources:
        try:
            source.fetch(tool, home, say)
        except SourceFailedError as failure:
            failures.append(f"{source.label}: {failure}")
            shutil.rmtree(home)
            home.mkdir()
        else:
            for binary in tool.binaries:
                if not (home / binary).is_symlink():
                    (home / binary).chmod(0o755)
            return
    tried = "".join(f"\n  - {failure}" for failure in failures)
    raise UsageError.of(
        where=f"{tool.name} {tool.version}",
        what=f"could not be had. Tried:{tried}",
        why="nothing can be run without it",
        how=(
            f"connect to the internet, or install {tool.name} {tool.version} and put it on PATH, "
            "or install Go (https://go.dev/dl) and run again"
        ),
    )


def _link_all(wanted: Sequence[Tool], bin_dir: Path) -> None:
    bin_dir.mkdir(parents=True, exist_ok=True)
    for tool in wanted:
        for binary in tool.binaries:
            link(_link_target(tool, binary), bin_dir / binary)
