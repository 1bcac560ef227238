"""What is wrong with where a stack's backups go, found before the first night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.cloud_settings import CLOUDS
from infra.customer.backup import VOLUME
from infra.customer.backup_access import KINDS, kind_of
from infra.findings import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.customer.backup_access import Kind
    from infra.findings import Finding
    from infra.settings import Settings
    from tenants.errors import Problem


def backup_problems(settings: Settings, *, where: str) -> list[Problem]:
    """Return why backups could not be made, or would not be missed.

    Args:
        settings: The stack's configuration.
        where: Its file, for the messages.
    """
    return problems([*_place(settings), *_address(settings)], where=where)


def _place(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with having a place for backups, or none."""
    somewhere = settings.backup_repository is not None or settings.backup_store is not None
    if somewhere and settings.without_backups:
        yield (
            "withoutBackups",
            "is true, and there is a place for backups",
            "one of the two is not meant, and nobody could tell which",
            "leave it out, or leave out iotistic:backupStore and iotistic:backupRepository",
        )
    if settings.protect and not somewhere and not settings.without_backups:
        key = "backupStore" if settings.cluster in CLOUDS else "backupRepository"
        yield (
            key,
            "is not set, and iotistic:protect is true",
            "data that is worth protecting would be kept once, and no alert would say so",
            f"set iotistic:{key}, or iotistic:withoutBackups: true if it is backed up by other means",
        )


def _address(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with a store that somebody else made."""
    address, given = settings.backup_repository, settings.backup_credentials.keys()
    if address is None or address == VOLUME:
        for key, value in (("backupCredentials", given), ("backupNetwork", settings.backup_network)):
            if value:
                yield (
                    key,
                    "is set, and backups go to no store of somebody else's",
                    "a secret that nobody reads is forgotten, and stays valid",
                    "leave it out, or set iotistic:backupRepository to the store's address",
                )
        return
    kind = kind_of(address)
    if kind is None:
        yield (
            "backupRepository",
            f'is "{address}", which is no address of a store',
            "every backup would fail, the first one in the coming night",
            f"use {', '.join(known.example for known in KINDS.values())}, {VOLUME} or none",
        )
        return
    for what, names in (
        ("lacks", kind.needed - given),
        ("has, beyond what this store asks,", given - kind.needed - kind.further),
    ):
        if names:
            yield (
                "backupCredentials",
                f"{what} {', '.join(sorted(names))}",
                "the pods have no other way in, so every backup would fail",
                f"pulumi config set --secret --path iotistic:backupCredentials.<VARIABLE>: {_taken(kind)}",
            )


def _taken(kind: Kind) -> str:
    """Return which variables a kind of store takes."""
    return f"{', '.join(sorted(kind.needed))}, and if need be {', '.join(sorted(kind.further))}"
