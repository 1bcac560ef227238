"""The customer's database: PostgreSQL 15, one pod, one volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.customer import secrets
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    container,
    pod_template,
    scratch,
    service,
    volume_claim,
    workload,
)
from infra.customer.ports import POSTGRES_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP = "postgres"
COMPONENT = "database"
DATABASE = "iotistic"
API_ROLE = "iotistic"

POSTGRES_USER = 70
"""User ``postgres`` of the image's Alpine variant, whose name "peer" authentication needs."""

_SECRETS = "/run/secrets/database"
_DATA = "/var/lib/postgresql/data"

INIT_SCRIPT = f"""\
-- Runs once, on an empty volume, as the superuser over the local socket.
\\set ON_ERROR_STOP on
\\set password `cat {_SECRETS}/api-password`
-- The API owns its database and is no superuser. The role postgres exists besides:
-- the API's migrations grant to it by name.
CREATE ROLE {API_ROLE} LOGIN PASSWORD :'password';
CREATE DATABASE {DATABASE} OWNER {API_ROLE};
\\connect {DATABASE}
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
"""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the database's claim, first-run script, workload and Service."""
    init = {"10-api.sql": INIT_SCRIPT}
    return [
        volume_claim(instance, APP, component=COMPONENT, size=instance.tenant.storage.postgres),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": instance.metadata("postgres-init", app=APP, component=COMPONENT),
            "data": init,
        },
        _stateful_set(instance, init),
        service(instance, APP, component=COMPONENT, ports={"postgres": POSTGRES_PORT}, headless=True),
    ]


def _stateful_set(instance: Instance, init: dict[str, str]) -> Manifest:
    image = instance.images.postgres
    ready = ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={POSTGRES_PORT}", "--username=postgres"]
    main = container(
        APP,
        image,
        ports={"postgres": POSTGRES_PORT},
        resources=resources(instance.tenant.sizes.postgres),
        probe={"exec": {"command": ready}, "timeoutSeconds": 5},
        mounts={
            "data": _DATA,
            "run": "/var/run/postgresql",
            "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
            "init": "/docker-entrypoint-initdb.d",
            "database": _SECRETS,
        },
        env=_environment(),
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=POSTGRES_USER,
        containers=[main],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": "postgres-data"}},
            {"name": "init", "configMap": {"name": "postgres-init"}},
            {"name": "database", "secret": {"secretName": secrets.DATABASE, "defaultMode": 0o440}},
            *scratch("run", "tmp"),
        ],
        checksums={CONFIG_CHECKSUM: checksum(init)},
    )
    return workload(
        instance,
        "StatefulSet",
        APP,
        component=COMPONENT,
        image=image,
        template=template,
        strategy={"serviceName": APP},
    )


def _environment() -> list[dict[str, Any]]:
    """Return the image's own variables: no trust authentication, no password in the environment."""
    return [
        {"name": "POSTGRES_USER", "value": "postgres"},
        {"name": "POSTGRES_PASSWORD_FILE", "value": f"{_SECRETS}/superuser-password"},
        {"name": "POSTGRES_INITDB_ARGS", "value": "--auth-local=peer --auth-host=scram-sha-256"},
        {"name": "PGDATA", "value": f"{_DATA}/pgdata"},
    ]
