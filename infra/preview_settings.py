"""What a stack's configuration says of a preview: whom of a pull request it shows."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tenants.preview import LARGEST_NUMBER

MOST_TENANTS = 3
"""So many customers one pull request may bring into a cluster that others use too."""


class PreviewSettings(BaseModel):
    """Which customers a pull request shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] = Field(description="The pull request's number.")
    tenants: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_TENANTS)] = Field(
        description="Ids of the customers, as in the registry. Each is shown as pr-<number>-<id>."
    )
    until: date = Field(
        description="Last day of their licences, if it does not come before: the program has no clock."
    )
