"""What the billing service's manifests are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.clusters import pools
from infra.customer.backup_access import NO_ACCESS
from infra.names import BILLING_NAMESPACE, platform_labels
from infra.platform.platform import priority_class
from tenants.plans import ContainerSize
from tenants.secrets import derive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.clusters.backups import BackupRoute
    from infra.customer.backup_access import BackupAccess
    from infra.images import Image, Images
    from infra.platform.billing_settings import BillingSettings

OWNER: Final = "billing"
"""Whose passwords these are. No customer is called so: the name is reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingCredentials:
    """The passwords of billing's database and of its Redis.

    Attributes:
        database_superuser: Of the role ``postgres``, for people in an emergency.
        database_api: Of the role whose database it is.
        database_exporter: Of the role that reads the database's metrics.
        redis: Of Redis.
        backup: Key that encrypts the backups. It never changes: the epoch is not meant for it.
        former_backups: None, therefore.
    """

    database_superuser: str = field(repr=False)
    database_api: str = field(repr=False)
    database_exporter: str = field(repr=False)
    redis: str = field(repr=False)
    backup: str = field(repr=False)
    former_backups: tuple[str, ...] = ()

    @classmethod
    def issue(cls, master_key: bytes, *, epoch: int) -> BillingCredentials:
        """Derive the passwords, the same ones every time."""

        def password(purpose: str, *, epoch: int = epoch) -> str:
            return derive(master_key, tenant_id=OWNER, purpose=purpose, epoch=epoch)

        return cls(
            database_superuser=password("database-superuser"),
            database_api=password("database-api"),
            database_exporter=password("database-exporter"),
            redis=password("redis"),
            backup=password("backup", epoch=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """The billing service as data.

    Attributes:
        environment: The environment's name.
        domain: The customers' domain.
        settings: What the stack chose.
        volume_class: StorageClass of the volumes.
        images: What the database runs.
        image: What the service runs.
        redis_image: What Redis runs.
        credentials: The passwords.
        secrets: What else is secret, by the service's environment variable.
        pod_labels: Of the service's pods, where a cloud gives them an identity by labels.
        backup_repository: Address below which backups go, as restic takes it; ``volume`` for a
            volume of its own; None for no backup there.
        backup_route: The way to the stack's own store for backups, if it has one.
        backup_access: What reaches the store at that address.
        monitoring: Whether the Prometheus operator's kinds exist.
    """

    environment: str
    domain: str
    settings: BillingSettings
    volume_class: str
    images: Images
    image: Image
    redis_image: Image
    credentials: BillingCredentials
    secrets: Mapping[str, str] = field(repr=False)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    backup_repository: str | None = None
    backup_route: BackupRoute | None = None
    backup_access: BackupAccess = NO_ACCESS
    monitoring: bool = False

    replicas: int = 1
    served: bool = True

    @property
    def priority_class(self) -> str:
        """PriorityClass of the pods: as the customers who pay most."""
        return priority_class("enterprise")

    @property
    def scheduling(self) -> Mapping[str, Any]:
        """Fields of the pods that say which nodes they go to: the platform's."""
        return pools.of_the_platform()

    @property
    def broker_password(self) -> None:
        """No broker asks here."""

    @property
    def database_size(self) -> ContainerSize:
        """What the database may use."""
        return ContainerSize(
            cpu_request="100m", cpu_limit="1000m", memory_request="256Mi", memory_limit="1Gi"
        )

    @property
    def database_storage(self) -> str:
        """How large the database's volume is."""
        return self.settings.storage

    @property
    def backups(self) -> bool:
        """Whether there are backups at all."""
        return self.backup_repository is not None or self.backup_route is not None

    @property
    def backup_name(self) -> str:
        """What it is called in its repository, and what the repository is called among others."""
        return OWNER

    @property
    def namespace(self) -> str:
        """Where its pods are."""
        return BILLING_NAMESPACE

    @property
    def backup_days(self) -> int:
        """For how many days a backup is kept."""
        return self.settings.backup_days

    @property
    def job_size(self) -> ContainerSize:
        """What a step of a backup may use."""
        return ContainerSize(cpu_request="50m", cpu_limit="500m", memory_request="64Mi", memory_limit="512Mi")

    @property
    def host(self) -> str:
        """Where the service is reached."""
        return f"billing.{self.domain}"

    def metadata(
        self, name: str, *, app: str, component: str, version: str | None = None, awaited: bool = True
    ) -> dict[str, Any]:
        """Return an object's metadata."""
        labels = {
            **platform_labels(app, self.environment),
            "app.kubernetes.io/instance": OWNER,
            "app.kubernetes.io/component": component,
        }
        if version is not None:
            labels["app.kubernetes.io/version"] = version
        metadata: dict[str, Any] = {"name": name, "namespace": BILLING_NAMESPACE, "labels": labels}
        if not awaited:
            metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
        return metadata

    def selector(self, app: str) -> dict[str, str]:
        """Return the labels of one workload's pods that never change."""
        return {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": OWNER}
