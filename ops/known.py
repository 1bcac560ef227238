"""Names that somebody typed, checked against those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.errors import UsageError
from tenants.validation import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence


def require_known(kind: str, value: str, known: Sequence[str], *, where: str, why: str) -> None:
    """Refuse a name that there is not, with the one that was probably meant.

    Args:
        kind: What it names: ``plan``, ``tenant``.
        value: What was typed.
        known: All names that there are.
        where: Where it was typed.
        why: What would go wrong with it.

    Raises:
        UsageError: The name is not among them.
    """
    if value not in known:
        raise UsageError.of(
            where=where,
            what=f'there is no {kind} "{value}"',
            why=why,
            how=f"{did_you_mean(value, known)}known: {', '.join(known[:_LISTED]) or 'none'}{_more(known)}",
        )


_LISTED = 20
"""So many names are listed; nobody reads more."""


def _more(known: Sequence[str]) -> str:
    return f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
