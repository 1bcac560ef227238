"""What the registry can name and this program does not declare yet: refused, never left out in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.errors import Problem, UsageError
from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenants.tenant import Tenant

DATABASE_VERSION: Final = 15
"""Major version of PostgreSQL that instances run."""


def refuse_unavailable(tenants: Iterable[Tenant], *, folder: str, broker_issuer: str | None) -> None:
    """Refuse tenants that ask for what an instance cannot have yet.

    Args:
        tenants: The environment's tenants.
        folder: Its folder, for the messages.
        broker_issuer: ClusterIssuer of the brokers' own certificates, if there is one.

    Raises:
        UsageError: With one problem for each such wish.
    """
    tenants = list(tenants)
    problems = [problem for tenant in tenants for problem in _problems(tenant, f"{folder}/{tenant.id}.yaml")]
    problems += [
        Problem(
            where=f"{folder}/{tenant.id}.yaml: mqtt.mode",
            what="is dedicated, and this environment's brokers have no certificates of their own",
            why="devices would send their passwords over the internet in clear",
            how="set iotistic:brokerIssuer for the stack, or mqtt.mode to shared",
        )
        for tenant in tenants
        if tenant.mqtt.mode is MqttMode.DEDICATED and broker_issuer is None
    ]
    if problems:
        raise UsageError(problems)


def _problems(tenant: Tenant, file: str) -> Iterable[Problem]:
    if tenant.database_version != DATABASE_VERSION:
        yield Problem(
            where=f"{file}: database_version",
            what=f"is {tenant.database_version}, and instances run PostgreSQL {DATABASE_VERSION}",
            why="another major version cannot read the volume, so the database would not start",
            how=f"leave it at {DATABASE_VERSION}",
        )
