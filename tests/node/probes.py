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


_NETWORKS = """
for network in $("$0" netns list | cut -d " " -f 1); do
    echo "$network $("$0" -netns "$network" -4 -oneline address show dev eth0 2>/dev/null)"
done | grep inet
"""


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


def connects(world: World, namespace: str, target: str, places: Sequence[tuple[str, int]]) -> list[bool]:
    """Return for each address and port whether a program in a pod can connect to it."""
    answer: list[bool] = json.loads(
        world.run(namespace, target, "python3", "-c", TRY_ALL, json.dumps(places))
    )
    return answer


def networks(world: World) -> dict[str, str]:
    """Return what the node calls the network of each pod, by the pod's address."""
    lines = world.node.namespaces.run("/bin/sh", "-c", _NETWORKS, which("ip")).splitlines()
    rows = (line.partition(" ") for line in lines)
    return {found.split()[3].partition("/")[0]: network for network, _, found in rows}


def answers(world: World, network: str, places: Sequence[tuple[str, int, str]]) -> list[bool]:
    """Return for each address, port and protocol whether it answers who asks from a pod's network.

    It is tried from within the network, whatever the pod's image has: packets are all that matters.
    """
    inside = (which("ip"), "netns", "exec", network, *_python(json.dumps(places)))
    found: list[bool] = json.loads(world.node.namespaces.run(*inside))
    return found


def reached_from_pod(world: World, addresses: Mapping[str, str], network: str) -> set[Endpoint]:
    """Return which ports of a customer, whose pods have these addresses, are reached from a pod's network."""
    return _reached(answers(world, network, _endpoints(addresses)))


def reached_from_node(world: World, addresses: Mapping[str, str]) -> set[Endpoint]:
    """Return which ports of a customer the node itself can connect to."""
    asked = json.dumps(_endpoints(addresses))
    return _reached(json.loads(world.node.namespaces.run(*_python(asked))))


def reached_from_outside(addresses: Mapping[str, str]) -> set[Endpoint]:
    """Return which ports of a customer this machine can connect to, which is no part of the cluster."""
    answer = subprocess.run(
        _python(json.dumps(_endpoints(addresses))), capture_output=True, text=True, check=True
    )
    return _reached(json.loads(answer.stdout))


def _python(places: str) -> list[str]:
    return [sys.executable, "-S", "-c", TRY_ALL, places]


def _endpoints(addresses: Mapping[str, str]) -> list[tuple[str, int, str]]:
    return [(addresses[app], port, TCP) for app, port in ENDPOINTS]


def _reached(found: Sequence[bool]) -> set[Endpoint]:
    return {endpoint for endpoint, reached in zip(ENDPOINTS, found, strict=True) if reached}
