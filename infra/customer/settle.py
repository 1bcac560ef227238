"""What the API seeds into its database and cannot stay so: settled by a Job, once it is there.

The seeded broker address is ``localhost`` with a certificate whose key is published, and the
seeded log-in is ``admin`` with the password ``admin``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.customer import postgres, secrets
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    pod_template,
    scratch,
    secret_volume,
)
from infra.customer.ports import MQTT_PORT, MQTTS_PORT, POSTGRES_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "settle"
COMPONENT: Final = "bootstrap"
_CONFIG: Final = "/etc/iotistic"


def configuration(instance: Instance) -> dict[str, str]:
    """Return the Job's files, by name."""
    names = {
        "secrets": "/run/secrets/api",
        "host": postgres.APP,
        "port": POSTGRES_PORT,
        "database": postgres.DATABASE,
        "role": postgres.API_ROLE,
    }
    return {
        "broker.json": json.dumps(_broker(instance), sort_keys=True),
        "settle.sh": render("settle.sh", **{**names, "secrets": postgres.SECRETS}),
        "settle.sql": render("settle.sql", **names),
    }


def job(instance: Instance) -> Manifest:
    """Return the Job. It is made anew, and so runs again, when what it settles has changed."""
    files = configuration(instance)
    main = container(
        APP,
        instance.images.postgres,
        ports={},
        resources=resources(instance.tenant.sizes.job),
        probe=None,
        mounts={
            "config": _CONFIG,
            "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
            secrets.DATABASE: postgres.SECRETS,
            secrets.API: "/run/secrets/api",
        },
        command=["/bin/sh", f"{_CONFIG}/settle.sh"],
    )
    credentials = instance.credentials
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.postgres,
        user=postgres.POSTGRES_USER,
        containers=[main],
        volumes=[
            config_volume("config", sorted(files)),
            secret_volume(secrets.DATABASE, ["api-password"]),
            secret_volume(secrets.API, ["admin-password"]),
            *scratch("tmp"),
        ],
        checksums={
            CONFIG_CHECKSUM: checksum(files),
            SECRETS_CHECKSUM: checksum({"database": credentials.database_api, "admin": credentials.admin}),
        },
        restartPolicy="OnFailure",
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": instance.metadata(APP, app=APP, component=COMPONENT),
        "spec": {"backoffLimit": 6, "template": template},
    }


def _broker(instance: Instance) -> dict[str, object]:
    """Return where devices are told to connect: the edge, the customer's own port, or a managed broker."""
    mqtt = instance.tenant.mqtt
    if instance.node_ports:
        host, port, tls = "localhost", mqtt.node_port or MQTT_PORT, False
    elif instance.own_broker:
        host, port, tls = instance.tenant.mqtt_host(instance.surroundings.domain), MQTTS_PORT, True
    else:
        host, port, tls = str(mqtt.endpoint), mqtt.endpoint_port, True
    return {
        "protocol": "mqtts" if tls else "mqtt",
        "host": host,
        "port": port,
        "useTls": tls,
        "verifyCertificate": tls,
        # The certificate is a public one; a private authority would be named here.
        "caCert": None,
        "isActive": True,
        "isDefault": True,
    }
