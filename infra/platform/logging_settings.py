"""What a stack can choose about its logs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.quantities import BYTES_PATTERN


class LoggingSettings(BaseModel):
    """The store of all logs, Loki, and what reads them on each node, Alloy."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    install: bool = Field(default=False, description="Whether the stack installs them.")
    retention_days: Annotated[int, Field(ge=1, le=400)] = Field(
        default=30,
        description="How long the platform's logs are kept; customers' as long as their plan says.",
    )
    storage: Annotated[str, Field(pattern=BYTES_PATTERN)] = Field(
        default="50Gi", description="Volume of the store."
    )
