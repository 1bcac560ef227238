"""The customer's MQTT broker: Mosquitto, which asks the API who may connect and to which topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import authentication, postgres, secrets
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    config_volume,
    container,
    from_secret,
    pod_template,
    secret_volume,
    service,
    volume_claim,
    workload,
)
from infra.customer.ports import (
    API_PORT,
    MQTT_METRICS_PORT,
    MQTT_PORT,
    MQTTS_PORT,
    POSTGRES_PORT,
    WEBSOCKET_PORT,
)
from infra.exemptions import SECRET_IN_ENVIRONMENT, UNPROBED_WATCHER
from infra.platform.certificates_settings import ACME_ISSUER
from tenants.models import MqttMode
from tenants.sizing import WATCHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "mosquitto"
COMPONENT: Final = "broker"

MOSQUITTO_USER: Final = 1883
"""A number like any other: the image would run as root, and the broker does not look its user up."""

API_ACCOUNT: Final = "api"
"""The API's own account at its broker, instead of the image's default ``admin``."""

PACKET_KIB: Final = 128
"""What a packet may have in KiB beside its message: a topic of 64 KiB at most, and properties."""

_TLS: Final = "/run/secrets/tls"
_SCRIPTS: Final = "/etc/iotistic"
_OWN: Final = "/etc/mosquitto"
"""Where the image reads its configuration."""

_CONNECT_SECONDS: Final = 5
"""How long the plugin may wait for a connection to the database. Nobody is served meanwhile."""

_DATABASE_SECRET: Final = "/run/secrets/database"  # noqa: S105 - a folder


def configuration(instance: Instance) -> dict[str, str]:
    """Return the broker's files, by name."""
    ports = {"mqtt": MQTT_PORT, "mqtts": MQTTS_PORT, "websocket": WEBSOCKET_PORT, "api": API_PORT}
    tls = _TLS if _has_certificate(instance) else None
    asked = _database() if instance.asks_database else None
    limits = instance.tenant.plan.mqtt
    files = {
        "mosquitto.conf": render(
            "mosquitto.conf", limits=limits, packet_kib=PACKET_KIB, ports=ports, tls=tls, database=asked
        )
    }
    if asked:
        files["broker-password.sh"] = render(
            "broker-password.sh",
            given=_SCRIPTS,
            own=_OWN,
            secrets=_DATABASE_SECRET,
            key=authentication.PASSWORD_KEY,
        )
    if tls:
        files["reload.sh"] = render("reload.sh")
    return files


def _database() -> dict[str, object]:
    """Return how the broker's plugin asks the database."""
    return {
        "host": postgres.APP,
        "port": POSTGRES_PORT,
        "name": postgres.DATABASE,
        "role": authentication.ROLE,
        "queries": authentication.QUERIES,
    }


def manifests(instance: Instance) -> list[Manifest]:
    """Return the broker's claim, certificate, workload and Service."""
    found = [
        volume_claim(instance, APP, component=COMPONENT, size=instance.tenant.storage.mosquitto),
        _stateful_set(instance),
        service(instance, APP, component=COMPONENT, ports=_ports(instance)),
        *_entrance(instance),
    ]
    return [_certificate(instance), *found] if _has_certificate(instance) else found


def _entrance(instance: Instance) -> list[Manifest]:
    """Return the Service by which devices come in past the edge, where the registry says that they do.

    It is one beside the broker's own, because every port of such a Service is open to the world.
    """
    mqtt = instance.tenant.mqtt
    annotations: Mapping[str, str] = {}
    if mqtt.mode is MqttMode.NODE_PORT:
        ports = [
            {"name": name, "port": number, "targetPort": name, "protocol": "TCP", "nodePort": node_port}
            for name, number, node_port in (
                ("mqtt", MQTT_PORT, mqtt.node_port),
                ("websocket", WEBSOCKET_PORT, mqtt.websocket_node_port),
            )
        ]
        spec: dict[str, Any] = {"type": "NodePort", "ports": ports}
    elif mqtt.mode is MqttMode.DEDICATED:
        ports = [{"name": "mqtts", "port": MQTTS_PORT, "targetPort": "mqtts", "protocol": "TCP"}]
        spec = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": ports}
        annotations = instance.surroundings.balancer
    else:
        return []
    metadata = instance.metadata(
        "mosquitto-entrance", app=APP, component=COMPONENT, awaited=instance.tenant.runs
    )
    if annotations:
        metadata["annotations"] = {**annotations, **metadata.get("annotations", {})}
    spec = {**spec, "selector": instance.selector(APP)}
    return [{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}]


def _has_certificate(instance: Instance) -> bool:
    return instance.surroundings.broker_issuer is not None


def _ports(instance: Instance) -> dict[str, int]:
    ports = {"mqtt": MQTT_PORT, "websocket": WEBSOCKET_PORT, "metrics": MQTT_METRICS_PORT}
    return ports | ({"mqtts": MQTTS_PORT} if _has_certificate(instance) else {})


