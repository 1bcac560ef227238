from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from ops.cli.console import show_refusals
from ops.local.control_plane import ControlPlaneError
from ops.local.engine_run import EngineError
from ops.local.node.commands import NodeError
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_refused_input_ends_with_2_and_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    @show_refusals
    def command() -> None:
        raise UsageError.of(where="a.yaml: plan", what="[bold]x[/bold]", why="because", how="so")

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 2
    assert "a.yaml: plan: [bold]x[/bold]" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ControlPlaneError("etcd ended"), NodeError("kubelet ended")])
def test_a_part_that_does_not_start_ends_with_1_and_no_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    @show_refusals
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 1
    assert f"error: {error}" in capsys.readouterr().err


def test_a_failed_run_says_what_the_engine_said_and_where_the_rest_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = EngineError("stack dev", ["quota exceeded"], tmp_path / "up.log")

    @show_refusals
    def command() -> None:
        raise failure

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 1
    said = capsys.readouterr().err
    assert "quota exceeded" in said
    assert "up.log" in said
