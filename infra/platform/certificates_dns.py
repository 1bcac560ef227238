"""How cert-manager answers a challenge in a DNS zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSolver:
    """How cert-manager proves that a domain is ours: by a record in its zone, without a key.

    Attributes:
        dns01: What stands under ``dns01`` of a solver.
        annotations: Of cert-manager's service account: what it is in the cloud.
        pod_labels: Of its pods.
        ready: What has to exist before the identity can be used.
    """

    dns01: Mapping[str, Any]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    ready: Sequence[pulumi.Resource] = ()
