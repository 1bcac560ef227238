"""Billing's place: a namespace with a database and a queue of its own, and the service at ``billing.``.

The service edits the registry of customers and never the cluster, so its pods hold no token of the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra import exemptions
from infra.component import Component, Placement
from infra.customer import api, backup, exporter, postgres
from infra.customer.instance import identify
from infra.customer.isolation import HTTPS_PORT, PRIVATE_RANGES, to_repository
from infra.customer.model import checksum
from infra.customer.pods import (
    CONFIG,
    SECRETS_CHECKSUM,
    SERVICE_ACCOUNT,
    container,
    from_secret,
    http_probe,
    pod_template,
    scratch,
    service,
    service_account,
    workload,
)
from infra.customer.ports import POSTGRES_METRICS_PORT, POSTGRES_PORT
from infra.customer.secrets import database_secret, opaque
from infra.names import BILLING, BILLING_NAMESPACE, INGRESS_NAMESPACE, MONITORING_NAMESPACE
from infra.platform import billing_backup, billing_redis
from infra.platform.platform import platform_namespace
from infra.platform.policies import DNS, OURS, Policies, namespace, pods, ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import Identity
    from infra.component import Manifest
    from infra.platform.billing_model import Billing

APP: Final = BILLING
COMPONENT: Final = "service"

SERVICE_USER: Final = 1000
"""User ``node`` of the official images of Node.js."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingArgs:
    """What billing's place is made from.

    Attributes:
        billing: The service as data.
        identity: What the service's pods are in the cloud, if it is one that the stack makes.
        backup_identity: What its backups are there, where they go to the stack's own store.
        placement: Where it goes.
        depends_on: What it stands on.
    """

    billing: Billing
    identity: Identity | None
    backup_identity: Identity | None
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def foundation(billing: Billing) -> list[Manifest]:
    """Return what must be there before the first pod: isolation, accounts, secrets, files."""
    return [
        *_network_policies(billing),
        *(service_account(billing, name, app=APP, component="identity") for name in (SERVICE_ACCOUNT, APP)),
        database_secret(billing, app=postgres.APP),
        billing_redis.secret(billing),
        *billing_backup.secret(billing),
        opaque(billing, APP, _secrets(billing), app=APP),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": billing.metadata(CONFIG, app=APP, component="configuration"),
            "data": {
                **postgres.configuration(billing),
                **billing_redis.configuration(),
                **(backup.configuration(billing) if billing.backups else {}),
            },
        },
    ]


def workloads(billing: Billing) -> list[Manifest]:
    """Return the database, the queue and the service, how they are watched, and what is backed up."""
    return [
        *postgres.manifests(billing),
        *billing_redis.manifests(billing),
        _deployment(billing),
        service(billing, APP, component=COMPONENT, ports={"http": billing.settings.port}),
        *([_service_monitor(billing)] if billing.monitoring else []),
        *billing_backup.manifests(billing),
    ]


def manifests(billing: Billing) -> list[Manifest]:
    """Return every object in the order of declaration."""
    home = platform_namespace(BILLING_NAMESPACE, billing.environment)
    return [home, *foundation(billing), *workloads(billing)]


def _secrets(billing: Billing) -> dict[str, str]:
    """Return what the service reads as secret, by environment variable."""
    password = billing.credentials.database_api
    database = f"{postgres.API_ROLE}:{password}@{postgres.APP}:{POSTGRES_PORT}/{postgres.DATABASE}"
    return {
        **billing.secrets,
        "DATABASE_URL": f"postgresql://{database}",
        "REDIS_PASSWORD": billing.credentials.redis,
    }


def _deployment(billing: Billing) -> Manifest:
    secrets = _secrets(billing)
    template = pod_template(
        billing,
        APP,
        component=COMPONENT,
        image=billing.image,
        user=SERVICE_USER,
        containers=[_service(billing, sorted(secrets))],
        volumes=scratch("tmp"),
        checksums={SECRETS_CHECKSUM: checksum(secrets)},
        serviceAccountName=APP,
    )
    template["metadata"]["labels"] |= billing.pod_labels
    return workload(
        billing,
        "Deployment",
        APP,
        component=COMPONENT,
        image=billing.image,
        template=template,
        # It changes its own tables when it starts, which two at a time must not.
        strategy={"strategy": {"type": "Recreate"}},
        exempt=[exemptions.SECRET_IN_ENVIRONMENT],
    )


