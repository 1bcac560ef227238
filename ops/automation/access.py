"""How to reach the cluster that a stack is in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ops.local.kubeconfig import KubeAccess
from ops.local.store import write_atomically
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROVIDER: Final = "pulumi:providers:kubernetes"


def cluster_of(resources: Iterable[Mapping[str, Any]], *, stack: str, folder: Path) -> KubeAccess:
    """Return how to reach a stack's cluster, as the stack's own provider reaches it.

    Args:
        resources: The resources of the stack's state.
        stack: Name of the stack.
        folder: Where the kubeconfig is written, where the state holds its content.

    Raises:
        UsageError: The stack has no provider yet.
    """
    kubeconfig, context = reached_by(resources, stack=stack)
    path = Path(kubeconfig)
    if "\n" in kubeconfig or kubeconfig.startswith("{"):
        path = folder / f"{stack}.kubeconfig"
        write_atomically(path, kubeconfig)
    return KubeAccess(path, context, server="")


def reached_by(resources: Iterable[Mapping[str, Any]], *, stack: str) -> tuple[str, str]:
    """Return the kubeconfig of a stack's own provider, its path or its content, and the context in it.

    Args:
        resources: The resources of the stack's state.
        stack: Name of the stack.

    Raises:
        UsageError: The stack has no provider yet.
    """
    for resource in resources:
        if resource["type"] == _PROVIDER:
            return _plain(resource["inputs"]["kubeconfig"]), _plain(resource["inputs"]["context"])
    raise UsageError.of(
        where=f"stack {stack}",
        what="its state names no cluster",
        why="nothing can be asked of it or changed in it",
        how="bring the stack up first: pulumi up",
    )


def _plain(value: object) -> str:
    """Return a property of the state as text, also where the state keeps it as a secret."""
    if isinstance(value, dict):
        value = json.loads(value["plaintext"])
    return str(value)
