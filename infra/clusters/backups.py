"""How a customer's backups reach the store in the stack's own cloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRoute:
    """How backups reach the store.

    Attributes:
        pattern: The repository as restic takes it, with ``{namespace}`` for the customer's namespace.
        environment: What else restic has to be told. No secret: it is known by what it is.
        pod_labels: Of the pods that write.
        credentials: Address on the node where pods get their passing credentials, or None where a
            volume brings them.
    """

    pattern: str
    environment: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    credentials: str | None = None

    def repository(self, namespace: str) -> str:
        """Return a customer's own repository."""
        return self.pattern.format(namespace=namespace)