def _service(billing: Billing, secrets: Sequence[str]) -> dict[str, Any]:
    told = {
        "NODE_ENV": "production",
        "PORT": str(billing.settings.port),
        "BASE_DOMAIN": billing.domain,
        "REDIS_HOST": billing_redis.APP,
        "REDIS_PORT": str(billing_redis.PORT),
    }
    return container(
        APP,
        billing.image,
        ports={"http": billing.settings.port},
        resources={
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": "1000m", "memory": "512Mi"},
        },
        probe=http_probe(billing.settings.health_path, "http"),
        mounts={"tmp": "/tmp"},  # noqa: S108 - a volume of the pod's own
        env=[
            *({"name": name, "value": value} for name, value in told.items()),
            *(from_secret(name, APP, name) for name in secrets),
        ],
    )


def _service_monitor(billing: Billing) -> Manifest:
    """Return where metrics are: the port ``metrics`` of every Service that has one, the database's."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": billing.metadata(APP, app=APP, component="monitoring"),
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/instance": APP}},
            "targetLabels": ["app.kubernetes.io/name"],
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "60s"}],
        },
    }


def _network_policies(billing: Billing) -> list[Manifest]:
    """Return who may talk to whom: who may ask the service, the service to its own and to the internet."""
    internet = {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE_RANGES)}}
    policies = Policies(app=APP, namespace=BILLING_NAMESPACE, environment=billing.environment)
    # Customers' pods that ask it of their own subscription, or tell it what they used.
    callers = [namespace(INGRESS_NAMESPACE), *(OURS | pods(name) for name in (api.APP, exporter.APP))]
    database = {"to": [pods(postgres.APP)], "ports": ports(POSTGRES_PORT)}
    clients, of_backups = [pods(APP)], []
    if billing.backups:
        clients.append(pods(backup.APP))
        of_backups = [policies.of(backup.APP, ingress=[], egress=[database, *to_repository(billing)])]
    return [
        policies.of_all("default-deny", egress=[DNS]),
        *of_backups,
        policies.of(
            postgres.APP,
            ingress=[
                {"from": clients, "ports": ports(POSTGRES_PORT)},
                {"from": [namespace(MONITORING_NAMESPACE)], "ports": ports(POSTGRES_METRICS_PORT)},
            ],
            egress=[],
        ),
        policies.of(
            billing_redis.APP,
            ingress=[{"from": [pods(APP)], "ports": ports(billing_redis.PORT)}],
            egress=[],
        ),
        policies.of(
            APP,
            ingress=[{"from": callers, "ports": ports(billing.settings.port)}],
            egress=[
                database,
                {"to": [pods(billing_redis.APP)], "ports": ports(billing_redis.PORT)},
                {"to": [internet], "ports": ports(HTTPS_PORT)},
            ],
        ),
    ]


class BillingPlace(Component):
    """Everything that the billing service has, in a namespace of its own.

    Attributes:
        ready: What has to be there before a host leads to it.
    """

    def __init__(self, name: str, args: BillingArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:BillingPlace", name, placement=args.placement, opts=opts)
        billing = args.billing
        identities = {APP: args.identity, backup.SERVICE_ACCOUNT: args.backup_identity}
        known = {account: identity for account, identity in identities.items() if identity is not None}
        home = self.declare(
            platform_namespace(BILLING_NAMESPACE, billing.environment),
            depends_on=[*args.depends_on, *(it for identity in known.values() for it in identity.ready)],
            holds_data=True,
        )

        def declare(manifest: Manifest, depends_on: Sequence[pulumi.Resource]) -> pulumi.Resource:
            for account, identity in known.items():
                identify(manifest, account, identity)
            return self.declare(
                manifest,
                depends_on=depends_on,
                deleted_with=home,
                holds_data=manifest["kind"] in {"PersistentVolumeClaim", "StatefulSet"},
            )

        base = [home, *(declare(manifest, [home]) for manifest in foundation(billing))]
        self.ready: list[pulumi.Resource] = [declare(manifest, base) for manifest in workloads(billing)]
        self.register_outputs({})
