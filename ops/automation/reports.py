"""What was found about a stack, as files that one job writes and another reads."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.automation.changes import Change, Operation
from ops.local.store import write_atomically
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Report(BaseModel):
    """What any report says.

    Attributes:
        stack: The stack it is about.
        changes: What would be done, or what differs.
        errors: Why it is not complete; empty where it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    changes: tuple[Change, ...] = ()
    errors: tuple[str, ...] = ()

    def count(self, operation: Operation) -> int:
        """Return how many objects an operation is for."""
        return sum(change.operation is operation for change in self.changes)


class PreviewReport(Report):
    """What an update of a stack would do.

    Attributes:
        registry: The changes of its customers, in Markdown.
        refused: Whether one of them must not happen.
    """

    registry: str = ""
    refused: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the change."""
        return not self.refused and not self.errors


class Stray(BaseModel):
    """An object that no stack declares.

    Attributes:
        kind: Its kind.
        name: Its namespace and name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str


class DriftReport(Report):
    """How a stack's objects differ from what was declared.

    Attributes:
        undeclared: Objects in the customers' namespaces that no stack declares.
    """

    undeclared: tuple[Stray, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether everything was looked at and is as declared."""
        return not self.changes and not self.undeclared and not self.errors


class Shown(BaseModel):
    """A customer that a pull request's stack shows.

    Attributes:
        id: The customer, as in the registry.
        name: What they are called in the stack.
        url: Where people go.
        mqtt: Where devices go.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    url: str
    mqtt: str


class StackReport(Report):
    """The stack of a pull request: what runs in it.

    Attributes:
        beside: The stack on whose platform it stands.
        shown: The customers; none where there is no stack, or none any more.
        left_out: Customers that the change is about too, and that are not shown.
        sample: Whether the change is about no customer in particular, and one stands for all.
        until: Last day of their licences, if they do not end before.
    """

    beside: str = ""
    shown: tuple[Shown, ...] = ()
    left_out: tuple[str, ...] = ()
    sample: bool = False
    until: date | None = None


AnyReport = TypeVar("AnyReport", bound=Report)


def write_reports(folder: Path, reports: Sequence[Report]) -> None:
    """Write each report into a file of its stack's name."""
    for report in reports:
        write_atomically(folder / f"{report.stack}.json", report.model_dump_json(indent=2) + "\n")


def read_reports(folder: Path, model: type[AnyReport], *, expected: Sequence[str]) -> list[AnyReport]:
    """Return the reports of a folder, and for each expected one that is not there one that says so.

    A job that died must not look like a stack without changes.

    Args:
        folder: Where they are.
        model: What they are.
        expected: Stacks that must have one.

    Raises:
        UsageError: With every file that is no such report.
    """
    problems: list[Problem] = []
    found: dict[str, AnyReport] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            report = model.model_validate_json(path.read_bytes())
        except ValidationError as error:
            detail = error.errors()[0]
            problems.append(
                Problem(
                    where=str(path),
                    what=f"is no report: {'.'.join(map(str, detail['loc']))} {detail['msg']}",
                    why="what it should say would be missing from what people read",
                    how="write it anew with the same version of the command",
                )
            )
        else:
            found[report.stack] = report
    if problems:
        raise UsageError(problems)
    missing = "There is no report: the job that should have written it did not end. See its log."
    return [
        found[name] if name in found else model(stack=name, errors=(missing,))
        for name in sorted({*found, *expected})
    ]
