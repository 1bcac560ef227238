"""The MQTT edge as a pod: devices reach their customer's broker through it, by the name they ask for."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from infra.images import load_platform_image
from infra.names import EDGE_NAMESPACE
from infra.platform.edge_settings import EdgeSettings
from infra.platform.haproxy import Edge
from infra.platform.mqtt_proxy import APP, manifests
from tests.node.conftest import ONLY
from tests.node.devices import account, add_account
from tests.node.probes import probe_pod
from tests.node.test_certificates import read_certificate, renew
from tests.node.world import World, as_list, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

DOMAIN = "iotistic.localhost"
PLACE = "devices"
"""A namespace that stands for the world outside."""
AUTHORITY = "/etc/authority/ca.crt"
SETTINGS = EdgeSettings(enabled=True, replicas=1, drain_seconds=5, max_connections=1000)
"""One process, since there is one node that takes pods, with no more open files than any machine allows."""

CERTIFICATE = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": SETTINGS.certificate_secret, "namespace": EDGE_NAMESPACE},
    "spec": {
        "secretName": SETTINGS.certificate_secret,
        "dnsNames": [f"*.{DOMAIN}"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"name": "iotistic-ca", "kind": "ClusterIssuer"},
    },
}


def host(tenant: str) -> str:
    return f"mqtt-{tenant}.{DOMAIN}"


@pytest.fixture(scope="module")
def edge(world: World) -> Iterator[World]:
    """A world with the program's own edge on the node, and a client outside that knows its names."""
    objects = [
        CERTIFICATE,
        *manifests("dev", Edge(domain=DOMAIN, settings=SETTINGS), load_platform_image("haproxy")),
    ]
    world.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}}, *objects)
    try:
        waiting = (
            "rollout",
            "status",
            f"deployment/{APP}",
            f"--namespace={EDGE_NAMESPACE}",
            "--timeout=240s",
        )
        world.kubectl(*waiting)
        world.apply(*_outside(world))
        world.kubectl("wait", "--for=condition=Ready", "pod/client", f"--namespace={PLACE}", "--timeout=180s")
        for tenant in ONLY:
            add_account(world, tenant)
        yield world
    finally:
        world.kubectl("delete", "--filename=-", "--ignore-not-found", stdin=as_list(objects))
        world.kubectl("delete", "namespace", PLACE, "--wait=false")


def _outside(world: World) -> list[dict[str, Any]]:
    address = world.get(f"service/{APP}", f"--namespace={EDGE_NAMESPACE}")["spec"]["clusterIP"]
    secret = world.get(f"secret/{SETTINGS.certificate_secret}", f"--namespace={EDGE_NAMESPACE}")
    authority = base64.b64decode(secret["data"]["ca.crt"]).decode()
    pod = probe_pod(PLACE, "client", {})
    names = [*map(host, ONLY), host("nobody")]
    pod["spec"]["hostAliases"] = [{"ip": address, "hostnames": names}]
    pod["spec"]["volumes"] = [{"name": "authority", "configMap": {"name": "authority"}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "authority", "mountPath": "/etc/authority"}]
    metadata = {"name": "authority", "namespace": PLACE}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}},
        pod,
    ]


def client(verb: str, name: str, credentials: tuple[str, str], *options: str) -> list[str]:
    """Return the command line of Mosquitto's own client, through the edge."""
    user, password = credentials
    place = ["-h", name, "-p", "8883", "--cafile", AUTHORITY, "-u", user, "-P", password]
    return [f"mosquitto_{verb}", *place, "-q", "1", *options]


def test_a_device_reaches_its_own_broker(edge: World) -> None:
    for tenant in ONLY:
        message = ["-t", f"iot/{tenant}/edge", "-r", "-m", f"for {tenant}"]
        sent = edge.attempt(PLACE, "pod/client", *client("pub", host(tenant), account(tenant), *message))
        assert sent.returncode == 0, sent.stderr
    for tenant in ONLY:
        asked = ["-t", f"iot/{tenant}/edge", "-C", "1", "-W", "20"]
        got = edge.attempt(PLACE, "pod/client", *client("sub", host(tenant), account(tenant), *asked))
        assert got.stdout.strip() == f"for {tenant}", got.stderr


def test_the_neighbours_name_leads_to_the_neighbours_broker_which_refuses(edge: World) -> None:
    message = ["-t", "iot/acme/edge", "-m", "1"]
    refused = edge.attempt(PLACE, "pod/client", *client("pub", host("globex"), account("acme"), *message))
    assert "not authorised" in refused.stderr


def test_a_customer_that_is_none_is_cut_off(edge: World) -> None:
    message = ["-t", "iot/acme/edge", "-m", "1"]
    cut = edge.attempt(PLACE, "pod/client", *client("pub", host("nobody"), account("acme"), *message))
    assert cut.returncode != 0
    assert "not authorised" not in cut.stderr


def test_the_edges_renewed_certificate_is_taken_up_without_dropping_a_client(edge: World) -> None:
    before = served(edge)
    # It ends with the first message, and would say so if it had to connect a second time.
    options = ["-d", "-t", "iot/acme/edge-renewal", "-C", "1", "-W", "480"]
    listen = client("sub", host("acme"), account("acme"), *options)
    with subprocess.Popen(
        edge.command("exec", f"--namespace={PLACE}", "pod/client", "--", *listen),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as listener:
        renew(edge, SETTINGS.certificate_secret, EDGE_NAMESPACE)
        eventually(lambda: served(edge) != before, seconds=400)
        message = ["-t", "iot/acme/edge-renewal", "-m", "still here"]
        sent = edge.attempt(PLACE, "pod/client", *client("pub", host("acme"), account("acme"), *message))
        assert sent.returncode == 0, sent.stderr
        said, _ = listener.communicate(timeout=60)
    assert "still here" in said
    assert said.count("received CONNACK") == 1


def served(world: World) -> int:
    """Return the serial number of the edge's certificate, once its chain and its name have been verified."""
    authority = world.run(PLACE, "pod/client", "cat", AUTHORITY)
    name = host("acme")
    found = read_certificate(world, (PLACE, "pod/client"), authority, name, name)
    return int(found["serial"], 16)
