"""The programs that a node is made of, in the order in which they start."""

from __future__ import annotations

import hashlib
import json
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
from ops.local.node.provisioner import ROUND, ROUND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
        made_from: Fingerprint of its version, its arguments and all that it reads when it starts: a
            process that was started from anything else is an old one.
    """

    name: str
    command: list[str]
    healthy: list[str]
    made_from: str

    def is_command(self, command: list[str]) -> bool:
        """Return whether a process with this command line is this part, of whatever version."""
        return processes.is_same_program(command, self.command)


def fingerprint(version: str, arguments: Sequence[str], files: Iterable[Path] = ()) -> str:
    """Return what is different whenever a part would be another one.

    Args:
        version: Of its program.
        arguments: The program's.
        files: What it reads.
    """
    digest = hashlib.sha256(json.dumps([version, list(arguments)]).encode())
    for file in files:
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()


def relay(holder: int, port: int, addresses: Addresses) -> Part:
    """Return the relay, which stands outside the node.

    Args:
        holder: The node's first process.
        port: The API server's, on this machine.
        addresses: The node's.
    """
    listening = [f"127.0.0.1:{port}", f"{addresses.node}:{API_PORT}"]
    arguments = ["-m", _RELAY, str(holder), str(port), *listening]
    return Part(
        "relay",
        [sys.executable, *arguments],
        [sys.executable, "-S", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"],
        fingerprint(_source(_RELAY), arguments),
    )


def is_relay(command: list[str], addresses: Addresses) -> bool:
    """Return whether a command line is that of this node's relay, whatever it was started for."""
    return _RELAY in command and f"{addresses.node}:{API_PORT}" in command


def parts(toolbox: Toolbox, addresses: Addresses, server: str, etc: Path) -> list[Part]:
    """Return everything that runs inside the node.

    Args:
        toolbox: The binaries.
        addresses: The node's addresses.
        server: Address of the API server.
        etc: Folder of what they read, seen from this machine.
    """

    def tool(name: str, health: str, *arguments: str, reads: Sequence[str] = ()) -> Part:
        files = [etc / file for file in ("kubeconfig", *reads)]
        version = toolbox.version(name)
        command = [str(toolbox.path(name)), *arguments]
        return Part(name, command, _http(health), fingerprint(version, arguments, files))

    kubeconfig = f"--kubeconfig={KUBECONFIG}"
    return [
        _containerd(etc),
        tool(
            "kubelet",
            "http://127.0.0.1:10248/healthz",
            "--config=/run/node/etc/kubelet.yaml",
            kubeconfig,
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={addresses.node}",
            "--root-dir=/run/node/kubelet",
            "--cert-dir=/run/node/kubelet/pki",
            "--v=1",
            reads=("kubelet.yaml", "ca.crt", "resolv.conf"),
        ),
        tool(
            "kube-proxy",
            "http://127.0.0.1:10256/livez",
            "--config=/run/node/etc/kube-proxy.yaml",
            reads=("kube-proxy.yaml",),
        ),
        tool(
            "kube-router",
            "http://127.0.0.1:20244/healthz",
            kubeconfig,
            f"--hostname-override={NODE_NAME}",
            "--run-router=false",
            "--run-firewall=true",
            "--run-service-proxy=false",
            "--enable-ipv4=true",
            "--enable-ipv6=false",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--health-port=20244",
        ),
        tool(
            "cert-manager",
            "http://127.0.0.1:9402/metrics",
            kubeconfig,
            "--leader-elect=false",
            f"--cluster-resource-namespace={CERTIFICATES_NAMESPACE}",
            # The one DNS that the node has. It would ask a zone's own name servers itself otherwise.
            f"--dns01-recursive-nameservers={dns_address()}:53",
            "--dns01-recursive-nameservers-only",
            "--metrics-listen-address=127.0.0.1:9402",
        ),
        _volumes(server, etc),
    ]


def _containerd(etc: Path) -> Part:
    program = Path(which("containerd"))
    arguments = ["--config=/run/node/etc/containerd.toml"]
    # It is this machine's own, and goes by no version of ours: an update writes it anew.
    installed = program.stat()
    version = f"{installed.st_size} {installed.st_mtime_ns}"
    files = [etc / "containerd.toml", etc / "cni" / "10-node.conflist"]
    return Part(
        "containerd",
        [str(program), *arguments],
        [which("ctr"), "version"],
        fingerprint(version, arguments, files),
    )


def _volumes(server: str, etc: Path) -> Part:
    arguments = ["-m", _PROVISIONER, server]
    recent = f"import os, time; assert time.time() - os.stat({str(ROUND)!r}).st_mtime < {ROUND_SECONDS}"
    return Part(
        "volumes",
        [sys.executable, *arguments],
        [sys.executable, "-S", "-c", recent],
        fingerprint(
            _source(_PROVISIONER), arguments, [etc / name for name in ("ca.crt", "client.crt", "client.key")]
        ),
    )


def dns_question() -> list[str]:
    """Return a command that ends with 0 while the cluster's DNS knows the cluster's own API, run inside."""
    program = Path(__file__).parent / "ask_dns.py"
    return [sys.executable, "-S", "-P", str(program), dns_address(), "kubernetes.default.svc.cluster.local"]


def _source(module: str) -> str:
    """Return a module's text, which is all the version that it has."""
    return (Path(python_path()) / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def _http(url: str) -> list[str]:
    program = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=2)"
    return [sys.executable, "-S", "-c", program]


def python_path() -> str:
    """Return where Python finds the project's modules."""
    return str(Path(__file__).resolve().parents[3])
