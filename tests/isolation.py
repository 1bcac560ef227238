"""Who may connect to whom: the one table behind the page, the rules for policies and the packets.

``tests/unit/infra/test_isolation.py`` holds every rendered policy against it and writes
``docs/reference/isolation.md`` from it; ``tests/node/test_isolation.py`` holds packets against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.customer.backup import VOLUME
from ops.markdown import table
from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infra.customer.model import Instance

Endpoint = tuple[str, int]
"""A place, and a port there."""

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    ("postgres", 5432),
    ("postgres", 9187),
    ("mosquitto", 1883),
    ("mosquitto", 8883),
    ("mosquitto", 9001),
    ("mosquitto", 9234),
    ("api", 3002),
    ("dashboard", 80),
    ("exporter", 9090),
    ("node-red", 1880),
    ("prometheus", 9090),
    ("grafana", 3000),
    ("solver", 8089),
)
"""Every port that a customer's pods listen on, with every option."""

ANOTHER: Final = "another pod of the customer's"
APPS: Final = (
    "api",
    "settle",
    "dashboard",
    "mosquitto",
    "postgres",
    "backup",
    "exporter",
    "node-red",
    "prometheus",
    "grafana",
    "solver",
    ANOTHER,
)
"""The kinds of pods in a customer's namespace."""

OTHER: Final = "another customer"
INGRESS: Final = "ingress controller"
EDGE: Final = "MQTT edge"
MONITORING: Final = "monitoring"
BILLING: Final = "billing"
DNS: Final = "cluster DNS"
STRANGER: Final = "any other namespace"
API_SERVER: Final = "API server"
MANAGED_BROKER: Final = "the broker's private address"
METADATA: Final = "the node's credentials"
INTERNET: Final = "the internet"
ELSEWHERE: Final = (
    OTHER,
    INGRESS,
    EDGE,
    MONITORING,
    BILLING,
    DNS,
    STRANGER,
    API_SERVER,
    METADATA,
    MANAGED_BROKER,
    INTERNET,
)
"""Everywhere else. The node of a pod is none of these: it asks for health and reaches everything there."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a customer or a stack may be, that others are not.

    Attributes:
        text: What it is.
        holds: Whether an instance is so.
    """

    text: str
    holds: Callable[[Instance], bool]


def _store_has_credentials(instance: Instance) -> bool:
    route = instance.surroundings.backup_route
    return route is not None and route.credentials is not None


MANAGED: Final = Case(
    "the broker is somebody else's",
    lambda instance: not instance.own_broker and instance.tenant.mqtt.endpoint_address is None,
)
MANAGED_INSIDE: Final = Case(
    "it is somebody else's, in a private network",
    lambda instance: not instance.own_broker and instance.tenant.mqtt.endpoint_address is not None,
)
DEDICATED: Final = Case(
    "the customer has an entrance of their own",
    lambda instance: instance.tenant.mqtt.mode is MqttMode.DEDICATED,
)
NODE_PORTS: Final = Case(
    "the customer is reached by ports of the nodes, on a laptop", lambda instance: instance.node_ports
)
WEB_PROOF: Final = Case("certificates are proved by a web page", lambda instance: instance.answers_authority)
WATCHED: Final = Case(
    "there is a Prometheus that knows what customers use",
    lambda instance: instance.surroundings.prometheus is not None,
)
BILLED: Final = Case(
    "the stack runs the billing service",
    lambda instance: instance.surroundings.billing_port is not None,
)
ASKS_DATABASE: Final = Case("the broker asks the database", lambda instance: instance.asks_database)
REMOTE: Final = Case(
    "backups leave the cluster",
    lambda instance: instance.surroundings.backups and instance.surroundings.backup_repository != VOLUME,
)
CREDENTIALS: Final = Case("they go to a store for which nodes hand out credentials", _store_has_credentials)


@dataclass(frozen=True, slots=True)
class Way:
    """A connection that is let through.

    Attributes:
        source: Where from.
        target: Where to.
        ports: Which ports there, by TCP; for DNS by UDP too.
        only: Where alone it is open, or None for everywhere that both ends exist.
        unless: Where it is not open all the same.
    """

    source: str
    target: str
    ports: tuple[int, ...]
    only: Case | None = None
    unless: Case | None = None


EVERYBODY: Final = tuple(place for place in ELSEWHERE if place != OTHER)
"""Who comes in where a policy names every address. Another customer's pods do not get out to there."""

