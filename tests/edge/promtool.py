"""Prometheus's own tool, which parses rules and says what they give for known values of metrics."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.edge.world import program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Series = dict[str, str]
"""Values of metrics by step, in promtool's notation: ``1+0x9`` is ten times 1."""

Groups = list[dict[str, Any]]
"""Groups of rules, as Prometheus reads them."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = program("promtool")
    assert tool, "promtool is not installed"
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


def check(folder: Path, groups: Groups) -> subprocess.CompletedProcess[str]:
    """Let promtool parse rules."""
    return run("check", "rules", str(_write(folder, groups)))


def evaluate(
    folder: Path, groups: Groups, series: Series, expected: dict[str, Any], *, minutes: int = 1
) -> None:
    """Let promtool decide that the rules give what is expected; fail with its words if they do not.

    Args:
        folder: Where its files go.
        groups: The rules, in the order in which they are evaluated.
        series: What the metrics show.
        expected: What promtool takes beside the series: ``promql_expr_test``, ``alert_rule_test``.
        minutes: Between two samples, and between two evaluations.
    """
    test = {
        "rule_files": [str(_write(folder, groups))],
        "evaluation_interval": f"{minutes}m",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [
            {
                "interval": f"{minutes}m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                **expected,
            }
        ],
    }
    file = folder / "test.json"
    file.write_text(json.dumps(test), encoding="utf-8")
    answer = run("test", "rules", str(file))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def samples(values: dict[str, float]) -> Sequence[dict[str, Any]]:
    """Return what a query is expected to give, by the labels as PromQL writes them."""
    return [{"labels": labels, "value": value} for labels, value in values.items()]


def _write(folder: Path, groups: Groups) -> Path:
    file = folder / "rules.json"
    file.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    return file
