"""The Secrets of a customer. Each is read by as few pods as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import authentication

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

DATABASE: Final = "database"
API: Final = "api"
BACKUP: Final = "backup"
NODE_RED: Final = "node-red"
GRAFANA: Final = "grafana"
BROKER_TLS: Final = "broker-tls"
"""Written by cert-manager, never by this program."""


def secrets(instance: Instance) -> list[Manifest]:
    """Return the database's passwords, the API's secrets with its licence, and those of the options."""
    credentials = instance.credentials
    found = [
        _secret(instance, DATABASE, database_passwords(instance)),
        _secret(
            instance,
            API,
            {
                "licence": credentials.licence,
                "licence-public-key": credentials.licence_public_key,
                "jwt-secret": credentials.jwt_secret,
                "mqtt-password": credentials.mqtt_api,
                "admin-password": credentials.admin,
            },
        ),
    ]
    if instance.surroundings.backups:
        found.append(_secret(instance, BACKUP, {"password": credentials.backup}))
    if instance.tenant.options.node_red:
        values = {
            "admin-password": credentials.node_red_admin,
            "credential-key": credentials.node_red_key,
            "mqtt-password": credentials.mqtt_node_red,
        }
        found.append(_secret(instance, NODE_RED, values))
    if instance.tenant.options.grafana:
        values = {"admin-password": credentials.grafana_admin, "secret-key": credentials.grafana_key}
        found.append(_secret(instance, GRAFANA, values))
    return found


def database_passwords(instance: Instance) -> dict[str, str]:
    """Return the passwords of the database's roles, by their key in the Secret."""
    credentials = instance.credentials
    found = {
        "superuser-password": credentials.database_superuser,
        "api-password": credentials.database_api,
        "exporter-password": credentials.database_exporter,
    }
    if authentication.asks_database(instance):
        found[authentication.PASSWORD_KEY] = credentials.database_broker
    return found


def _secret(instance: Instance, name: str, values: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": instance.metadata(name, app="customer-instance", component="credentials"),
        "type": "Opaque",
        "stringData": values,
    }
