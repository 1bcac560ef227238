"""Where a dev environment runs, and where this machine keeps it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ops.local.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

STACK: Final = "dev"
HOME: Final = ROOT / ".local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a dev environment runs.

    Attributes:
        folder: Everything the environment keeps on this machine. One folder for each
            cluster, so that one state never describes two clusters.
        context: Context of the user's own kubeconfig, or None for the embedded cluster.
    """

    folder: Path
    context: str | None

    @classmethod
    def of(cls, context: str | None) -> Target:
        """Return the target for a context, or the embedded cluster for None."""
        if context is None:
            return cls(folder=HOME / STACK, context=None)
        slug = re.sub(r"[^a-z0-9]+", "-", context.lower()).strip("-")
        fingerprint = hashlib.sha256(context.encode()).hexdigest()[:8]
        return cls(folder=HOME / f"{STACK}-{slug}-{fingerprint}", context=context)
