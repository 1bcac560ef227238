"""Billing's Redis: the queue of what is to be done, in one pod with one volume."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from infra.customer.model import checksum
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    pod_template,
    secret_volume,
    service,
    volume_claim,
    workload,
)
from infra.customer.secrets import opaque

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.platform.billing_model import Billing

APP: Final = "redis"
COMPONENT: Final = "queue"
PORT: Final = 6379

REDIS_USER: Final = 999
"""User of the upstream image."""

_SECRETS: Final = "/run/secrets/redis"
_USERS: Final = "users.acl"
_CONFIG: Final = "/etc/iotistic"
_FILE: Final = "redis.conf"
_DATA: Final = "/data"
_ANSWER: Final = f"redis-cli -p {PORT} ping | grep -qE 'PONG|NOAUTH'"
"""A server that asks for the password works; one that still loads its data does not."""


def configuration() -> dict[str, str]:
    """Return Redis's file, by its name."""
    settings = {
        "port": str(PORT),
        "aclfile": f"{_SECRETS}/{_USERS}",
        "dir": _DATA,
        "appendonly": "yes",
        # A queue that forgets what is to be done is worse than one that takes no more.
        "maxmemory": "200mb",
        "maxmemory-policy": "noeviction",
    }
    return {_FILE: "".join(f"{key} {value}\n" for key, value in settings.items())}


def secret(billing: Billing) -> Manifest:
    """Return the Secret with Redis's users: one, who is known by the digest of the password."""
    return opaque(billing, APP, _users(billing), app=APP)


def manifests(billing: Billing) -> list[Manifest]:
    """Return the claim, the workload and the Service."""
    return [
        volume_claim(billing, APP, component=COMPONENT, size="1Gi"),
        _stateful_set(billing),
        service(billing, APP, component=COMPONENT, ports={"redis": PORT}),
    ]


def _users(billing: Billing) -> dict[str, str]:
    digest = hashlib.sha256(billing.credentials.redis.encode()).hexdigest()
    return {_USERS: f"user default on #{digest} ~* &* +@all -@admin\n"}


def _stateful_set(billing: Billing) -> Manifest:
    template = pod_template(
        billing,
        APP,
        component=COMPONENT,
        image=billing.redis_image,
        user=REDIS_USER,
        containers=[_server(billing)],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
            config_volume("config", [_FILE]),
            secret_volume(APP, [_USERS]),
        ],
        checksums={
            CONFIG_CHECKSUM: checksum(configuration()),
            SECRETS_CHECKSUM: checksum(_users(billing)),
        },
    )
    return workload(
        billing,
        "StatefulSet",
        APP,
        component=COMPONENT,
        image=billing.redis_image,
        template=template,
        strategy={"serviceName": APP},
    )


def _server(billing: Billing) -> dict[str, Any]:
    return container(
        APP,
        billing.redis_image,
        ports={"redis": PORT},
        resources={
            "requests": {"cpu": "20m", "memory": "64Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi"},
        },
        probe={"exec": {"command": ["sh", "-c", _ANSWER]}, "timeoutSeconds": 5},
        mounts={"data": _DATA, "config": _CONFIG, APP: _SECRETS},
        args=["redis-server", f"{_CONFIG}/{_FILE}"],
    )
