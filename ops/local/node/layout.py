"""Where a node keeps what, seen from this machine and from inside the node."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INSIDE: Final = Path("/run/node")
"""Where the node's own processes see its folder. Short, since a socket's path may have 107 bytes."""
NODE_NAME: Final = "real-1"
"""The node's name in the cluster."""
BRIDGE: Final = "pods"
"""The node's network interface to which its pods are connected."""


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """The folder of one node.

    Attributes:
        folder: Everything that the node keeps on this machine.
    """

    folder: Path

    @property
    def id(self) -> str:
        """Eight characters that no other folder on this machine has."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def interface(self) -> str:
        """The one network interface that this machine gets: its end of the cable to the node."""
        return f"iotistic{self.id[:6]}"

    @property
    def cgroup(self) -> str:
        """The cgroup that all pods are below, in every hierarchy."""
        return f"iotistic-{self.id}"

    @property
    def record(self) -> Path:
        """File that remembers the addresses, which never change while the node exists."""
        return self.folder / "node.json"

    @property
    def started(self) -> Path:
        """File that remembers what each part was started from."""
        return self.folder / "parts.json"

    @property
    def logs(self) -> Path:
        """Folder with one log for each part."""
        return self.folder / "logs"

    @property
    def etc(self) -> Path:
        """Folder of the parts' configuration, written anew by every start."""
        return self.folder / "etc"