def _certificate(instance: Instance) -> Manifest:
    """Return the broker's own certificate, for devices that the edge passes through to it."""
    issuer = instance.surroundings.broker_issuer
    names = [instance.tenant.mqtt_host(instance.surroundings.domain)]
    if issuer != ACME_ISSUER:
        # A public authority would refuse the whole certificate for a name that is no public one.
        names.append(f"{APP}.{instance.tenant.namespace}.svc.cluster.local")
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": instance.metadata(secrets.BROKER_TLS, app=APP, component=COMPONENT),
        "spec": {
            "secretName": secrets.BROKER_TLS,
            "dnsNames": names,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer},
        },
    }


def _stateful_set(instance: Instance) -> Manifest:
    image = instance.images.mosquitto
    files = configuration(instance)
    containers = [_broker(instance), _exporter(instance)]
    volumes: list[dict[str, Any]] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
    ]
    more: dict[str, Any] = {}
    if instance.asks_database:
        volumes += [
            {"name": "config", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            config_volume("given", ["broker-password.sh", "mosquitto.conf"]),
            secret_volume(secrets.DATABASE, [authentication.PASSWORD_KEY]),
        ]
        more["initContainers"] = [_password(instance)]
    else:
        volumes.append(config_volume("config", ["mosquitto.conf"]))
    if _has_certificate(instance):
        containers.append(_reloader(instance))
        volumes += [
            secret_volume(secrets.BROKER_TLS, ["tls.crt", "tls.key"]),
            config_volume("scripts", ["reload.sh"]),
        ]
        # The container that tells the broker of a new certificate has to see its process.
        more["shareProcessNamespace"] = True
    read = {"mqtt-password": instance.credentials.mqtt_api}
    if instance.asks_database:
        read[authentication.PASSWORD_KEY] = instance.credentials.database_broker
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=MOSQUITTO_USER,
        containers=containers,
        volumes=volumes,
        # Metrics are read with a password that is taken once, at start. The pod is all that can be restarted.
        checksums={CONFIG_CHECKSUM: checksum(files), SECRETS_CHECKSUM: checksum(read)},
        **more,
    )
    return workload(
        instance,
        "StatefulSet",
        APP,
        component=COMPONENT,
        image=image,
        template=template,
        strategy={"serviceName": APP},
        exempt=[SECRET_IN_ENVIRONMENT, *([UNPROBED_WATCHER] if _has_certificate(instance) else [])],
    )


def _password(instance: Instance) -> dict[str, Any]:
    """Return the container that writes the configuration with the password for the database."""
    return container(
        "password",
        instance.images.mosquitto,
        ports={},
        resources=resources(WATCHER),
        probe=None,
        mounts={"config": _OWN, "given": _SCRIPTS, secrets.DATABASE: _DATABASE_SECRET},
        command=["/bin/sh", f"{_SCRIPTS}/broker-password.sh"],
    )


def _broker(instance: Instance) -> dict[str, Any]:
    ports = _ports(instance)
    del ports["metrics"]
    mounts = {"data": "/mosquitto/data", "config": _OWN}
    if _has_certificate(instance):
        mounts[secrets.BROKER_TLS] = _TLS
    asks = instance.asks_database
    return container(
        APP,
        instance.images.mosquitto,
        ports=ports,
        resources=resources(instance.tenant.sizes.mosquitto),
        probe={"tcpSocket": {"port": "mqtt"}, "timeoutSeconds": 5},
        mounts=mounts,
        # The plugin has no option for it, but the library that it asks with has.
        env=[{"name": "PGCONNECT_TIMEOUT", "value": str(_CONNECT_SECONDS)}] if asks else [],
    )


def _exporter(instance: Instance) -> dict[str, Any]:
    """Return the container that turns the broker's $SYS topics into metrics."""
    return container(
        "metrics",
        instance.images.mosquitto_exporter,
        ports={"metrics": MQTT_METRICS_PORT},
        resources=resources(WATCHER),
        probe={"tcpSocket": {"port": "metrics"}, "timeoutSeconds": 5},
        mounts={},
        env=[
            {"name": "BROKER_ENDPOINT", "value": f"tcp://127.0.0.1:{MQTT_PORT}"},
            {"name": "MQTT_USER", "value": API_ACCOUNT},
            from_secret("MQTT_PASS", secrets.API, "mqtt-password"),
        ],
    )


def _reloader(instance: Instance) -> dict[str, Any]:
    """Return the container that tells the broker of a renewed certificate."""
    return container(
        "reload",
        instance.images.mosquitto,
        ports={},
        resources=resources(WATCHER),
        probe=None,
        mounts={secrets.BROKER_TLS: _TLS, "scripts": _SCRIPTS},
        command=["/bin/sh", f"{_SCRIPTS}/reload.sh"],
    )
