"""The names of the dev environment, for machines whose resolver does not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.platform.dns import EDGE_HOST, INGRESS_HOSTS
from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenants.tenant import Tenant

LOOPBACK: Final = "127.0.0.1"
"""Where kind, Docker Desktop and forwarded ports are."""


def host_names(tenants: Iterable[Tenant], *, domain: str) -> list[str]:
    """Return every name that leads to the environment: the platform's, then each customer's.

    A hosts file knows no wildcard, so each name is there by itself. A managed broker has a name of
    its own, which is somebody else's.
    """
    names = [f"{host}.{domain}" for host in (*INGRESS_HOSTS, EDGE_HOST) if host != "*"]
    for tenant in tenants:
        names += [tenant.host(domain), *tenant.extra_hosts]
        if tenant.mqtt.mode is not MqttMode.MANAGED:
            names.append(tenant.mqtt_host(domain))
    return names
