"""The tombstones of an environment: tenants that were deleted on purpose.

An id is never used again, because backups, invoices, device configurations and the
logs of certificates still know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from tenants.fields import Day, Line, TenantId
from tenants.validation import validate
from tenants.yaml_source import read_document

if TYPE_CHECKING:
    from pathlib import Path

TOMBSTONES = "_removed.yaml"


class Tombstone(BaseModel, frozen=True, extra="forbid"):
    """One tenant that is gone."""

    id: TenantId = Field(title="Id", description="The id that is never used again.")
    removed_on: Day = Field(title="Removed on", description="Day on which its data was deleted.")
    reason: Line = Field(title="Reason", description="Why, and who asked for it.")


class Tombstones(BaseModel, frozen=True, extra="forbid"):
    """All tenants of an environment that are gone."""

    schema_version: Literal[1] = Field(title="Version of the schema", description="1.")
    removed: tuple[Tombstone, ...] = Field(title="Removed", description="One entry for each tenant.")


def load_tombstones(path: Path) -> frozenset[str]:
    """Return the ids of removed tenants.

    Raises:
        UsageError: The file cannot be read or something in it is wrong.
    """
    return frozenset(stone.id for stone in validate(Tombstones, read_document(path)).removed)
