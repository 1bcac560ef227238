"""How a program of the platform that keeps its data as objects reaches the store in the stack's own cloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ObjectKind = Literal["azure", "s3", "gcs"]
"""A cloud's interface to objects, as most programs call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRoute:
    """Where one namespace's part of a store is.

    Attributes:
        kind: The cloud's interface.
        bucket: The bucket, or in Azure the container.
        prefix: What the names of all objects begin with; None where the bucket is all the namespace's.
        settings: What else has to be told of the interface. No key: a program is known by what it is.
        pod_labels: Of the program's pods.
        credentials: Address on the node where pods get their passing credentials, or None where a
            volume brings them.
    """

    kind: ObjectKind
    bucket: str
    prefix: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    credentials: str | None = None
