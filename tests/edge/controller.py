"""Traefik as its chart starts it, told by a real API server about customers that the program rendered."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from infra.customer import routes
from infra.customer.instance import workloads
from infra.names import INGRESS_NAMESPACE
from infra.platform import gateway
from infra.platform.certificates import WILDCARD_SECRET
from infra.platform.ingress_values import CONTAINER_PORTS, METRICS_PORTS
from ops.local.cluster import EmbeddedCluster
from ops.local.kube_command import kubectl
from ops.local.tools import ensure, everyday
from tests.edge.certificates import Authority
from tests.edge.customers_web import customers_web
from tests.edge.web_client import DOMAIN, People
from tests.edge.world import LOOPBACK, Process, free_port
from tests.program.instances import with_options
from tests.traefik_chart import definitions, facts, read_by_traefik

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from infra.customer.model import Instance
    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

CUSTOMERS: Final = ("acme", "globex")
OPTIONS: Final = {"acme": ("node_red", "prometheus", "grafana")}
"""The options that customers have, by customer."""


@dataclass(frozen=True)
class Controller:
    """The ingress controller.

    Attributes:
        toolbox: The binaries.
        access: The API server.
        process: Traefik.
        people: Who asks it.
        metrics_port: Where it serves its own metrics.
    """

    toolbox: Toolbox
    access: KubeAccess
    process: Process
    people: People
    metrics_port: int

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl on the cluster."""
        return kubectl(self.toolbox, self.access, *words, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Declare objects."""
        _declare(self.toolbox, self.access, objects)

    def delete(self, *objects: dict[str, Any]) -> None:
        """Take objects away."""
        self.kubectl("delete", "--filename=-", stdin=_list(objects))

    def log(self) -> list[dict[str, Any]]:
        """Return the requests that it wrote down."""
        lines = [line for line in self.process.said().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]


@contextmanager
def controller(folder: Path) -> Iterator[Controller]:
    """Run a cluster's API server, customers' servers, and Traefik in front of them."""
    console = Console()
    toolbox = ensure([*everyday(), "traefik"], console=console)
    cluster = EmbeddedCluster("web", folder / "cluster", toolbox, console, nodes=1)
    web, secure, metrics = (free_port() for _ in range(3))
    http, https = CONTAINER_PORTS["traefik"]
    listens = {http: web, https: secure, METRICS_PORTS["traefik"]: metrics}
    authority = Authority()
    with ExitStack() as stack:
        stack.callback(cluster.down)
        access = cluster.up()
        command = [f"KUBECONFIG={access.kubeconfig}", str(toolbox.path("traefik")), *_arguments(listens)]
        objects = [*_platform(authority), *_gateway(listens)]
        for customer in CUSTOMERS:
            ports = stack.enter_context(customers_web(_address(toolbox, access), customer))
            objects += _customer(customer, _address(toolbox, access), ports)
        _declare(toolbox, access, definitions())
        kubectl(toolbox, access, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        _declare(toolbox, access, objects)
        process = Process("traefik", ["/usr/bin/env", *command], folder / "traefik.log")
        stack.callback(process.stop)
        people = People(LOOPBACK, web, secure, authority.trust())
        process.await_port(LOOPBACK, secure)
        yield Controller(toolbox, access, process, people, metrics)


def customer_of(name: str, **more: Any) -> Instance:  # noqa: ANN401 - as those of an instance
    """Return a customer that stands behind the controller."""
    return with_options(name, *OPTIONS.get(name, ()), **more)


def _arguments(listens: dict[int, int]) -> list[str]:
    """Return the chart's arguments, with ports that are free here and of this machine only."""
    found = []
    for argument in facts().arguments:
        name, _, value = argument.partition(".address=:")
        port = int(value.partition("/")[0]) if value else 0
        found.append(f"{name}.address={LOOPBACK}:{listens.get(port) or free_port()}" if value else argument)
    return found


def _gateway(listens: dict[int, int]) -> list[dict[str, Any]]:
    """Return the Gateway, whose listeners have the ports that the controller has here."""
    objects = gateway.manifests("dev", wildcard=True)
    for listener in objects[1]["spec"]["listeners"]:
        listener["port"] = listens[listener["port"]]
    return objects


def _platform(authority: Authority) -> list[dict[str, Any]]:
    pair = authority.issue(f"*.{DOMAIN}")
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    metadata = {"name": WILDCARD_SECRET, "namespace": INGRESS_NAMESPACE}
    return [
        _namespace(INGRESS_NAMESPACE),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "kubernetes.io/tls",
            "stringData": data,
        },
        *read_by_traefik(),
    ]


def _customer(customer: str, address: str, ports: dict[str, int]) -> list[dict[str, Any]]:
    """Return a customer's Services and Ingress as they are rendered, and where their servers are."""
    instance = customer_of(customer)
    services = [
        item
        for item in workloads(instance)
        if item["kind"] == "Service" and item["metadata"]["name"] in ports
    ]
    namespace = f"customer-{customer}"
    return [
        _namespace(namespace),
        *services,
        *(_endpoints(service, address, ports[service["metadata"]["name"]]) for service in services),
        *routes.manifests(instance),
    ]


def _endpoints(service: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    """Return what the cluster would write down of a Service's pods."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    [named] = service["spec"]["ports"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-here",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": named["name"], "port": port}],
    }


def _address(toolbox: Toolbox, access: KubeAccess) -> str:
    """Return this machine's own address, as the API server has found it: endpoints may not be loopback."""
    path = "jsonpath={.endpoints[0].addresses[0]}"
    return kubectl(toolbox, access, "get", "endpointslice/kubernetes", f"--output={path}")


def _namespace(name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "iotistic"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _declare(toolbox: Toolbox, access: KubeAccess, objects: Sequence[dict[str, Any]]) -> None:
    kubectl(
        toolbox,
        access,
        "apply",
        "--server-side",
        "--force-conflicts",
        "--filename=-",
        stdin=_list(objects),
    )


def _list(objects: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
