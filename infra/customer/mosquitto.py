"""The customer's MQTT broker: Mosquitto, which asks the API who may connect and to which topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    container,
    pod_template,
    service,
    volume_claim,
    workload,
)
from infra.customer.ports import API_PORT, MQTT_PORT, WEBSOCKET_PORT

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP = "mosquitto"
COMPONENT = "broker"

MOSQUITTO_USER = 1883
"""User of the upstream image. Any number would do: the broker does not look it up."""

CONFIGURATION = f"""\
# Retained messages and sessions survive a restart.
persistence true
persistence_location /mosquitto/data/
autosave_interval 60
log_dest stdout
log_type error
log_type warning
log_type notice

listener {MQTT_PORT}
listener {WEBSOCKET_PORT}
protocol websockets

# Nobody connects without credentials, and the API decides on every one of them.
allow_anonymous false
auth_plugin /mosquitto/go-auth.so
auth_opt_backends http
auth_opt_http_host api
auth_opt_http_port {API_PORT}
auth_opt_http_getuser_uri /mosquitto-auth/user
auth_opt_http_superuser_uri /mosquitto-auth/superuser
auth_opt_http_aclcheck_uri /mosquitto-auth/acl
auth_opt_http_params_mode json
auth_opt_http_response_mode status
auth_opt_http_timeout 5
"""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the broker's claim, configuration, workload and Service."""
    configuration = {"mosquitto.conf": CONFIGURATION}
    ports = {"mqtt": MQTT_PORT, "websocket": WEBSOCKET_PORT}
    image = instance.images.mosquitto
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(instance.tenant.sizes.mosquitto),
        probe={"tcpSocket": {"port": "mqtt"}, "timeoutSeconds": 5},
        mounts={"data": "/mosquitto/data", "configuration": "/etc/mosquitto"},
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=MOSQUITTO_USER,
        containers=[main],
        volumes=[
            {"name": "data", "persistentVolumeClaim": {"claimName": "mosquitto-data"}},
            {"name": "configuration", "configMap": {"name": "mosquitto"}},
        ],
        checksums={CONFIG_CHECKSUM: checksum(configuration)},
    )
    return [
        volume_claim(instance, APP, component=COMPONENT, size=instance.tenant.storage.mosquitto),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": instance.metadata(APP, app=APP, component=COMPONENT),
            "data": configuration,
        },
        workload(
            instance,
            "StatefulSet",
            APP,
            component=COMPONENT,
            image=image,
            template=template,
            strategy={"serviceName": APP},
        ),
        service(instance, APP, component=COMPONENT, ports=ports),
    ]
