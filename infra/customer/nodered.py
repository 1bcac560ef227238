"""Node-RED, an option: the customer's own flow editor, beside the dashboard at ``/nodered``.

Whoever may edit flows may run code in this pod. So the pod has nothing that is not the
customer's, reaches the customer's own broker and API and nothing else, and installs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import api, mosquitto, secrets
from infra.customer.files import render
from infra.customer.model import checksum, node_options, resources
from infra.customer.optional import with_volume
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    from_secret,
    http_probe,
    pod_template,
    scratch,
    secret_volume,
)
from infra.customer.ports import API_PORT, MQTT_PORT, NODE_RED_PORT
from infra.exemptions import SECRET_IN_ENVIRONMENT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "node-red"
COMPONENT: Final = "flows"
PATH: Final = "/nodered"
"""Where it is on the customer's host; what its flows serve over HTTP is below it."""

BROKER_ACCOUNT: Final = "node-red"
"""Its own account at the broker, which sees the devices' topics and no more."""

NODE_RED_USER: Final = 1000
"""The image's own user."""

SECRETS: Final = "/run/secrets/node-red"
_PROGRAM: Final = "/usr/src/node-red/node_modules/node-red/red.js"
_CONFIG: Final = "/etc/iotistic"
_DATA: Final = "/data"


def configuration() -> dict[str, str]:
    """Return Node-RED's files, by name."""
    return {"settings.js": render("settings.js", path=PATH, port=NODE_RED_PORT, secrets=SECRETS)}


def manifests(instance: Instance) -> list[Manifest]:
    """Return Node-RED's claim, workload and Service."""
    ports = {"http": NODE_RED_PORT}
    return with_volume(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.node_red,
        size=instance.tenant.storage.node_red,
        ports=ports,
        template=_template(instance, ports),
        exempt=[SECRET_IN_ENVIRONMENT],
    )


def _template(instance: Instance, ports: dict[str, int]) -> dict[str, Any]:
    image = instance.images.node_red
    read = {
        "admin-password": instance.credentials.node_red_admin,
        "credential-key": instance.credentials.node_red_key,
    }
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(instance.tenant.sizes.node_red),
        probe=http_probe(f"{PATH}/", "http"),
        mounts={
            "data": _DATA,
            "config": _CONFIG,
            "tmp": "/tmp",  # noqa: S108 - a volume of the pod's own
            secrets.NODE_RED: SECRETS,
        },
        env=_environment(instance),
        # Not by the image's script, which keeps the shell as the process that is told to stop.
        command=["node", _PROGRAM, "--userDir", _DATA, "--settings", f"{_CONFIG}/settings.js"],
    )
    return pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=NODE_RED_USER,
        containers=[main],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
            config_volume("config", sorted(configuration())),
            secret_volume(secrets.NODE_RED, sorted(read)),
            *scratch("tmp"),
        ],
        checksums={
            CONFIG_CHECKSUM: checksum(configuration()),
            SECRETS_CHECKSUM: checksum({**read, "mqtt-password": instance.credentials.mqtt_node_red}),
        },
    )


def _environment(instance: Instance) -> list[dict[str, Any]]:
    """Return what flows can name as ``${MQTT_HOST}`` and so on, credentials of nodes included."""
    mqtt = instance.tenant.mqtt
    host, port = (
        (mosquitto.APP, MQTT_PORT) if instance.own_broker else (str(mqtt.endpoint), mqtt.endpoint_port)
    )
    plain = {
        **node_options(instance.tenant.sizes.node_red),
        "HOME": _DATA,
        "MQTT_HOST": host,
        "MQTT_PORT": str(port),
        "MQTT_USERNAME": BROKER_ACCOUNT,
        "IOTISTIC_API_URL": f"http://{api.APP}:{API_PORT}",
    }
    variables = [{"name": name, "value": value} for name, value in plain.items()]
    return [*variables, from_secret("MQTT_PASSWORD", secrets.NODE_RED, "mqtt-password")]
