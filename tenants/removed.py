"""The tombstones of an environment: tenants that were deleted on purpose.

An id is never used again, because backups, invoices, device configurations and the
logs of certificates still know it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, Field

from tenants.errors import UsageError
from tenants.fields import Day, Line, TenantId
from tenants.validation import validate
from tenants.yaml_source import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.yaml_source import Document

TOMBSTONES: Final = "_removed.yaml"

_BEGINNING: Final = b"schema_version: 1\nremoved:\n"


class Tombstone(BaseModel, frozen=True, extra="forbid"):
    """One tenant that is gone."""

    id: TenantId = Field(title="Id", description="The id that is never used again.")
    removed_on: Day = Field(title="Removed on", description="Day on which its data was deleted.")
    reason: Line = Field(title="Reason", description="Why, and who asked for it.")


class Tombstones(BaseModel, frozen=True, extra="forbid"):
    """All tenants of an environment that are gone."""

    schema_version: Literal[1] = Field(title="Version of the schema", description="1.")
    removed: tuple[Tombstone, ...] = Field(title="Removed", description="One entry for each tenant.")


def removed_ids(document: Document) -> frozenset[str]:
    """Return the ids of removed tenants.

    Raises:
        UsageError: Something in the list is wrong.
    """
    return frozenset(stone.id for stone in validate(Tombstones, document).removed)


def with_tombstone(content: bytes | None, name: str, stone: Mapping[str, str]) -> bytes:
    """Return the list with one more entry at its end; what is there stays, character by character.

    Args:
        content: The list as it is, or None if there is none yet.
        name: How messages call it.
        stone: The new entry's values by key.

    Raises:
        UsageError: The list or the entry is wrong, or the list's end cannot be told for sure.
    """
    text = (content or _BEGINNING).decode()
    indents = re.findall(r"^( *)- ", text, re.MULTILINE)
    margin = indents[-1] if indents else "  "
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in stone.items())
    text += "" if text.endswith("\n") else "\n"
    text += "".join(f"{margin}{'  ' if number else '- '}{line}\n" for number, line in enumerate(lines))
    before = [] if content is None else parse_document(content, name).data.get("removed")
    document = _parsed(text, name)
    if document is None or document.data.get("removed") != [*(before or ()), stone]:
        raise UsageError.of(
            where=f"{name}: removed",
            what="the list is written in a way that only a person can add to safely",
            why="an entry could be lost, and its id be used again",
            how="write it one `- id: …` a line with the list at the end of the file, and do it again",
        )
    validate(Tombstones, document)
    return text.encode()


def _parsed(text: str, name: str) -> Document | None:
    try:
        return parse_document(text.encode(), name)
    except UsageError:
        return None
