"""The real tools are what versions.yaml says, and a second run costs nothing."""

from __future__ import annotations

import io
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local.onpath import InstalledSource
from ops.local.recipes import known_tools
from ops.local.tools import VERSIONS_FILE, ensure
from ops.local.versions import load_versions

if TYPE_CHECKING:
    from pathlib import Path

    from ops.local.recipe import Tool
    from ops.local.tools import Toolbox

pytestmark = pytest.mark.cluster

TOOLS = [
    tool
    for tool in known_tools(load_versions(VERSIONS_FILE)).values()
    if not tool.optional and tool.version_arguments is not None
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tells_the_version_that_is_pinned(tool: Tool, toolbox: Toolbox, tmp_path: Path) -> None:
    """As it would be asked if it were installed on this machine."""
    bare = tmp_path / "bare"  # So that no path on the way to it tells the version by chance.
    bare.mkdir()
    for binary in tool.binaries:
        shutil.copy(toolbox.path(binary), bare / binary)
    into = tmp_path / "into"
    into.mkdir()
    InstalledSource(search_path=str(bare), ignore=into).fetch(tool, into, lambda _: None)
    assert {path.name for path in into.iterdir()} == {*tool.binaries, "found.json"}


def test_a_second_run_takes_no_time(toolbox: Toolbox) -> None:
    console = Console(file=io.StringIO())
    started = time.monotonic()
    assert ensure(console=console) == toolbox
    assert time.monotonic() - started < 0.5
