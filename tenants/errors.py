"""The one tree of errors that a person can mend.

Everything here means: the input is wrong, nothing was changed, exit status 2.
A defect of the program itself is never one of these and keeps its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_USAGE = 2
"""Exit status of every command that refuses its input."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, said so that its reader can mend it.

    Attributes:
        where: File, and line and key where known: ``tenants/registry/dev/acme.yaml:7: plan``.
        what: What is wrong there, with the offending value.
        why: What would go wrong if it were accepted.
        how: What to do instead.
    """

    where: str
    what: str
    why: str
    how: str

    def __str__(self) -> str:
        """Return the four parts as a short block of text."""
        return f"{self.where}: {self.what}\n  why: {self.why}\n  fix: {self.how}"


class UsageError(Exception):
    """Input that is refused, with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, *, where: str, what: str, why: str, how: str) -> UsageError:
        """Return an error with a single problem."""
        return cls([Problem(where=where, what=what, why=why, how=how)])
