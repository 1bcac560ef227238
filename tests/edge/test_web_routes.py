"""The ingress controller leads people to their own customer by its name, and to nobody else's.

A real Traefik reads the rendered routes from a real API server. What is asked of routes is asked
twice: of Ingresses, and of the Gateway API's.
"""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infra import web_limits
from infra.customer import grafana, nodered, routes
from infra.names import INGRESS_NAMESPACE
from tests.edge.controller import CUSTOMERS, OPTIONS, Controller, controller, customer_of
from tests.edge.customers_web import METRICS
from tests.edge.web_client import host
from tests.edge.world import LOOPBACK
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.edge.web_client import People

pytestmark = pytest.mark.edge

PATH = "/api/v1/seen"
HOME, NEIGHBOUR = CUSTOMERS
UNAVAILABLE = httpx.codes.SERVICE_UNAVAILABLE
MOST_REQUESTS = 5_000
SECONDS = 60


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """The controller, once it serves the customers' Ingresses."""
    with controller(tmp_path_factory.mktemp("web")) as found:
        await_customers(found.people)
        yield found


@pytest.fixture(scope="module", params=["ingress", "gateway"])
def kind(request: pytest.FixtureRequest, traefik: Controller) -> Iterator[str]:
    """The kind of the customers' routes, which are of one kind only."""
    if request.param == "ingress":
        yield request.param
        return
    with without(traefik, *routes_of("ingress")):
        traefik.apply(*routes_of("gateway"))
        await_customers(traefik.people)
        yield request.param
        traefik.delete(*routes_of("gateway"))


@pytest.fixture
def routed(traefik: Controller, kind: str) -> People:
    """People outside, where the customers' routes are of one kind or the other."""
    assert kind in {"ingress", "gateway"}
    return traefik.people


def routes_of(kind: str, *customers: str, runs: bool = True) -> list[dict[str, Any]]:
    """Return the routes of customers, of all if none is named."""
    instances = [
        customer_of(customer, surroundings={"routes": kind}, runs=runs) for customer in customers or CUSTOMERS
    ]
    return [route for instance in instances for route in routes.manifests(instance)]


@contextmanager
def without(traefik: Controller, *taken: dict[str, Any]) -> Iterator[None]:
    """Take routes away, and bring them back once they are served again."""
    customers = {route["metadata"]["labels"]["iotistic.io/tenant"] for route in taken}
    traefik.delete(*taken)
    try:
        # What is served from here on is served by others.
        gone = f"no route of {sorted(customers)}"
        wait_until(lambda: not any(is_known(traefik.people, one) for one in customers), what=gone)
        yield
    finally:
        traefik.apply(*taken)
        await_customers(traefik.people)


def await_customers(people: People) -> None:
    """Wait until every customer's host is served."""
    wait_until(lambda: all(answers(people, one) for one in CUSTOMERS), what="served", seconds=SECONDS)


def is_known(people: People, customer: str) -> bool:
    """Return whether a host leads anywhere."""
    return people.ask(customer, "/").status_code != httpx.codes.NOT_FOUND


def answers(people: People, customer: str) -> bool:
    """Return whether a host is served, with a certificate to trust, by that customer's API."""
    try:
        answer = people.ask(customer, PATH)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK and answer.json()["customer"] == customer


def test_a_route_that_comes_gets_the_address_of_the_controllers_service(traefik: Controller) -> None:
    """What the engine waits for. The embedded cluster gives an address of its own, so it is changed here.

    It stands first, where the routes are Ingresses: a Gateway has an address of its own.
    """
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.77", "ipMode": "VIP"}]}}
    patch = json.dumps({"status": status})
    where = ("service/traefik", f"--namespace={INGRESS_NAMESPACE}")
    traefik.kubectl("patch", *where, "--subresource=status", f"--patch={patch}")
    path = "jsonpath={.items[*].status.loadBalancer.ingress[*].ip}"

    def addresses() -> set[str]:
        return set(traefik.kubectl("get", "ingress", "--all-namespaces", f"--output={path}").split())

    with without(traefik, *routes_of("ingress", NEIGHBOUR)):
        pass
    wait_until(lambda: addresses() == {"192.0.2.77"}, what="every route has it", seconds=SECONDS)


def test_a_host_leads_to_its_own_customer(routed: People) -> None:
    for customer in CUSTOMERS:
        assert routed.ask(customer, PATH).json()["customer"] == customer
        assert routed.talk(customer, "hello") == f"{customer}: hello"
        page = routed.ask(customer, "/devices/42").json()
        assert page == {"customer": customer, "dashboard": "/devices/42"}


def test_options_are_at_paths_of_the_host_of_those_who_have_them(routed: People) -> None:
    assert set(OPTIONS) == {HOME}
    paths = {nodered.PATH: nodered.APP, grafana.PATH: grafana.APP}
    for path, service in paths.items():
        for below in (path, f"{path}/", f"{path}/flows?page=2"):
            assert routed.ask(HOME, below).json() == {"customer": HOME, service: below}
            assert routed.ask(NEIGHBOUR, below).json() == {"customer": NEIGHBOUR, "dashboard": below}
        other = f"{path}-of-theirs"
        assert routed.ask(HOME, other).json() == {"customer": HOME, "dashboard": other}


