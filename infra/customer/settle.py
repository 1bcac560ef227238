"""What the API seeds into its database and cannot stay so: settled by a Job, once it is there.

The seeded broker address is ``localhost`` with a certificate whose key is published, and the
seeded log-in is ``admin`` with the password ``admin``. A password that this Job set in an earlier
epoch is no better: it is replaced too. One that the customer chose stays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra import exemptions
from infra.customer import authentication, migrations, nodered, postgres, secrets
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
from infra.customer.ports import MQTT_PORT, MQTTS_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "settle"
COMPONENT: Final = "bootstrap"
DEVICE_TOPICS: Final = "iot/device/#"
"""Where every device talks, below its own id."""

_CONFIG: Final = "/etc/iotistic"
_SECRETS: Final = "/run/secrets/api"


def configuration(instance: Instance) -> dict[str, str]:
    """Return the Job's files, by name."""
    names = {
        "node_red": _has_account(instance),
        "broker_role": authentication.ROLE if instance.asks_database else None,
        "node_red_account": nodered.BROKER_ACCOUNT,
        "node_red_secrets": nodered.SECRETS,
        "device_topics": DEVICE_TOPICS,
        "lock": migrations.LOCK,
    }
    return {
        "broker.json": json.dumps(_broker(instance), sort_keys=True),
        "settle.sh": render("settle.sh", **names, **postgres.LOGIN),
        "settle.sql": render("settle.sql", **names, secrets=_SECRETS, former=secrets.FORMER_ADMIN),
    }


def job(instance: Instance) -> Manifest:
    """Return the Job. It is made anew, and so runs again, when what it settles has changed."""
    files = configuration(instance)
    credentials = instance.credentials
    mounts = {
        "config": _CONFIG,
        "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
        secrets.DATABASE: postgres.SECRETS,
        secrets.API: _SECRETS,
    }
    volumes = [
        config_volume("config", sorted(files)),
        secret_volume(secrets.DATABASE, ["api-password"]),
        secret_volume(secrets.API, ["admin-password", secrets.FORMER_ADMIN]),
        *scratch("tmp"),
    ]
    read = {
        "database": credentials.database_api,
        "admin": credentials.admin,
        "former-admin": credentials.former_admin,
    }
    if _has_account(instance):
        mounts[secrets.NODE_RED] = nodered.SECRETS
        volumes.append(secret_volume(secrets.NODE_RED, ["mqtt-password"]))
        read["node-red"] = credentials.mqtt_node_red
    main = container(
        APP,
        instance.images.postgres,
        ports={},
        resources=resources(instance.tenant.sizes.job),
        probe=None,
        mounts=mounts,
        command=["/bin/sh", f"{_CONFIG}/settle.sh"],
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.postgres,
        user=postgres.POSTGRES_USER,
        containers=[main],
        volumes=volumes,
        checksums={CONFIG_CHECKSUM: checksum(files), SECRETS_CHECKSUM: checksum(read)},
        restartPolicy="OnFailure",
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **instance.metadata(APP, app=APP, component=COMPONENT),
            "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_POD),
        },
        "spec": {"backoffLimit": 6, "template": template},
    }


def _has_account(instance: Instance) -> bool:
    """Return whether Node-RED is a user of the customer's own broker; a managed one knows its own users."""
    return instance.tenant.options.node_red and instance.own_broker


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
