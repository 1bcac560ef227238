"""Tries connections from many places at once, and says which came about."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.isolation import ENDPOINTS
from tests.node.doubles.images import PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.isolation import Endpoint
    from tests.node.world import World

PROBE_LABELS = {"iotistic.io/part": "probe"}
"""Labels of every probe."""

TRY_ALL = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reaches(address):
    try:
        with socket.create_connection(address, 2):
            return True
    except OSError:
        return False
addresses = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(addresses)) as pool:
    print(json.dumps(list(pool.map(lambda item: reaches(tuple(item)), addresses))))
"""

LISTEN = """
import socket, sys, threading
def serve(port):
    with socket.create_server(("", int(port))) as server:
        while True:
            server.accept()[0].close()
for port in sys.argv[1:]:
    threading.Thread(target=serve, args=(port,)).start()
"""


def listening(pod: dict[str, Any], *ports: int) -> dict[str, Any]:
    """Return a probe's pod that takes connections on ports, and is ready when it does."""
    (container,) = pod["spec"]["containers"]
    container["command"] = ["python3", "-c", LISTEN, *map(str, ports)]
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
    """Return for each address and port whether a pod can connect to it."""
    answer: list[bool] = json.loads(
        world.run(namespace, target, "python3", "-c", TRY_ALL, json.dumps(places))
    )
    return answer


def reached_from_pod(world: World, tenant: str, namespace: str, target: str) -> set[Endpoint]:
    """Return which ports of a customer a pod can connect to."""
    answer = world.run(namespace, target, "python3", "-c", TRY_ALL, _arguments(world, tenant))
    return _reached(answer)


def reached_from_node(world: World, tenant: str) -> set[Endpoint]:
    """Return which ports of a customer the node itself can connect to."""
    python = [sys.executable, "-S", "-c", TRY_ALL]
    return _reached(world.node.namespaces.run(*python, _arguments(world, tenant)))


def reached_from_outside(world: World, tenant: str) -> set[Endpoint]:
    """Return which ports of a customer this machine can connect to, which is no part of the cluster."""
    answer = subprocess.run(
        [sys.executable, "-S", "-c", TRY_ALL, _arguments(world, tenant)],
        capture_output=True,
        text=True,
        check=True,
    )
    return _reached(answer.stdout)


def _arguments(world: World, tenant: str) -> str:
    found = addresses(world, tenant)
    return json.dumps([(found[app], port) for app, port in ENDPOINTS])


def _reached(answer: str) -> set[Endpoint]:
    return {endpoint for endpoint, reached in zip(ENDPOINTS, json.loads(answer), strict=True) if reached}
