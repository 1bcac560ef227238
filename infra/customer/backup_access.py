"""How backups reach a store that somebody else made: its address, its keys, and its place in the network."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
"""The one variable that does not hold a secret but the name of the file with it."""

_BUCKET: Final = r"[a-z0-9][a-z0-9._-]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of store.

    Attributes:
        address: Pattern of an address, as restic takes it.
        example: Such an address.
        needed: restic's variables without which it lets nobody in.
        further: Others that it may be told.
    """

    address: re.Pattern[str]
    example: str
    needed: frozenset[str]
    further: frozenset[str]


KINDS: Final = {
    "s3": Kind(
        address=re.compile(
            rf"s3:((?P<scheme>https?)://)?(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[0-9]+))?/{_BUCKET}(/.*)?"
        ),
        example="s3:https://s3.example.com/bucket",
        needed=frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
        further=frozenset({"AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"}),
    ),
    "azure": Kind(
        address=re.compile(rf"azure:{_BUCKET}:/.*"),
        example="azure:container:/",
        needed=frozenset({"AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY"}),
        further=frozenset({"AZURE_ENDPOINT_SUFFIX"}),
    ),
    "gs": Kind(
        address=re.compile(rf"gs:{_BUCKET}:/.*"),
        example="gs:bucket:/",
        needed=frozenset({FILE}),
        further=frozenset({"GOOGLE_PROJECT_ID"}),
    ),
}
"""By the beginning of their addresses.

Source of the variables: https://restic.readthedocs.io/en/stable/040_backup.html#environment-variables
"""

_HTTPS: Final = 443
_HTTP: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupAccess:
    """What pods of backups are given to reach such a store.

    Attributes:
        credentials: Their values by restic's variables.
        network: Network in which the store is, where it is not on the internet.
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: str | None = None


NO_ACCESS: Final = BackupAccess()
"""Where backups go to a volume, or to the stack's own store, which knows their pods."""


def kind_of(address: str) -> Kind | None:
    """Return what kind of store an address is of, or None where there is no such address."""
    kind = KINDS.get(address.partition(":")[0])
    return kind if kind is not None and kind.address.fullmatch(address) else None


def port_of(address: str) -> int:
    """Return the port of a store."""
    parts = _parts(address)
    return int(parts.get("port") or (_HTTP if parts.get("scheme") == "http" else _HTTPS))


def network_of(address: str) -> str | None:
    """Return the network of a store whose address is a number, which is all of it; None for a name."""
    try:
        return str(ipaddress.ip_network(_parts(address).get("host", "").strip("[]")))
    except ValueError:
        return None


def _parts(address: str) -> Mapping[str, str]:
    kind = kind_of(address)
    found = kind.address.fullmatch(address) if kind is not None else None
    return found.groupdict() if found is not None else {}
