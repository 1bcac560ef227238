"""The programs that a node is made of, in the order in which they start."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.names import CERTIFICATES_NAMESPACE
from ops.local import processes
from ops.local.control_plane import SERVICE_RANGE
from ops.local.node.addresses import dns_address
from ops.local.node.commands import which
from ops.local.node.layout import INSIDE, NODE_NAME

if TYPE_CHECKING:
    from ops.local.node.addresses import Addresses
    from ops.local.tools import Toolbox

KUBECONFIG: Final = INSIDE / "etc" / "kubeconfig"
API_PORT: Final = 6443
"""Port of the API server at the node's own address, for pods."""
_PROVISIONER: Final = "ops.local.node.provisioner"
_RELAY: Final = "ops.local.node.relay"


@dataclass(frozen=True, slots=True)
class Part:
    """One program of the node.

    Attributes:
        name: Its name, and its log's.
        command: Program and arguments.
        healthy: A command that ends with 0 while the part works, run inside the node.
    """

    name: str
    command: list[str]
    healthy: list[str]

    def is_command(self, command: list[str]) -> bool:
        """Return whether a process with this command line is this part."""
        return processes.is_same(command, self.command)


def relay_command(holder: int, port: int, addresses: Addresses) -> list[str]:
    """Return the command of the relay, which stands outside the node."""
    listening = [f"127.0.0.1:{port}", f"{addresses.node}:{API_PORT}"]
    return [sys.executable, "-m", _RELAY, str(holder), str(port), *listening]


def is_relay(command: list[str], addresses: Addresses) -> bool:
    """Return whether a command line is that of this node's relay, whatever it was started for."""
    return _RELAY in command and f"{addresses.node}:{API_PORT}" in command


def parts(toolbox: Toolbox, addresses: Addresses, server: str) -> list[Part]:
    """Return everything that runs inside the node."""
    return [
        Part(
            "containerd",
            [which("containerd"), "--config=/run/node/etc/containerd.toml"],
            [which("ctr"), "version"],
        ),
        Part(
            "kubelet",
            [
                str(toolbox.path("kubelet")),
                "--config=/run/node/etc/kubelet.yaml",
                f"--kubeconfig={KUBECONFIG}",
                f"--hostname-override={NODE_NAME}",
                f"--node-ip={addresses.node}",
                "--root-dir=/run/node/kubelet",
                "--cert-dir=/run/node/kubelet/pki",
                "--v=1",
            ],
            _http("http://127.0.0.1:10248/healthz"),
        ),
        Part(
            "kube-proxy",
            [str(toolbox.path("kube-proxy")), "--config=/run/node/etc/kube-proxy.yaml"],
            _http("http://127.0.0.1:10256/livez"),
        ),
        Part(
            "kube-router",
            [
                str(toolbox.path("kube-router")),
                f"--kubeconfig={KUBECONFIG}",
                f"--hostname-override={NODE_NAME}",
                "--run-router=false",
                "--run-firewall=true",
                "--run-service-proxy=false",
                "--enable-ipv4=true",
                "--enable-ipv6=false",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--health-port=20244",
            ],
            _http("http://127.0.0.1:20244/healthz"),
        ),
        Part(
            "cert-manager",
            [
                str(toolbox.path("cert-manager")),
                f"--kubeconfig={KUBECONFIG}",
                "--leader-elect=false",
                f"--cluster-resource-namespace={CERTIFICATES_NAMESPACE}",
                # The one DNS that the node has. It would ask a zone's own name servers itself otherwise.
                f"--dns01-recursive-nameservers={dns_address()}:53",
                "--dns01-recursive-nameservers-only",
                "--metrics-listen-address=127.0.0.1:9402",
            ],
            _http("http://127.0.0.1:9402/metrics"),
        ),
        Part("volumes", [sys.executable, "-m", _PROVISIONER, server], []),
    ]


def _http(url: str) -> list[str]:
    program = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=2)"
    return [sys.executable, "-S", "-c", program]


def python_path() -> str:
    """Return where Python finds the project's modules."""
    return str(Path(__file__).resolve().parents[3])
