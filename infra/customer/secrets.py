"""The Secrets of a customer. Each is read by as few pods as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

LICENCE: Final = "licence"
DATABASE: Final = "database"
API: Final = "api"


def secrets(instance: Instance) -> list[Manifest]:
    """Return the licence, the database's passwords and the API's own secrets."""
    credentials = instance.credentials
    return [
        _secret(
            instance,
            LICENCE,
            {"licence": credentials.licence, "public-key": credentials.licence_public_key},
        ),
        _secret(
            instance,
            DATABASE,
            {"superuser-password": credentials.database_superuser, "api-password": credentials.database_api},
        ),
        _secret(
            instance,
            API,
            {"jwt-secret": credentials.jwt_secret, "mqtt-password": credentials.mqtt_api},
        ),
    ]


def _secret(instance: Instance, name: str, values: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": instance.metadata(name, app="customer-instance", component="credentials"),
        "type": "Opaque",
        "stringData": values,
    }
