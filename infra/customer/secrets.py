"""The Secrets of a customer. Each is read by as few pods as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import authentication

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.owner import BackupOwner, DatabaseOwner, Owner

APP: Final = "customer-instance"

DATABASE: Final = "database"
API: Final = "api"
BACKUP: Final = "backup"
NODE_RED: Final = "node-red"
GRAFANA: Final = "grafana"
FORMER_ADMIN: Final = "former-admin-passwords"
"""Key of the passwords that the dashboard's ``admin`` had in earlier epochs, in the API's Secret."""

BROKER_TLS: Final = "broker-tls"
"""Written by cert-manager, never by this program."""


def secrets(instance: Instance) -> list[Manifest]:
    """Return the database's passwords, the API's secrets with its licence, and those of the options."""
    credentials = instance.credentials
    found = [
        database_secret(instance),
        opaque(
            instance,
            API,
            {
                "licence": credentials.licence,
                "licence-public-key": credentials.licence_public_key,
                "jwt-secret": credentials.jwt_secret,
                "mqtt-password": credentials.mqtt_api,
                "admin-password": credentials.admin,
                FORMER_ADMIN: credentials.former_admin,
            },
        ),
    ]
    if instance.surroundings.backups:
        found.append(backup_secret(instance))
    if instance.tenant.options.node_red:
        values = {
            "admin-password": credentials.node_red_admin,
            "credential-key": credentials.node_red_key,
            "mqtt-password": credentials.mqtt_node_red,
        }
        found.append(opaque(instance, NODE_RED, values))
    if instance.tenant.options.grafana:
        values = {"admin-password": credentials.grafana_admin, "secret-key": credentials.grafana_key}
        found.append(opaque(instance, GRAFANA, values))
    return found


def database_passwords(owner: DatabaseOwner) -> dict[str, str]:
    """Return the passwords of the database's roles, by their key in the Secret."""
    credentials = owner.credentials
    found = {
        "superuser-password": credentials.database_superuser,
        "api-password": credentials.database_api,
        "exporter-password": credentials.database_exporter,
    }
    if owner.broker_password is not None:
        found[authentication.PASSWORD_KEY] = owner.broker_password
    return found


def database_secret(owner: DatabaseOwner, *, app: str = APP) -> Manifest:
    """Return the Secret with a database's passwords; ``app`` is whose it is, for labels."""
    return opaque(owner, DATABASE, database_passwords(owner), app=app)


def backup_passwords(owner: BackupOwner) -> dict[str, str]:
    """Return what opens the repository of the backups, by its key in the Secret.

    A former password does until a backup has put the present one in its place.
    """
    credentials = owner.credentials
    former = {f"former-{number}": it for number, it in enumerate(credentials.former_backups, start=1)}
    return {"password": credentials.backup, **former}


def backup_secret(owner: BackupOwner, *, app: str = APP) -> Manifest:
    """Return the Secret of the backups; ``app`` is whose it is, for labels.

    It has the repository's passwords, and what the store lets in where somebody else made it.
    """
    return opaque(owner, BACKUP, {**backup_passwords(owner), **owner.backup_access.credentials}, app=app)


def opaque(owner: Owner, name: str, values: dict[str, str], *, app: str = APP) -> Manifest:
    """Return a Secret.

    Args:
        owner: Whose it is.
        name: Its name.
        values: What is secret, by key.
        app: What it belongs to, for labels.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": owner.metadata(name, app=app, component="credentials"),
        "type": "Opaque",
        "stringData": values,
    }
