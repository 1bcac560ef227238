"""Everything that one customer's manifests are made from, complete before the first is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from infra.customer.backup_access import NO_ACCESS
from infra.names import BILLING, BILLING_NAMESPACE, selector, tenant_labels
from infra.platform.platform import priority_class
from tenants.models import LifecycleState, MqttMode
from tenants.quantities import mebibytes
from tenants.secrets import derive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.clusters.backups import BackupRoute
    from infra.customer.backup_access import BackupAccess
    from infra.images import Images
    from tenants.key_ring import KeyRing
    from tenants.plans import ContainerSize
    from tenants.tenant import Tenant

Routes = Literal["ingress", "gateway"]
Authentication = Literal["http", "postgres"]

FORMER_EPOCHS: Final = 20
"""So often may the password of backups be raised between two of them: it is still exchanged then."""

_HEAP_SHARE: Final = 0.75
"""Part of a memory limit that a JavaScript heap may take; the rest is buffers and code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secrets of one customer. Nothing here is ever shared with another.

    Attributes:
        licence: The signed licence, a JWT.
        licence_public_key: SPKI PEM of the key that verifies it.
        database_superuser: Password of the role ``postgres``, for people in an emergency.
        database_api: Password of the role the API logs in with.
        database_exporter: Password of the role that reads the database's metrics.
        database_broker: Password of the role by which the broker asks the database, where it does.
        mqtt_api: Password of the API at its own broker.
        jwt_secret: Key of the API's session tokens; shared, one customer's token would open every other.
        admin: Password of the dashboard's ``admin`` until the customer chooses one.
        former_admin: What it was in earlier epochs, a line each: whoever knows one must not log in with it.
        backup: Key that encrypts the backups.
        former_backups: Keys that encrypted them before, the first one first.
        node_red_admin: Password of ``admin`` in Node-RED, and of what its flows serve over HTTP.
        node_red_key: Key that encrypts the credentials in its flows.
        mqtt_node_red: Password of Node-RED at the customer's broker.
        grafana_admin: Password of ``admin`` in Grafana.
        grafana_key: Key that encrypts the credentials in Grafana's database.
    """

    licence: str = field(repr=False)
    licence_public_key: str
    database_superuser: str = field(repr=False)
    database_api: str = field(repr=False)
    database_exporter: str = field(repr=False)
    database_broker: str = field(repr=False)
    mqtt_api: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    admin: str = field(repr=False)
    former_admin: str = field(repr=False)
    backup: str = field(repr=False)
    node_red_admin: str = field(repr=False)
    node_red_key: str = field(repr=False)
    mqtt_node_red: str = field(repr=False)
    grafana_admin: str = field(repr=False)
    grafana_key: str = field(repr=False)
    former_backups: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def withheld(cls, tenant: Tenant) -> Credentials:
        """Return no secret at all, for an object that only refers to a customer's Secrets that are there."""
        names = {item.name for item in fields(cls)} - {"former_backups"}
        former = [""] * len(_former(tenant.epochs.backup))
        return cls(**dict.fromkeys(names, ""), former_backups=tuple(former))

    @classmethod
    def issue(cls, tenant: Tenant, *, master_key: bytes, licence_keys: KeyRing) -> Credentials:
        """Derive the passwords and sign the licence of one customer, the same ones every time."""

        def password(purpose: str, epoch: int) -> str:
            return derive(master_key, tenant_id=tenant.id, purpose=purpose, epoch=epoch)

        epochs = tenant.epochs
        return cls(
            licence=licence_keys.sign_for(tenant),
            licence_public_key=licence_keys.key_for(tenant).public_pem,
            database_superuser=password("database-superuser", epochs.database),
            database_api=password("database-api", epochs.database),
            database_exporter=password("database-exporter", epochs.database),
            database_broker=password("database-broker", epochs.database),
            mqtt_api=password("mqtt-api", epochs.mqtt),
            jwt_secret=password("api-jwt", epochs.jwt),
            admin=password("dashboard-admin", epochs.admin),
            former_admin="\n".join(password("dashboard-admin", epoch) for epoch in range(1, epochs.admin)),
            backup=password("backup", epochs.backup),
            former_backups=tuple(password("backup", epoch) for epoch in _former(epochs.backup)),
            node_red_admin=password("node-red-admin", epochs.node_red),
            mqtt_node_red=password("mqtt-node-red", epochs.node_red),
            grafana_admin=password("grafana-admin", epochs.grafana),
            # These two never change: neither program reads again what it wrote with another key.
            node_red_key=password("node-red-key", 1),
            grafana_key=password("grafana-key", 1),
        )


