"""The customer's API: REST, WebSocket, and the authority on who may use the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import migrations, mosquitto, postgres, secrets
from infra.customer.model import checksum, node_options, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    SECRETS_CHECKSUM,
    container,
    from_secret,
    http_probe,
    pod_template,
    scratch,
    service,
    workload,
)
from infra.customer.ports import API_PORT, MQTT_PORT, POSTGRES_PORT
from infra.exemptions import SECRET_IN_ENVIRONMENT
from tenants.sizing import API_LOGS

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "api"
COMPONENT: Final = "api"

API_USER: Final = 1000
"""Numeric, because the image names its user and the kubelet cannot prove a name is not root."""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the API's workload and Service."""
    ports = {"http": API_PORT}
    image = instance.images.api
    size = resources(instance.tenant.sizes.api)
    # Set aside: with less than it uses, the pod would be the first to go from a node that is full.
    size["requests"]["ephemeral-storage"] = API_LOGS
    main = container(
        APP,
        image,
        ports=ports,
        resources=size,
        probe=http_probe("/health", "http"),
        # The image writes its logs below its working directory and stops where it cannot.
        mounts={"logs": "/app/logs", "tmp": "/tmp"},  # noqa: S108 - a volume of the pod's own
        env=_environment(instance),
    )
    credentials = instance.credentials
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=API_USER,
        containers=[main],
        volumes=[*scratch("logs", size=API_LOGS), *scratch("tmp"), *migrations.volumes()],
        # The API reads its secrets and its licence once, at start: a change has to restart it.
        checksums={
            CONFIG_CHECKSUM: checksum(migrations.configuration()),
            SECRETS_CHECKSUM: checksum(
                {
                    "licence": credentials.licence,
                    "public-key": credentials.licence_public_key,
                    "database": credentials.database_api,
                    "mqtt": credentials.mqtt_api,
                    "jwt": credentials.jwt_secret,
                }
            ),
        },
        initContainers=[migrations.holder(instance)],
    )
    return [
        workload(
            instance,
            "Deployment",
            APP,
            component=COMPONENT,
            image=image,
            template=template,
            # An older API does not know the tables that a newer one leaves behind.
            strategy={"strategy": {"type": "Recreate"}},
            exempt=[SECRET_IN_ENVIRONMENT],
        ),
        service(instance, APP, component=COMPONENT, ports=ports, node_ports=_node_ports(instance)),
    ]


def _node_ports(instance: Instance) -> dict[str, int | None] | None:
    return {"http": instance.tenant.mqtt.api_node_port} if instance.node_ports else None


def _environment(instance: Instance) -> list[dict[str, Any]]:
    """Return what the API reads. The image ignores what it does not know."""
    tenant = instance.tenant
    plain = {
        "NODE_ENV": "production",
        **node_options(tenant.sizes.api),
        "PORT": str(API_PORT),
        "LOG_LEVEL": "info",
        "CUSTOMER_ID": tenant.customer_id,
        "INSTANCE_ID": tenant.id,
        "DB_HOST": postgres.APP,
        "DB_PORT": str(POSTGRES_PORT),
        "DB_NAME": postgres.DATABASE,
        "DB_USER": postgres.API_ROLE,
        # The database is one hop away inside a namespace that nothing else can enter.
        "DB_SSL": "false",
        "MQTT_BROKER_URL": _broker_url(instance),
        "MQTT_USERNAME": mosquitto.API_ACCOUNT,
    }
    if instance.billing_address is not None:
        plain["BILLING_API_URL"] = instance.billing_address
    return [{"name": name, "value": value} for name, value in plain.items()] + [
        from_secret("DB_PASSWORD", secrets.DATABASE, "api-password"),
        from_secret("JWT_SECRET", secrets.API, "jwt-secret"),
        from_secret("MQTT_PASSWORD", secrets.API, "mqtt-password"),
        from_secret("IOTISTIC_LICENSE_KEY", secrets.API, "licence"),
        from_secret("LICENSE_PUBLIC_KEY", secrets.API, "licence-public-key"),
    ]


def _broker_url(instance: Instance) -> str:
    mqtt = instance.tenant.mqtt
    if instance.own_broker:
        return f"mqtt://{mosquitto.APP}:{MQTT_PORT}"
    return f"mqtts://{mqtt.endpoint}:{mqtt.endpoint_port}"
