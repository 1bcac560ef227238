"""The configuration of the MQTT edge's HAProxy, from a few settings.

It mentions no customer: the broker of a connection follows from the name in the TLS
handshake, through the cluster's DNS. ``files/haproxy.cfg.j2`` says how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from infra.customer.ports import MQTT_PORT, MQTTS_PORT
from tenants.fields import TENANT_ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.platform.edge_settings import EdgeSettings

FILES: Final = Path(__file__).parent / "files"

METRICS_PORT: Final = 8404
BROKER_PORTS: Final = {"terminate": MQTT_PORT, "passthrough": MQTTS_PORT}
"""Where the brokers listen: in clear where the edge has taken TLS off, else with TLS of their own."""

CONFIGURATION_DIRECTORY: Final = "/etc/haproxy"
CERTIFICATE_DIRECTORY: Final = "/etc/haproxy/tls"

_REFUSALS: Final = ("no_name", "foreign_name", "unknown_customer", "customer_limit")
_PASSTHROUGH_REFUSALS: Final = ("not_tls", *_REFUSALS)

HANDSHAKE_SECONDS: Final = 10
"""How long a client may take until it is known where it belongs."""

MARGIN_SECONDS: Final = 30
"""Added to one and a half times the keepalive, for slow networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process listens, what it asks and which files it reads.

    The defaults are those of a pod. As a plain process it has other ones.

    Attributes:
        address: Address of IPv4 it listens on. Empty: all.
        address6: Address of IPv6 it listens on, where it does.
        port: Port of MQTT over TLS.
        metrics_port: Port of metrics, statistics and health.
        nameserver: Address and port of the cluster's DNS. None: from /etc/resolv.conf.
        certificate: File of the certificate. Its key is beside it, as ``.key``.
        certificate_watch: The program that notices a renewed certificate.
        certificate_watch_seconds: How often it looks.
    """

    address: str = ""
    address6: str = "::"
    port: int = MQTTS_PORT
    metrics_port: int = METRICS_PORT
    nameserver: str | None = None
    certificate: str = f"{CERTIFICATE_DIRECTORY}/tls.crt"
    certificate_watch: str = f"{CONFIGURATION_DIRECTORY}/certificates.lua"
    certificate_watch_seconds: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What the configuration is made from.

    Attributes:
        domain: The customers' domain.
        settings: What the stack chose.
        balancer: What the cloud's balancer has to be told in any case.
        place: Where the process listens, what it asks and which files it reads.
    """

    domain: str
    settings: EdgeSettings
    balancer: Mapping[str, str] = field(default_factory=dict)
    place: Place = field(default_factory=Place)


def tunnel_seconds(max_keepalive: int) -> int:
    """Return how long an accepted connection may be silent before it is closed.

    MQTT lets a client be silent for one and a half times its keepalive (MQTT 5.0, 3.1.2.10).
    """
    return max_keepalive * 3 // 2 + MARGIN_SECONDS


def refusals(mode: str) -> tuple[str, ...]:
    """Return why a connection can be refused; each reason is counted under its own name.

    Where TLS ends at the edge, what is not TLS never becomes a connection to be judged.
    """
    return _REFUSALS if mode == "terminate" else _PASSTHROUGH_REFUSALS


def render(edge: Edge) -> str:
    """Return the configuration file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FILES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - not HTML, and every value is checked by EdgeSettings
    )
    settings, place = edge.settings, edge.place
    suffix = re.escape(f".{edge.domain}")
    identifier = TENANT_ID_PATTERN.removeprefix("^").removesuffix("$")
    return environment.get_template("haproxy.cfg.j2").render(
        mode=settings.mode,
        limits=settings.limits,
        max_connections=settings.max_connections,
        threads=settings.threads,
        drain_seconds=settings.drain_seconds,
        default_customer=settings.default_customer,
        proxy_protocol=settings.proxy_protocol,
        cluster_domain=settings.cluster_domain,
        handshake_seconds=HANDSHAKE_SECONDS,
        tunnel_seconds=tunnel_seconds(settings.max_keepalive_seconds),
        broker_port=BROKER_PORTS[settings.mode],
        refusals=refusals(settings.mode),
        # "\A" and "\z" and not "^" and "$": the latter also matches before a line's end.
        name_pattern=f"'\\Amqtt-{identifier}{suffix}\\z'",
        address=place.address,
        address6=place.address6,
        ipv6=settings.ipv6,
        port=place.port,
        metrics_port=place.metrics_port,
        nameserver=place.nameserver,
        certificate=place.certificate,
        certificate_watch=place.certificate_watch,
        certificate_watch_seconds=place.certificate_watch_seconds,
    )


def configuration_files(edge: Edge) -> dict[str, str]:
    """Return every file of the configuration folder, by name."""
    files = {"haproxy.cfg": render(edge)}
    if edge.settings.mode == "terminate":
        files["certificates.lua"] = (FILES / "certificates.lua").read_text(encoding="utf-8")
    return files
