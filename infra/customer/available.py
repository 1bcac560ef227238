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

_NOT_YET: Final = {
    "node_red": "Node-RED",
    "prometheus": "a Prometheus of its own",
    "grafana": "a Grafana of its own",
}


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
    for option, meaning in _NOT_YET.items():
        if getattr(tenant.options, option):
            yield Problem(
                where=f"{file}: options.{option}",
                what=f"asks for {meaning}, which instances do not have yet",
                why="the customer would be promised, and perhaps billed, something that never runs",
                how=f"set options.{option} to false until it is available",
            )
    if tenant.database_version != DATABASE_VERSION:
        yield Problem(
            where=f"{file}: database_version",
            what=f"is {tenant.database_version}, and instances run PostgreSQL {DATABASE_VERSION}",
            why="another major version cannot read the volume, so the database would not start",
            how=f"leave it at {DATABASE_VERSION}",
        )
