"""What a stack can choose about Velero."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.fields import Cron


class VeleroSettings(BaseModel):
    """Velero of a stack: copies of the platform, beside the customers' own backups."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    enabled: bool = Field(default=False, description="Whether there is one. It needs iotistic:backupStore.")
    schedule: Cron = Field(default="0 1 * * *", description="When, as cron takes it, in UTC.")
    keep_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=30, description="For how many days a copy is kept."
    )