def test_a_path_that_only_begins_like_the_apis_is_the_dashboards(routed: People) -> None:
    for path in ("/api-keys", "/wsx"):
        assert routed.ask(HOME, path).json()["dashboard"] == path


def test_a_host_that_is_no_customers_leads_nowhere(routed: People) -> None:
    answer = routed.ask("nobody", PATH)
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "customer" not in answer.text


def test_whoever_asks_in_clear_is_sent_to_https(routed: People) -> None:
    for customer in (HOME, "nobody"):
        answer = routed.ask_in_clear(customer, "/devices?page=2")
        assert answer.status_code in {httpx.codes.MOVED_PERMANENTLY, httpx.codes.PERMANENT_REDIRECT}
        assert answer.headers["Location"] == f"https://{host(customer)}/devices?page=2"


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "//metrics", "/api/../metrics", "/api/%2e%2e/metrics", "/api/..%2fmetrics"),
        *("/ws/../metrics", "/api/v1/../../metrics", "/api//../metrics", "/%6detrics", "/api/..\\metrics"),
    ],
)
def test_metrics_are_reached_by_no_path(routed: People, path: str) -> None:
    answer = routed.ask_exactly(HOME, path)
    assert answer.startswith(b"HTTP/1.1 ")
    assert METRICS.encode() not in answer


def test_customers_are_not_served_where_the_controllers_metrics_are(traefik: Controller, kind: str) -> None:
    base = f"http://{LOOPBACK}:{traefik.metrics_port}"
    assert httpx.get(f"{base}/metrics").status_code == httpx.codes.OK
    answer = httpx.get(f"{base}/", headers={"Host": host(HOME)})
    assert answer.status_code == httpx.codes.NOT_FOUND, kind


def test_the_callers_true_address_is_passed_on_and_none_that_it_claims(routed: People) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"}
    seen = routed.ask(HOME, PATH, headers=claimed).json()["headers"]
    assert (seen["X-Forwarded-For"], seen["X-Real-Ip"]) == (LOOPBACK, LOOPBACK)
    assert (seen["Host"], seen["X-Forwarded-Proto"]) == (host(HOME), "https")


def test_what_is_too_large_is_refused(routed: People) -> None:
    most = web_limits.BODY_MEBIBYTES * 2**20

    def send(body: bytes | Iterator[bytes]) -> int:
        return routed.ask(HOME, PATH, method="POST", content=body).status_code

    assert send(b"x" * most) == httpx.codes.OK
    assert send(b"x" * (most + 1)) == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert send(iter([b"x" * (most + 1)])) == httpx.codes.REQUEST_ENTITY_TOO_LARGE, "its length not said"


def test_who_asks_one_customer_too_often_is_held_back_there_only(routed: People) -> None:
    before = routed.refused_after(HOME, "/", MOST_REQUESTS)
    assert web_limits.BURST // 2 < before < MOST_REQUESTS
    assert routed.ask(NEIGHBOUR, "/").status_code == httpx.codes.OK
    again = "answered again"
    wait_until(lambda: routed.ask(HOME, "/").status_code == httpx.codes.OK, what=again, seconds=SECONDS)


def test_a_neighbour_that_is_gone_disturbs_nobody(traefik: Controller, kind: str) -> None:
    with without(traefik, *routes_of(kind, NEIGHBOUR)):
        assert answers(traefik.people, HOME)


def test_a_neighbour_that_is_broken_disturbs_nobody(traefik: Controller, kind: str) -> None:
    assert kind in {"ingress", "gateway"}
    where = ("endpointslice/api-here", f"--namespace=customer-{NEIGHBOUR}")
    slice_ = json.loads(traefik.kubectl("get", *where, "--output=json"))
    metadata = {key: slice_["metadata"][key] for key in ("name", "namespace", "labels")}
    traefik.kubectl("delete", *where)
    try:
        broken = "its API has no pods"
        wait_until(lambda: traefik.people.ask(NEIGHBOUR, PATH).status_code >= UNAVAILABLE - 3, what=broken)
        assert traefik.people.ask(NEIGHBOUR, "/").json()["customer"] == NEIGHBOUR
        assert answers(traefik.people, HOME)
    finally:
        traefik.apply({**slice_, "metadata": metadata})
        await_customers(traefik.people)


def test_a_suspended_customers_every_path_leads_to_the_page_that_says_so(
    traefik: Controller, kind: str
) -> None:
    people = traefik.people
    traefik.apply(*routes_of(kind, HOME, runs=False))
    try:
        wait_until(lambda: "dashboard" in people.ask(HOME, PATH).json(), what="suspended")
        assert people.ask(HOME, "/ws").json() == {"customer": HOME, "dashboard": "/ws"}
        assert answers(people, NEIGHBOUR)
    finally:
        traefik.apply(*routes_of(kind, HOME))
        await_customers(people)


def test_the_log_names_the_caller_and_nothing_that_lets_somebody_in(traefik: Controller) -> None:
    mark = str(uuid.uuid4())
    traefik.people.ask(HOME, f"/{mark}?token=let-me-in", headers={"Authorization": "Bearer let-me-in"})
    wait_until(lambda: any(mark in str(line) for line in traefik.log()), what="a line of it")
    [line] = (line for line in traefik.log() if mark in str(line))
    assert (line["ClientHost"], line["RequestHost"]) == (LOOPBACK, host(HOME))
    assert "let-me-in" not in str(line)
