"""Kubeconfigs that stand alone: certificates inside, one context, readable by their owner only."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.local.store import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class KubeAccess:
    """How to reach a cluster.

    Attributes:
        kubeconfig: File with everything needed, mode 0600.
        context: Name of its one context.
        server: Address of the API server.
    """

    kubeconfig: Path
    context: str
    server: str


def encode_file(path: Path) -> str:
    """Return a file's content as a kubeconfig takes it inline."""
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(
    path: Path,
    *,
    context: str,
    cluster: dict[str, Any],
    user: dict[str, Any],
    namespace: str | None = None,
) -> KubeAccess:
    """Write a kubeconfig with one context and return how to use it.

    Args:
        path: Where to write it.
        context: Name of the context, its cluster and its user.
        cluster: The ``cluster`` part, which names the server.
        user: The ``user`` part.
        namespace: Namespace that the context starts in.
    """
    reference = {"cluster": context, "user": context}
    if namespace is not None:
        reference["namespace"] = namespace
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": reference}],
        "current-context": context,
    }
    # JSON is YAML, and says unmistakably what is a text and what is not.
    write_atomically(path, json.dumps(document, indent=2) + "\n")
    return KubeAccess(path, context, str(cluster["server"]))
