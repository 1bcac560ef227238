"""What a stack says of the billing service."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra.images import is_exact
from tenants.fields import Cron

OWN_VARIABLES: Final = frozenset(
    {"BASE_DOMAIN", "DATABASE_URL", "NODE_ENV", "PORT", "REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT"}
)
"""What the service is told by the program itself."""


def _exact(reference: str) -> str:
    if not is_exact(reference):
        message = (
            f"{reference!r} is no exact reference; write host, path and tag: "
            "registry.example.com/iotistic/billing:1.0.0"
        )
        raise ValueError(message)
    return reference


class BillingSettings(BaseModel):
    """The billing service of a stack."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    image: Annotated[str, AfterValidator(_exact)] = Field(
        description="The service's image: registry, path and exact tag."
    )
    port: Annotated[int, Field(ge=1024, le=65_535)] = Field(
        default=3100, description="Where the service listens: its variable PORT."
    )
    health_path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]*$")] = Field(
        default="/health", description="What answers while the service works."
    )
    storage: Annotated[str, Field(pattern=r"^[1-9][0-9]*Gi$")] = Field(
        default="10Gi", description="Size of the database's volume. It can grow."
    )
    backup_schedule: Cron = Field(
        default="0 1 * * *",
        description="When its database is backed up, if there is a place: five cron fields, in UTC.",
    )
    backup_days: Annotated[int, Field(ge=1, le=3_650)] = Field(
        default=30, description="For how many days a backup is kept."
    )
    epoch: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Raised to replace the passwords of its database and of Redis."
    )
