"""Tries connections from many places at once, and says which came about."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from ops.local.node.commands import which
from tests.isolation import ENDPOINTS
from tests.node.doubles.images import PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.isolation import Endpoint
    from tests.node.world import World

PROBE_LABELS = {"iotistic.io/part": "probe"}
"""Labels of every probe."""

TCP = "tcp"
UDP = "udp"

TRY_ALL = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
# A question that a name server answers, for this one name; whoever else listens here sends it back.
name = b"".join(bytes([len(part)]) + part for part in b"kubernetes.default.svc.cluster.local.".split(b"."))
QUESTION = bytes([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + name + bytes([0, 1, 0, 1])
def reaches(host, port, protocol="tcp"):
    try:
        if protocol == "tcp":
            with socket.create_connection((host, port), 2):
                return True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(2)
            asking.connect((host, port))
            asking.send(QUESTION)
            return asking.recv(512)[:2] == QUESTION[:2]
    except OSError:
        return False
addresses = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(addresses)) as pool:
    print(json.dumps(list(pool.map(lambda item: reaches(*item), addresses))))
"""

LISTEN = """
import socket, sys, threading
def serve(address):
    with socket.create_server(address) as server:
        while True:
            server.accept()[0].close()
def send_back(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(address)
        while True:
            said, whom = server.recvfrom(512)
            server.sendto(said, whom)
hosts, *ports = sys.argv[1:]
for address in [(host, int(port)) for host in hosts.split(",") for port in ports]:
    for listen in (serve, send_back):
        threading.Thread(target=listen, args=(address,)).start()
"""
"""Takes addresses, of which an empty one is all there are, with commas between them, and ports."""


def listening(pod: dict[str, Any], *ports: int) -> dict[str, Any]:
    """Return a probe's pod that takes connections and datagrams on ports, and is ready when it does."""
    (container,) = pod["spec"]["containers"]
    # Ports below 1024 without being root.
    pod["spec"]["securityContext"]["sysctls"] = [
        {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    ]
    container["command"] = ["python3", "-c", LISTEN, "", *map(str, ports)]
    container["readinessProbe"] = {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1}
    return pod


def probe_pod(namespace: str, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a pod that does nothing until it is told to, and passes "restricted"."""
    small = {"cpu": "20m", "memory": "48Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {**PROBE_LABELS, **labels}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": PROBE,
                    "resources": {"requests": small, "limits": {"cpu": "200m", "memory": "64Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                }
            ],
        },
    }


def addresses(world: World, tenant: str) -> dict[str, str]:
    """Return the address of each app's pod."""
    return {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod["status"]["podIP"]
        for pod in world.pods(tenant)
        if pod["status"]["phase"] == "Running" and "iotistic.io/tenant" in pod["metadata"]["labels"]
    }


def connects(
    world: World, namespace: str, target: str, places: Sequence[tuple[str, int] | tuple[str, int, str]]
) -> list[bool]:
    """Return for each address and port, by TCP where no protocol is named, whether a pod gets an answer."""
    answer: list[bool] = json.loads(
        world.run(namespace, target, "python3", "-c", TRY_ALL, json.dumps(places))
    )
    return answer


def reached_from_pod(
    world: World, addresses: Mapping[str, str], namespace: str, target: str
) -> set[Endpoint]:
    """Return which ports of a customer, whose pods have these addresses, a pod can connect to."""
    answer = world.run(namespace, target, "python3", "-c", TRY_ALL, _arguments(addresses))
    return _reached(answer)


def reached_from_address(world: World, addresses: Mapping[str, str], address: str) -> set[Endpoint]:
    """Return which ports of a customer the pod of an address can connect to, whatever its image has.

    It is tried from within the pod's network, which the node has a name for.
    """
    ip = which("ip")
    inside = world.node.namespaces
    networks = [line.split()[0] for line in inside.run(ip, "netns", "list").splitlines()]
    (found,) = (
        network for network in networks if f" {address}/" in inside.run(ip, "-netns", network, "address")
    )
    python = [sys.executable, "-S", "-c", TRY_ALL]
    return _reached(inside.run(ip, "netns", "exec", found, *python, _arguments(addresses)))


def reached_from_node(world: World, addresses: Mapping[str, str]) -> set[Endpoint]:
    """Return which ports of a customer the node itself can connect to."""
    python = [sys.executable, "-S", "-c", TRY_ALL]
    return _reached(world.node.namespaces.run(*python, _arguments(addresses)))


def reached_from_outside(addresses: Mapping[str, str]) -> set[Endpoint]:
    """Return which ports of a customer this machine can connect to, which is no part of the cluster."""
    answer = subprocess.run(
        [sys.executable, "-S", "-c", TRY_ALL, _arguments(addresses)],
        capture_output=True,
        text=True,
        check=True,
    )
    return _reached(answer.stdout)


def _arguments(addresses: Mapping[str, str]) -> str:
    return json.dumps([(addresses[app], port) for app, port in ENDPOINTS])


def _reached(answer: str) -> set[Endpoint]:
    return {endpoint for endpoint, reached in zip(ENDPOINTS, json.loads(answer), strict=True) if reached}
