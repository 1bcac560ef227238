"""What a stack can choose about its logs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.quantities import BYTES_PATTERN

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class LogStoreSettings(BaseModel):
    """A place for logs in the cloud of the cluster."""

    model_config = _MODEL

    name: Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$")] = Field(
        description="Its name, unique in all of the cloud: small letters and digits, which all clouds take."
    )
    undelete_days: Annotated[int, Field(ge=7, le=365)] = Field(
        default=7, description="For how many days what is deleted, its time over, can be had back."
    )


class LoggingSettings(BaseModel):
    """The store of all logs, Loki, and what reads them on each node, Alloy."""

    model_config = _MODEL

    install: bool = Field(default=False, description="Whether the stack installs them.")
    retention_days: Annotated[int, Field(ge=1, le=400)] = Field(
        default=30,
        description="How long the platform's logs are kept; customers' as long as their plan says.",
    )
    storage: Annotated[str, Field(pattern=BYTES_PATTERN)] = Field(
        default="50Gi",
        description="Volume of the store; with a place in the cloud, what it has not sent there yet.",
    )
    store: LogStoreSettings | None = Field(
        default=None, description="Where logs are kept in the cloud; not set: on the volume."
    )
