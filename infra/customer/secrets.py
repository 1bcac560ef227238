"""The Secrets of a customer. Each is read by as few pods as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

DATABASE: Final = "database"
API: Final = "api"
BACKUP: Final = "backup"
BROKER_TLS: Final = "broker-tls"
"""Written by cert-manager, never by this program."""


def secrets(instance: Instance) -> list[Manifest]:
    """Return the database's passwords, the API's secrets with its licence, and the backup's key."""
    credentials = instance.credentials
    found = [
        _secret(
            instance,
            DATABASE,
            {
                "superuser-password": credentials.database_superuser,
                "api-password": credentials.database_api,
                "exporter-password": credentials.database_exporter,
            },
        ),
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
    if instance.surroundings.backup_repository is not None:
        found.append(_secret(instance, BACKUP, {"password": credentials.backup}))
    return found


def _secret(instance: Instance, name: str, values: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": instance.metadata(name, app="customer-instance", component="credentials"),
        "type": "Opaque",
        "stringData": values,
    }