WAYS: Final = (
    *(Way(app, DNS, (53,)) for app in APPS),
    Way("mosquitto", "api", (3002,), unless=ASKS_DATABASE),
    Way("mosquitto", "postgres", (5432,), ASKS_DATABASE),
    Way("exporter", "api", (3002,)),
    Way("node-red", "api", (3002,)),
    # The Job that settles the API's first data shares the API's policy. It listens nowhere.
    *(Way(INGRESS, app, (3002,)) for app in ("api", "settle")),
    *(Way(place, app, (3002,), NODE_PORTS) for app in ("api", "settle") for place in EVERYBODY),
    Way("settle", "mosquitto", (1883,), NODE_PORTS),
    Way("dashboard", "api", (3002,), NODE_PORTS),
    *(Way(app, "postgres", (5432,)) for app in ("api", "settle")),
    *(Way(app, "mosquitto", (1883,)) for app in ("api", "node-red")),
    *(Way(app, INTERNET, (8883,), MANAGED) for app in ("api", "settle", "node-red")),
    *(Way(app, MANAGED_BROKER, (8883,), MANAGED_INSIDE) for app in ("api", "settle", "node-red")),
    Way(INGRESS, "dashboard", (80,)),
    Way(INGRESS, "node-red", (1880,)),
    Way(INGRESS, "grafana", (3000,)),
    Way(INGRESS, "solver", (8089,), WEB_PROOF),
    Way(EDGE, "mosquitto", (1883, 8883, 9001)),
    *(Way(watcher, "postgres", (9187,)) for watcher in (MONITORING, "prometheus")),
    *(Way(watcher, "mosquitto", (9234,)) for watcher in (MONITORING, "prometheus")),
    Way("grafana", "prometheus", (9090,)),
    Way("exporter", MONITORING, (9090,), WATCHED),
    Way("exporter", INTERNET, (443,), unless=BILLED),
    *(Way(app, BILLING, (3100,), BILLED) for app in ("api", "settle", "exporter")),
    Way("backup", "postgres", (5432,)),
    Way("backup", INTERNET, (443,), REMOTE),
    Way("backup", METADATA, (80,), CREDENTIALS),
    *(Way(place, "mosquitto", (8883,), DEDICATED) for place in EVERYBODY),
    *(Way(place, "mosquitto", (1883, 8883, 9001), NODE_PORTS) for place in EVERYBODY),
    *(Way(place, "dashboard", (80,), NODE_PORTS) for place in EVERYBODY),
)
"""All there is. What is not here is refused."""


def reached_from(source: str, ways: Iterable[Way] = WAYS) -> set[Endpoint]:
    """Return where a place may connect to, whatever the customer is."""
    return {
        (way.target, port) for way in ways if way.source == source and way.only is None for port in way.ports
    }


PAGE: Final = """\
# Who may connect to whom

<!-- Generated from tests/isolation.py: change that, then run make golden. -->

Everything is refused both ways, then exactly these connections are opened, each for TCP; DNS for UDP too.
What is not in a table is refused. A test holds the rendered policies against this table, for every option and
every kind of broker, by the rules of Kubernetes. Another sends packets on a real node (`make node`), where
probes stand in for options, and what is open only for some is tried with customers of each kind. It tries the
ways out to probes that listen in other namespaces, by TCP and UDP, and to a network beyond the node that has
an address like the internet's, a private one, and that of the node's credentials.

kube-router, which enforces policies there and in k3s, lets out of pods what their own policy lets in to them:
where nodes have ports, `settle` reaches the API, with which it shares one. Engines that keep both directions
apart refuse it.

The MQTT edge itself reaches one port of a broker alone, by a policy of its own: 1883, or 8883 where TLS is
passed through to the broker.

The node on which a pod runs reaches all of the pod's ports, since it asks for health: Kubernetes says so, and
no policy changes it. "{internet}" is every address outside the private ranges: never a pod, a Service, a node
or the cloud's metadata. A namespace's name is a label that the API server sets, so no other namespace can
pass for one of these.

## Into a customer's pods

{inside}

The Job that settles the API's first data (`settle`) shares the API's policy and listens nowhere.

## Out of the namespace

{outside}

## Opened only for some

{cases}

A broker that asks the database does not reach the API. An exporter that reports to the stack's own billing
does not reach the internet. Where backups go to a store of somebody else's, the port is the store's; at a
private address they reach its network (`iotistic:backupNetwork`) and not the internet.
"""


def page() -> str:
    """Return the table as a document."""
    inward = [*APPS, *(place for place in ELSEWHERE if place not in {METADATA, MANAGED_BROKER})]
    outward = [(DNS, 53), (INTERNET, 443)]
    never = [(place, None) for place in (API_SERVER, STRANGER, OTHER)]
    return PAGE.format(
        internet=INTERNET[0].upper() + INTERNET[1:],
        inside=_matrix(inward, ENDPOINTS),
        outside=_matrix(APPS, (*outward, *never)),
        cases=table(["where", "from", "to", "ports"], _opened_only()),
    )


def _matrix(sources: Iterable[str], targets: Sequence[tuple[str, int | None]]) -> str:
    titles = [f"{target} {port}" if port else target for target, port in targets]
    rows = [
        [source, *("**yes**" if target in reached_from(source) else "-" for target in targets)]
        for source in sources
    ]
    return table(["from", *titles], rows)


def _opened_only() -> list[list[str]]:
    """Return a row for each case and target, with all sources in one."""
    sources: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    for way in WAYS:
        if way.only is not None:
            sources.setdefault((way.only.text, way.target, way.ports), []).append(way.source)
    return [
        [text, "every address" if set(EVERYBODY) <= set(found) else ", ".join(found), target, _list(ports)]
        for (text, target, ports), found in sources.items()
    ]


def _list(ports: Iterable[int]) -> str:
    return ", ".join(map(str, ports))


def opened_for(instance: Instance) -> tuple[Way, ...]:
    """Return the ways that are open at an instance, if both ends exist."""
    return tuple(
        way
        for way in WAYS
        if (way.only is None or way.only.holds(instance))
        and not (way.unless is not None and way.unless.holds(instance))
    )