def _former(epoch: int) -> range:
    """Return the epochs before one, the latest of them only: each is tried every night."""
    return range(max(1, epoch - FORMER_EPOCHS), epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the cluster and the platform offer an instance.

    Attributes:
        domain: DNS zone of the environment.
        storage_class: StorageClass of the volumes.
        routes: Whether hosts are routed by Ingress or by the Gateway API.
        ingress_class: IngressClass that serves the hosts.
        await_routes: Whether a controller is there to give the routes an address.
        web_issuer: ClusterIssuer that signs for hosts, or None where certificates are brought by hand.
        own_certificates: Whether each customer's host has one of its own instead of the platform's wildcard.
        answers_authority: Whether pods here answer a public authority by a web page, for every host.
        answers_for_extra: The same for the customers' own names.
        broker_issuer: ClusterIssuer of the brokers' own certificates, or None for no TLS at the broker.
        monitoring: Whether the Prometheus operator's kinds exist.
        prometheus: Service of the Prometheus in the namespace ``monitoring`` that knows what every customer
            uses, or None where there is none.
        billing_port: Where the billing service of this cluster listens, or None where there is none.
        backup_repository: Address below which backups go, as restic takes it; ``volume`` for a
            volume of the instance's own; None for no backup here.
        backup_route: The way to the stack's own store for backups, if it has one.
        backup_access: What reaches the store at that address.
        balancer: Annotations by which a Service gets the cloud's balancer.
        mqtt_authentication: Whom the brokers ask about log-ins and topics.
    """

    domain: str
    storage_class: str
    routes: Routes
    ingress_class: str
    await_routes: bool
    broker_issuer: str | None
    monitoring: bool
    backup_repository: str | None
    web_issuer: str | None = None
    own_certificates: bool = False
    answers_authority: bool = False
    answers_for_extra: bool = False
    prometheus: str | None = None
    billing_port: int | None = None
    backup_route: BackupRoute | None = None
    backup_access: BackupAccess = NO_ACCESS
    balancer: Mapping[str, str] = field(default_factory=dict)
    mqtt_authentication: Authentication = "http"

    @property
    def backups(self) -> bool:
        """Whether there are backups at all."""
        return self.backup_repository is not None or self.backup_route is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One customer's instance as data.

    Attributes:
        tenant: The customer.
        surroundings: What the cluster offers.
        images: What the containers run.
        credentials: The customer's secrets.
    """

    tenant: Tenant
    surroundings: Surroundings
    images: Images
    credentials: Credentials

    @property
    def replicas(self) -> int:
        """One of everything while the customer is served, none while suspended."""
        return 1 if self.tenant.runs else 0

    @property
    def served(self) -> bool:
        """Whether the pods run, so that they can be waited for."""
        return self.tenant.runs

    @property
    def priority_class(self) -> str:
        """PriorityClass of the pods: by plan."""
        return priority_class(self.tenant.plan.name)

    @property
    def scheduling(self) -> Mapping[str, Any]:
        """Fields of the pods that say which nodes they go to: any that lets everybody in."""
        return {}

    @property
    def volume_class(self) -> str:
        """StorageClass of the volumes: the customer's own, or the environment's."""
        return self.tenant.storage_class or self.surroundings.storage_class

    @property
    def broker_password(self) -> str | None:
        """Of the broker's own role in the database. None where the broker asks the API."""
        return self.credentials.database_broker if self.asks_database else None

    @property
    def database_size(self) -> ContainerSize:
        """What the database may use."""
        return self.tenant.sizes.postgres

    @property
    def database_storage(self) -> str:
        """How large the database's volume is."""
        return self.tenant.storage.postgres

    @property
    def backup_name(self) -> str:
        """What it is called in its repository, and what the repository is called among others."""
        return self.tenant.id

    @property
    def namespace(self) -> str:
        """Where its pods are."""
        return self.tenant.namespace

    @property
    def backup_days(self) -> int:
        """For how many days a backup is kept."""
        return self.tenant.backup.retention_days

    @property
    def backup_repository(self) -> str | None:
        """Address below which backups go, or ``volume``; None for no such place."""
        return self.surroundings.backup_repository

    @property
    def backup_route(self) -> BackupRoute | None:
        """The way to the stack's own store, if backups go there."""
        return self.surroundings.backup_route

    @property
    def backup_access(self) -> BackupAccess:
        """What reaches the store at that address."""
        return self.surroundings.backup_access

    @property
    def job_size(self) -> ContainerSize:
        """What a step of a backup may use."""
        return self.tenant.sizes.job

    @property
    def suspended(self) -> bool:
        """Whether people who come by are told that the service is suspended."""
        return not self.tenant.runs and self.tenant.lifecycle is not LifecycleState.DECOMMISSIONED

    @property
    def protected(self) -> bool:
        """Whether the engine refuses to delete what holds data: not once the customer is decommissioned.

        From which day it may go is not asked here, where there is no clock: the rules on changes
        of the registry see to that.
        """
        return self.tenant.lifecycle is not LifecycleState.DECOMMISSIONED

    @property
    def own_broker(self) -> bool:
        """Whether the customer has a broker here; a managed one is somebody else's."""
        return self.tenant.mqtt.mode is not MqttMode.MANAGED

    @property
    def asks_database(self) -> bool:
        """Whether the customer's own broker asks the database who may connect."""
        return self.own_broker and self.surroundings.mqtt_authentication == "postgres"

    @property
    def node_ports(self) -> bool:
        """Whether the instance is reached by ports of the nodes, as on a laptop's cluster."""
        return self.tenant.mqtt.mode is MqttMode.NODE_PORT

    @property
    def answers_authority(self) -> bool:
        """Whether pods here answer a public authority by a web page."""
        around = self.surroundings
        return around.answers_authority or (around.answers_for_extra and bool(self.tenant.extra_hosts))

    @property
    def billing_address(self) -> str | None:
        """Where the billing service of this cluster is, or None where there is none."""
        port = self.surroundings.billing_port
        return None if port is None else f"http://{BILLING}.{BILLING_NAMESPACE}.svc.cluster.local:{port}"

    @property
    def host(self) -> str:
        """Where the customer's people go."""
        return self.tenant.host(self.surroundings.domain)

    def metadata(
        self, name: str, *, app: str, component: str, version: str | None = None, awaited: bool = True
    ) -> dict[str, Any]:
        """Return an object's metadata.

        Args:
            name: The object's name.
            app: What it belongs to: ``postgres``.
            component: Its part in the instance: ``database``.
            version: Version of the software where it runs one.
            awaited: Whether the engine waits for it to be ready. Only what can become
                ready may be awaited: a Service of a suspended customer has no endpoint.
        """
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self.tenant.namespace,
            "labels": tenant_labels(self.tenant, name=app, component=component, version=version),
        }
        if not awaited:
            metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
        return metadata

    def selector(self, app: str) -> dict[str, str]:
        """Return the labels of one workload's pods that never change."""
        return selector(self.tenant, app)


def checksum(values: Mapping[str, str]) -> str:
    """Return a short fingerprint of what pods read, for a pod template that must roll when it changes.

    Secret values have at least 128 bits of entropy, so the fingerprint gives nothing away.
    """
    text = "\n".join(f"{key}={value}" for key, value in sorted(values.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def node_options(size: ContainerSize) -> dict[str, str]:
    """Return the variable that keeps Node.js within a container's memory.

    Node.js, and some images, take more heap than a small plan's memory: killed, not collected.
    """
    heap = int(mebibytes(size.memory_limit) * _HEAP_SHARE)
    return {"NODE_OPTIONS": f"--max-old-space-size={heap}"}


def resources(size: ContainerSize) -> dict[str, dict[str, str]]:
    """Return a component's requests and limits as a container takes them."""
    return {
        "requests": {"cpu": size.cpu_request, "memory": size.memory_request},
        "limits": {"cpu": size.cpu_limit, "memory": size.memory_limit},
    }
