"""A database: PostgreSQL 15, one pod, one volume. A customer's, or one of the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import authentication, secrets
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    http_probe,
    pod_template,
    scratch,
    secret_volume,
    service,
    volume_claim,
    workload,
)
from infra.customer.ports import POSTGRES_METRICS_PORT, POSTGRES_PORT
from tenants.sizing import WATCHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.component import Manifest
    from infra.owner import DatabaseOwner

APP: Final = "postgres"
COMPONENT: Final = "database"
DATABASE: Final = "iotistic"
API_ROLE: Final = "iotistic"
EXPORTER_ROLE: Final = "exporter"

POSTGRES_USER: Final = 70
"""User ``postgres`` of the image's Alpine variant, whose name "peer" authentication needs."""

SECRETS: Final = "/run/secrets/database"
START_SECONDS: Final = 3600
"""How long the database may take to start, in seconds.

After a crash it first repeats what its log holds, and on a full, slow volume looks at each of its
files. Stopped in the middle it would begin anew, and so never end. Whoever needs it waits.
"""

LOGIN: Final = {
    "secrets": SECRETS,
    "host": APP,
    "port": POSTGRES_PORT,
    "database": DATABASE,
    "role": API_ROLE,
}
"""How a script logs in as the API's role, for the files that are made from templates."""

_CONFIG: Final = "/etc/iotistic"
_DATA: Final = "/var/lib/postgresql/data"


def configuration(owner: DatabaseOwner) -> dict[str, str]:
    """Return the database's files, by name."""
    names = {
        "secrets": SECRETS,
        "api_role": API_ROLE,
        "exporter_role": EXPORTER_ROLE,
        "broker_role": authentication.ROLE,
        "broker": owner.broker_password is not None,
        "database": DATABASE,
    }
    return {
        "roles.sh": render("roles.sh", seconds=START_SECONDS),
        "roles.sql": render("roles.sql", **names),
        "pg_hba.conf": render("pg_hba.conf"),
    }


def manifests(owner: DatabaseOwner) -> list[Manifest]:
    """Return the database's claim, workload and Service."""
    ports = {"postgres": POSTGRES_PORT, "metrics": POSTGRES_METRICS_PORT}
    return [
        volume_claim(owner, APP, component=COMPONENT, size=owner.database_storage),
        _stateful_set(owner),
        service(owner, APP, component=COMPONENT, ports=ports),
    ]


def _stateful_set(owner: DatabaseOwner) -> Manifest:
    image = owner.images.postgres
    files = configuration(owner)
    passwords = secrets.database_passwords(owner)
    template = pod_template(
        owner,
        APP,
        component=COMPONENT,
        image=image,
        user=POSTGRES_USER,
        containers=[server(owner), _exporter(owner)],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
            config_volume("config", sorted(files)),
            secret_volume(secrets.DATABASE, sorted(passwords)),
            *scratch("run", "tmp"),
        ],
        # A password whose epoch was raised is set when the pod starts.
        checksums={CONFIG_CHECKSUM: checksum(files), SECRETS_CHECKSUM: checksum(passwords)},
    )
    return workload(
        owner,
        "StatefulSet",
        APP,
        component=COMPONENT,
        image=image,
        template=template,
        strategy={"serviceName": APP},
    )


def server(owner: DatabaseOwner) -> dict[str, Any]:
    """Return the container of the server, which settles roles and passwords whenever it starts."""
    ready = ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={POSTGRES_PORT}", "--username=postgres"]
    settings: Mapping[str, str] = {
        "hba_file": f"{_CONFIG}/pg_hba.conf",
        "password_encryption": "scram-sha-256",
        "log_statement": "none",
        "max_connections": "60",
        # A customer's runaway query ends before it fills the volume or the day.
        "temp_file_limit": "1GB",
        "idle_in_transaction_session_timeout": "10min",
    }
    return container(
        APP,
        owner.images.postgres,
        ports={"postgres": POSTGRES_PORT},
        resources=resources(owner.database_size),
        probe={"exec": {"command": ready}, "timeoutSeconds": 5},
        start_seconds=START_SECONDS,
        mounts={
            "data": _DATA,
            "run": "/var/run/postgresql",
            "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
            "config": _CONFIG,
            secrets.DATABASE: SECRETS,
        },
        env=[
            {"name": "POSTGRES_USER", "value": "postgres"},
            {"name": "POSTGRES_PASSWORD_FILE", "value": f"{SECRETS}/superuser-password"},
            {"name": "POSTGRES_INITDB_ARGS", "value": "--auth-local=peer --auth-host=scram-sha-256"},
            {"name": "PGDATA", "value": f"{_DATA}/pgdata"},
        ],
        args=["postgres", *(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))],
        lifecycle={"postStart": {"exec": {"command": ["/bin/sh", f"{_CONFIG}/roles.sh"]}}},
    )


def _exporter(owner: DatabaseOwner) -> dict[str, Any]:
    """Return the container that turns the database's own statistics into metrics."""
    return container(
        "metrics",
        owner.images.postgres_exporter,
        ports={"metrics": POSTGRES_METRICS_PORT},
        resources=resources(WATCHER),
        probe=http_probe("/", "metrics"),
        mounts={secrets.DATABASE: SECRETS},
        env=[
            {"name": "DATA_SOURCE_URI", "value": f"127.0.0.1:{POSTGRES_PORT}/{DATABASE}?sslmode=disable"},
            {"name": "DATA_SOURCE_USER", "value": EXPORTER_ROLE},
            {"name": "DATA_SOURCE_PASS_FILE", "value": f"{SECRETS}/exporter-password"},
        ],
    )
