"""What is known of managed MQTT brokers by their host names: endpoints at which nothing could ever connect.

docs/guides/managed-mqtt.md says what each service lacks beside, and what has to be set up in it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final, NamedTuple

from tenants.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.models import Mqtt
    from tenants.yaml_source import Document

PLAIN_PORT: Final = 1883
"""Registered for MQTT without TLS."""

WEBSOCKET_PORTS: Final = {
    ".hivemq.cloud": ("HiveMQ Cloud", 8884),
    ".eventgrid.azure.net": ("Azure Event Grid", 443),
}
"""By the end of a service's host names: the port where it speaks MQTT in WebSockets and nothing else."""


_PRIVATE_NETWORKS: Final = tuple(
    IPv4Network(network) for network in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Where others run brokers. Link-local addresses are the node's own, and the cloud's metadata."""


class _Host(NamedTuple):
    what: str
    why: str
    how: str


_HUB: Final = _Host(
    "is an IoT hub of Azure, which is no full MQTT broker",
    "it takes its own topics only, so no device could publish under those of the API",
    "use a namespace of Azure Event Grid, or another broker",
)
_OLD_CERTIFICATE: Final = _Host(
    "is the older of the two endpoints of AWS IoT Core",
    "its certificate is of an authority that systems no longer trust, so every device would refuse it",
    "use the one that has -ats in its name: aws iot describe-endpoint --endpoint-type iot:Data-ATS",
)


def endpoint_problems(mqtt: Mqtt, document: Document) -> Iterator[Problem]:
    """Yield why a managed broker's host and port cannot be the right ones.

    Args:
        mqtt: The choice, whose mode is ``managed``.
        document: Where it stands.
    """
    if mqtt.endpoint is None:
        yield Problem(
            where=document.where("mqtt", "endpoint"),
            what="the mode managed needs mqtt.endpoint",
            why="devices would be sent to a broker that is not there",
            how="add the managed broker's host name",
        )
        return
    host = _refused(mqtt.endpoint)
    if host is not None:
        yield Problem(
            where=document.where("mqtt", "endpoint"),
            what=f"{mqtt.endpoint} {host.what}",
            why=host.why,
            how=host.how,
        )
    if mqtt.endpoint_port == PLAIN_PORT:
        yield Problem(
            where=document.where("mqtt", "endpoint_port"),
            what=f"{PLAIN_PORT} is the port of MQTT without TLS",
            why="the API and the devices begin with TLS, so none of them would be understood there",
            how="delete the line if the broker has TLS at 8883, else write the port at which it has",
        )
    for end, (service, port) in WEBSOCKET_PORTS.items():
        if mqtt.endpoint.endswith(end) and mqtt.endpoint_port == port:
            yield Problem(
                where=document.where("mqtt", "endpoint_port"),
                what=f"at {port} {service} speaks MQTT in WebSockets",
                why="the API and the devices speak MQTT in TLS, so none of them would be understood there",
                how="delete the line: the service has MQTT in TLS at 8883",
            )


def address_problems(address: str, document: Document) -> Iterator[Problem]:
    """Yield why a customer's pods may not be let out to the address of a managed broker.

    Args:
        address: The address that the tenant names.
        document: Where it stands.
    """
    if not any(IPv4Address(address) in network for network in _PRIVATE_NETWORKS):
        yield Problem(
            where=document.where("mqtt", "endpoint_address"),
            what=f"{address} is no address of a broker in a private network",
            why="the customer's pods would be let out to it: services of the node, or the cloud's metadata",
            how="give the broker's address in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10; "
            "for a broker on the internet delete the line",
        )


def _refused(host: str) -> _Host | None:
    if host.endswith(".azure-devices.net"):
        return _HUB
    # <account>.iot.<region>.amazonaws.com; names with more labels are those of configurations of one's own.
    account, *rest = host.split(".")
    of_aws = (rest[:1], rest[2:]) == (["iot"], ["amazonaws", "com"])
    return _OLD_CERTIFICATE if of_aws and not account.endswith("-ats") else None
