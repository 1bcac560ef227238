"""Reports as one comment or issue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ops.automation.changes import Change, FieldChange, Operation
from ops.automation.markdown import LIMIT, drift_markdown, preview_markdown
from ops.automation.reports import DriftReport, PreviewReport, Stray, read_reports, write_reports
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def change(operation: Operation, number: int = 0, fields: int = 1) -> Change:
    texts = [FieldChange(path=f"spec.f{index}", before="a" * 200, after="b|c") for index in range(fields)]
    return Change(operation=operation, kind="Deployment", name=f"customer-x/n{number}", fields=tuple(texts))


def test_what_is_deleted_comes_first() -> None:
    report = PreviewReport(stack="dev", changes=tuple(change(one) for one in reversed(Operation)))
    headings = re.findall(r"^### (\w+)", preview_markdown([report]), re.MULTILINE)
    assert headings == ["Deleted", "Replaced", "Changed", "Created"]


def test_values_are_short_and_cannot_leave_their_table() -> None:
    text = preview_markdown([PreviewReport(stack="dev", changes=(change(Operation.UPDATE, fields=20),))])
    (row,) = [line for line in text.splitlines() if "customer-x/n0" in line]
    assert "`aaa" in row
    assert "a" * 61 not in row
    assert "`b\\|c`" in row
    assert "and 8 more" in row


def test_a_change_of_nothing_says_so() -> None:
    assert "changes nothing that a stack declares" in preview_markdown([])
    assert "nothing changes" in preview_markdown([PreviewReport(stack="dev")])


def test_a_stack_that_nobody_looked_at_does_not_look_unchanged() -> None:
    text = preview_markdown([], left_out=["dev"])
    assert "changes nothing" not in text
    assert "## Stack `dev`: not looked at\n\nNo workflow serves it" in text
    assert "`iotistic ci preview --stack dev`" in text


def test_a_failure_is_told_without_its_secrets() -> None:
    text = preview_markdown([PreviewReport(stack="dev", errors=("no log-in\n  x://u:hunter2@h",))])
    assert "Stack `dev`: failed" in text
    assert "hunter2" not in text
    assert "no log-in" in text


@pytest.mark.parametrize("number", [300, 3_000])
def test_a_large_change_fits_and_says_how_much_is_left_out(number: int) -> None:
    gone = [change(Operation.DELETE, index, fields=3) for index in range(number)]
    registry = "## Changes of the registry\n\nsummary\n\n" + "| x | y |\n" * number
    text = preview_markdown([PreviewReport(stack="dev", registry=registry, changes=tuple(gone))])
    assert len(text) <= LIMIT
    assert f"{number} delete" in text
    assert "more" in text


def test_a_thousand_stacks_are_cut_at_the_end_of_a_line() -> None:
    reports = [
        PreviewReport(stack=f"prod.{index}", changes=(change(Operation.CREATE),)) for index in range(5_000)
    ]
    text = preview_markdown(reports)
    assert len(text) <= LIMIT
    assert text.endswith("run the same command to see it.\n")


def test_drift_is_named() -> None:
    report = DriftReport(
        stack="prod",
        changes=(change(Operation.DELETE, 1), change(Operation.UPDATE, 2)),
        undeclared=(Stray(kind="ConfigMap", name="customer-x/stray"),),
    )
    text = drift_markdown([report])
    assert "Stack `prod`: 1 changed, 1 missing, 1 undeclared" in text
    assert text.index("Missing") < text.index("n1") < text.index("Changed") < text.index("n2")
    assert "| `ConfigMap` | `customer-x/stray` |" in text


def test_no_drift_is_only_said_of_what_was_looked_at() -> None:
    assert drift_markdown([DriftReport(stack="dev")]).startswith("# What runs is what is declared")
    unread = drift_markdown([DriftReport(stack="dev", errors=("no answer",))])
    assert unread.startswith("# What runs differs")
    assert "not all of it was looked at" in unread


def test_reports_are_read_back_and_one_that_is_missing_is_told(tmp_path: Path) -> None:
    report = PreviewReport(stack="dev", registry="# x", changes=(change(Operation.REPLACE),))
    write_reports(tmp_path, [report])
    found = read_reports(tmp_path, PreviewReport, expected=["dev", "prod"])
    assert found[0] == report
    assert found[1].stack == "prod"
    assert "There is no report" in found[1].errors[0]
    assert not found[1].passed


def test_files_that_are_no_reports_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / "b.json").write_text("no", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_reports(tmp_path, DriftReport, expected=[])
    assert [problem.where.rpartition("/")[2] for problem in refused.value.problems] == ["a.json", "b.json"]
