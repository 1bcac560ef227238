"""The files that the node's parts read when they start, written anew by every start."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from ops.local.kubeconfig import write_kubeconfig
from ops.local.node import machine
from ops.local.node.addresses import dns_address
from ops.local.node.images import PAUSE
from ops.local.node.layout import BRIDGE, NODE_NAME
from ops.local.store import write_atomically

if TYPE_CHECKING:
    from ops.local.kubeconfig import KubeAccess
    from ops.local.node.addresses import Addresses
    from ops.local.node.layout import NodeLayout

_TEMPLATES: Final = Path(__file__).parent / "templates"
_FILES: Final = {
    "containerd.toml": "containerd.toml",
    "cni.conflist": "cni/10-node.conflist",
    "kubelet.yaml": "kubelet.yaml",
    "kube-proxy.yaml": "kube-proxy.yaml",
}
"""Where each template goes, below the folder of the configuration."""
_FOLDERS: Final = ("bin", "volumes", "pod-logs", "kubelet", "containerd")
_XTABLES: Final = "/usr/sbin/xtables-legacy-multi"
"""One program by many names. Legacy, since not every kernel has the filters that the newer one needs."""
_XTABLES_NAMES: Final = tuple(
    f"{family}{verb}" for family in ("iptables", "ip6tables") for verb in ("", "-save", "-restore")
)


def write_configuration(layout: NodeLayout, addresses: Addresses, access: KubeAccess) -> None:
    """Write everything that the parts read, and the programs that they call by name.

    Args:
        layout: The node's folder.
        addresses: The node's addresses.
        access: The cluster that it joins.
    """
    values = {
        "pause_image": PAUSE,
        "plugin_folder": machine.plugin_folder(),
        "bridge": BRIDGE,
        "pods": addresses.pods,
        "node": addresses.node,
        "cgroup": layout.cgroup,
        "dns": dns_address(),
        "name": NODE_NAME,
    }
    for template, name in _FILES.items():
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        rendered = jinja2.Template(text, undefined=jinja2.StrictUndefined).render(values)
        write_atomically(layout.etc / name, rendered)
    # No name server of this machine: a pod asks the cluster's, and that one knows the cluster only.
    write_atomically(layout.etc / "resolv.conf", f"nameserver {addresses.bridge}\n")
    _write_credentials(layout.etc, access)
    for folder in _FOLDERS:
        (layout.folder / folder).mkdir(parents=True, exist_ok=True)
    for name in _XTABLES_NAMES:
        link = layout.folder / "bin" / name
        if not link.is_symlink():
            link.symlink_to(_XTABLES)


def _write_credentials(etc: Path, access: KubeAccess) -> None:
    document = json.loads(access.kubeconfig.read_text(encoding="utf-8"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    for name, encoded in {
        "ca.crt": cluster["certificate-authority-data"],
        "client.crt": user["client-certificate-data"],
        "client.key": user["client-key-data"],
    }.items():
        write_atomically(etc / name, base64.b64decode(encoded).decode())
    write_kubeconfig(etc / "kubeconfig", context="node", cluster=cluster, user=user)
