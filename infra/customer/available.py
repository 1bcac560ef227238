"""What the registry can name and this program does not declare yet: refused, never left out in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.api_versions import runs_here, unsupported
from tenants.errors import Problem, UsageError
from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.customer.model import Surroundings
    from infra.images import Image
    from tenants.tenant import Tenant

DATABASE_VERSION: Final = 15
"""Major version of PostgreSQL that instances run."""


def refuse_unsupported(api: Image, *, where: str) -> None:
    """Refuse an API of a generation that instances cannot run.

    Args:
        api: The environment's own image.
        where: The configuration file, for the message.

    Raises:
        UsageError: It is one.
    """
    if not runs_here(api.version):
        raise UsageError.of(where=f"{where}: iotistic:imageOverrides.api", **unsupported(api.version))


def refuse_unavailable(tenants: Iterable[Tenant], *, folder: str, surroundings: Surroundings) -> None:
    """Refuse tenants that ask for what an instance cannot have yet.

    Args:
        tenants: The environment's tenants.
        folder: Its folder, for the messages.
        surroundings: What the cluster and the platform offer them.

    Raises:
        UsageError: With one problem for each such wish.
    """
    problems = [
        problem
        for tenant in tenants
        for problem in _problems(tenant, surroundings, f"{folder}/{tenant.id}.yaml")
    ]
    if problems:
        raise UsageError(problems)


def _problems(tenant: Tenant, surroundings: Surroundings, file: str) -> Iterable[Problem]:
    if tenant.database_version != DATABASE_VERSION:
        yield Problem(
            where=f"{file}: database_version",
            what=f"is {tenant.database_version}, and instances run PostgreSQL {DATABASE_VERSION}",
            why="another major version cannot read the volume, so the database would not start",
            how=f"leave it at {DATABASE_VERSION}",
        )
    if tenant.mqtt.mode is MqttMode.DEDICATED and surroundings.broker_issuer is None:
        yield Problem(
            where=f"{file}: mqtt.mode",
            what="is dedicated, and this environment's brokers have no certificates of their own",
            why="devices would send their passwords over the internet in clear",
            how="set iotistic:brokerIssuer for the stack, or mqtt.mode to shared",
        )
    if tenant.extra_hosts and surroundings.routes == "gateway" and surroundings.web_issuer is not None:
        yield Problem(
            where=f"{file}: extra_hosts",
            what="names hosts, and routes of this environment are those of the Gateway API",
            why="all customers share a listener there with one certificate, which covers none of these "
            "names: every browser would warn of them",
            how="take the hosts out, or set iotistic:routes to ingress for the stack",
        )
