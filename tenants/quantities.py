"""Kubernetes quantities, in the few spellings that the registry uses.

Kubernetes knows a dozen ways to write the same amount. The registry allows one for
each kind, so that two files that mean the same also read the same: processors as
``500m`` or ``2``, memory and storage as ``512Mi``, ``10Gi`` or ``1Ti``.
"""

from __future__ import annotations

from functools import lru_cache

CPU_PATTERN = r"^[1-9][0-9]{0,4}m?$"
BYTES_PATTERN = r"^[1-9][0-9]{0,4}(Mi|Gi|Ti)$"

_MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}


@lru_cache(maxsize=1024)
def millicores(text: str) -> int:
    """Return an amount of processor in thousandths of a core: ``500m`` is 500, ``2`` is 2000."""
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000


@lru_cache(maxsize=1024)
def mebibytes(text: str) -> int:
    """Return an amount of memory or storage in MiB: ``1Gi`` is 1024."""
    return int(text[:-2]) * _MEBIBYTES[text[-2:]]


def cpu_text(amount: int) -> str:
    """Return thousandths of a core the way Kubernetes shows them: whole cores without ``m``."""
    return f"{amount}m" if amount % 1000 else str(amount // 1000)


def bytes_text(amount: int) -> str:
    """Return MiB the way Kubernetes shows them: in the largest unit that divides them."""
    for unit in ("Ti", "Gi"):
        if amount and amount % _MEBIBYTES[unit] == 0:
            return f"{amount // _MEBIBYTES[unit]}{unit}"
    return f"{amount}Mi"
