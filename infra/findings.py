"""What is wrong with a configuration as a whole, once each of its keys is right by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

Finding = tuple[str, str, str, str]
"""A key without its namespace, what is wrong with its value, why that hurts, and how it is mended."""


def problems(findings: Iterable[Finding], *, where: str) -> list[Problem]:
    """Return findings as problems of a configuration file."""
    return [
        Problem(where=f"{where}: iotistic:{key}", what=what, why=why, how=how)
        for key, what, why, how in findings
    ]
