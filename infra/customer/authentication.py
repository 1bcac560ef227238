"""Whom the broker asks who may connect, and to which topics: the API, or the API's database.

Both ways read the same two tables, in which the API keeps users and rules. The API itself answers
in every generation. The database can be asked where its passwords are bcrypt, which the broker's
plugin reads: those of version 2. Then devices come in while the API is away.

Source of the options: the plugin's README, https://github.com/iegomez/mosquitto-go-auth
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.customer.model import Instance

ROLE: Final = "broker"
"""The broker's own role in the database: it reads the two tables and nothing else."""

PASSWORD_KEY: Final = "broker-password"  # noqa: S105 - the name of a key
"""Where its password is in the Secret of the database."""

QUERIES: Final = {
    "userquery": "SELECT password_hash FROM mqtt_users WHERE username = $1 AND is_active LIMIT 1",
    "superquery": "SELECT count(*) FROM mqtt_users WHERE username = $1 AND is_superuser AND is_active",
    "aclquery": (
        "SELECT topic FROM mqtt_acls JOIN mqtt_users USING (username)"
        " WHERE username = $1 AND mqtt_users.is_active AND (access & $2) <> 0"
    ),
}
"""What the plugin asks: a user's hash, whether they may do everything, and the topics for a kind of access.

Access is a sum of 1 to read, 2 to write and 4 to subscribe. Every query leaves out who is not active:
somebody whose access was taken away would go on as long as the connection lasts.
"""

_BCRYPT: Final = re.compile(r"2\.")
"""Versions of the API that keep passwords as bcrypt. Others keep scrypt, which the plugin cannot read."""


def refuse_unreadable(instances: Iterable[Instance], *, where: str) -> None:
    """Refuse brokers that would ask the database for passwords that they cannot read.

    Args:
        instances: Every customer's instance.
        where: The configuration file, for the messages.

    Raises:
        UsageError: With one problem for each such customer.
    """
    problems = [
        Problem(
            where=f"{where}: iotistic:mqttAuthentication",
            what=f"is postgres, and {instance.tenant.id} has the API {instance.images.api.version}",
            why="only versions 2 keep passwords that the broker can read: every device would be refused",
            how="set it to http, or pin the tenant to a version 2 of the API",
        )
        for instance in instances
        if instance.asks_database and not _BCRYPT.match(instance.images.api.version)
    ]
    if problems:
        raise UsageError(problems)
