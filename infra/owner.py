"""Whose objects a workload's manifests are: a customer's instance, or a part of the platform.

What runs a pod, a volume or a database is written once, for whoever has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.clusters.backups import BackupRoute
    from infra.customer.backup_access import BackupAccess
    from infra.images import Images
    from tenants.plans import ContainerSize


class Owner(Protocol):
    """Who has workloads."""

    @property
    def replicas(self) -> int:
        """How many of everything: one, or none while it is at rest."""

    @property
    def served(self) -> bool:
        """Whether its pods run, so that they can be waited for."""

    @property
    def priority_class(self) -> str:
        """PriorityClass of its pods."""

    @property
    def scheduling(self) -> Mapping[str, Any]:
        """Fields of its pods that say which nodes they go to."""

    @property
    def volume_class(self) -> str:
        """StorageClass of its volumes."""

    def metadata(
        self, name: str, *, app: str, component: str, version: str | None = None, awaited: bool = True
    ) -> dict[str, Any]:
        """Return an object's metadata.

        Args:
            name: The object's name.
            app: What it belongs to: ``postgres``.
            component: Its part in the whole: ``database``.
            version: Version of the software where it runs one.
            awaited: Whether the engine waits for it to be ready.
        """

    def selector(self, app: str) -> dict[str, str]:
        """Return the labels of one workload's pods that never change."""


class DatabasePasswords(Protocol):
    """The passwords of a database."""

    @property
    def database_superuser(self) -> str:
        """Of the role ``postgres``."""

    @property
    def database_api(self) -> str:
        """Of the role whose database it is."""

    @property
    def database_exporter(self) -> str:
        """Of the role that reads the metrics."""


class BackupPasswords(DatabasePasswords, Protocol):
    """Those of a database, and those of its backups."""

    @property
    def backup(self) -> str:
        """Key that encrypts the backups."""

    @property
    def former_backups(self) -> Sequence[str]:
        """Keys that the backups had before it, the first one first."""


class DatabaseOwner(Owner, Protocol):
    """Who has a database."""

    @property
    def images(self) -> Images:
        """What the containers run."""

    @property
    def credentials(self) -> DatabasePasswords:
        """The passwords."""

    @property
    def broker_password(self) -> str | None:
        """Of the role of a broker that asks the database. None where none does."""

    @property
    def database_size(self) -> ContainerSize:
        """What the server may use."""

    @property
    def database_storage(self) -> str:
        """How large its volume is."""


class BackupOwner(DatabaseOwner, Protocol):
    """Whose database is backed up every night."""

    @property
    def credentials(self) -> BackupPasswords:
        """The passwords."""

    @property
    def backup_name(self) -> str:
        """What it is called in its repository, and what the repository is called among others."""

    @property
    def namespace(self) -> str:
        """Where its pods are, and which part of the stack's own store is its."""

    @property
    def backup_days(self) -> int:
        """For how many days a backup is kept."""

    @property
    def backup_repository(self) -> str | None:
        """Address below which backups go; ``volume`` for a volume of its own; None for no such place."""

    @property
    def backup_route(self) -> BackupRoute | None:
        """The way to the stack's own store, if backups go there."""

    @property
    def backup_access(self) -> BackupAccess:
        """What reaches the store at that address."""

    @property
    def job_size(self) -> ContainerSize:
        """What a step of a backup may use."""
