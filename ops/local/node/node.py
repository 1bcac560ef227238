"""The node as a whole: up, down, and how it is."""

from __future__ import annotations

import json
import platform
import shutil
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Final

from ops.local.kube_command import KubectlError, kubectl
from ops.local.node import addresses as ranges
from ops.local.node import cgroups, machine
from ops.local.node.addresses import Addresses, dns_address
from ops.local.node.commands import NodeError
from ops.local.node.configuration import write_configuration
from ops.local.node.images import NodeImages
from ops.local.node.layout import NODE_NAME, NodeLayout
from ops.local.node.manifests import KIND_LABEL, coredns_image, dns_objects, foundation
from ops.local.node.namespaces import Namespaces
from ops.local.node.supervision import READY_SECONDS, PartStatus, Supervisor
from ops.local.progress import step
from ops.local.store import exclusive, write_atomically

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from rich.console import Console

    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

TOOLS: Final = ("kubelet", "kube-proxy", "coredns", "kube-router", "cert-manager")
"""What a node needs beside the tools of the embedded cluster."""
_SIMULATED_NODES: Final = f"{KIND_LABEL}!=real"
_FIELD_MANAGER: Final = "real-node"


class RealNode:
    """A node of an embedded cluster, on this machine, in a folder.

    Args:
        directory: A folder of its own, outside of git.
        access: The cluster that it joins.
        toolbox: The binaries, those of `TOOLS` included. All of them are there where the node is brought up.
        console: Where progress is shown.
    """

    def __init__(self, directory: Path, access: KubeAccess, toolbox: Toolbox, console: Console) -> None:
        self.layout = NodeLayout(directory.resolve())
        self.namespaces = Namespaces(self.layout)
        self._access = access
        self._toolbox = toolbox
        self._console = console

    def up(self) -> list[str]:
        """Make the node, or start what of it does not run.

        Returns:
            The parts that were started: they did not run, or were made from something else.

        Raises:
            UsageError: This machine cannot carry a node.
            NodeError: It does not start.
        """
        machine.prepare(self._console)
        with self._alone(), step(self._console, f"node {NODE_NAME}") as say:
            chosen = self._addresses()
            write_configuration(self.layout, chosen, self._access)
            say("starting its parts")
            if self.namespaces.holder is None:
                # What is left of a node that was killed would keep its cable from being laid
                # again, and the kubelet busy for minutes with groups of pods that are gone.
                self._end()
                cgroups.remove(self.layout.cgroup)
            cgroups.make(self.layout.cgroup)
            self.namespaces.start(chosen)
            supervisor = self._supervisor(chosen)
            started = supervisor.start_relay()
            self._apply(foundation(chosen, platform.machine()))
            for part in supervisor.parts():
                started += supervisor.start(part)
                if part.name == "containerd":
                    supervisor.wait(part)
                    say("importing images")
                    self.images.ensure_own()
                if part.name == "kubelet":
                    self._wait_for_node()
            for part in supervisor.parts():
                supervisor.wait(part)
            say("waiting for its cluster DNS")
            self._furnish(chosen)
            supervisor.wait_for_dns()
        return started

    def down(self) -> None:
        """Remove the node with its volumes, and every trace of it on this machine."""
        if not self.layout.folder.exists():
            return
        with self._alone():
            self._end()
            cgroups.remove(self.layout.cgroup)
            self._leave_cluster()
            shutil.rmtree(self.layout.folder)

    def status(self) -> list[PartStatus]:
        """Return how each part is, changing nothing."""
        if not self.layout.record.exists():
            return []
        return self._supervisor(self._addresses()).status()

    @property
    def images(self) -> NodeImages:
        """The images that the node has."""
        return NodeImages(self.namespaces, self._toolbox, self._console)

    @property
    def addresses(self) -> Addresses:
        """The node's addresses."""
        return self._addresses()

    def _supervisor(self, chosen: Addresses) -> Supervisor:
        return Supervisor(self.layout, self.namespaces, self._toolbox, self._access.server, chosen)

    def _alone(self) -> AbstractContextManager[None]:
        lock = self.layout.folder.with_name(f".{self.layout.folder.name}.lock")
        return exclusive(lock, self._console, what="working on the node")

    def _addresses(self) -> Addresses:
        try:
            record: dict[str, Any] = json.loads(self.layout.record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            chosen = ranges.choose()
            write_atomically(self.layout.record, json.dumps({"block": str(chosen.block)}))
            return chosen
        return Addresses(IPv4Network(record["block"]))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return kubectl(self._toolbox, self._access, *arguments, stdin=stdin)

    def _apply(self, items: list[dict[str, Any]]) -> None:
        objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self._kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={_FIELD_MANAGER}",
            "--filename=-",
            stdin=objects,
        )

    def _furnish(self, chosen: Addresses) -> None:
        """Bring in DNS, and keep the simulated nodes from taking pods that shall run."""
        self._kubectl("cordon", f"--selector={_SIMULATED_NODES}")
        self._apply(dns_objects(chosen, dns_address(), coredns_image(self._toolbox)))
        self._wait_for_cluster("rollout", "status", "deployment/coredns", "--namespace=kube-system")

    def _wait_for_node(self) -> None:
        """Wait until the cluster knows the node's address, which what starts later asks for."""
        self._wait_for_cluster("wait", "--for=jsonpath={.status.addresses[0].address}", f"node/{NODE_NAME}")
        self._wait_for_cluster("wait", "--for=condition=Ready", f"node/{NODE_NAME}")

    def _wait_for_cluster(self, *arguments: str) -> None:
        try:
            self._kubectl(*arguments, f"--timeout={READY_SECONDS}s")
        except KubectlError as error:
            message = f"{error}; logs are in {self.layout.logs}"
            raise NodeError(message) from error

    def _leave_cluster(self) -> None:
        """Take the node out of the cluster, if that still answers."""
        try:
            quickly = "--request-timeout=10s"
            self._kubectl(
                "delete", "deployment/coredns", "--namespace=kube-system", "--ignore-not-found", quickly
            )
            here = f"--field-selector=spec.nodeName={NODE_NAME}"
            # Nobody is left who could end them well, and a later node must not take them for its own.
            self._kubectl("delete", "pods", "--all-namespaces", here, "--force", "--grace-period=0", quickly)
            self._kubectl("delete", "node", NODE_NAME, "--ignore-not-found", quickly)
            self._kubectl("uncordon", f"--selector={_SIMULATED_NODES}", quickly)
        except (KubectlError, FileNotFoundError):
            # Or there is no kubectl any more. A cluster that is taken down as well forgets its nodes anyway.
            self._console.print("The cluster does not answer: its record of the node stays.")

    def _end(self) -> None:
        self.namespaces.end()
        if self.layout.record.exists():
            self._supervisor(self._addresses()).end_relay()
        self.namespaces.remove_cable()
