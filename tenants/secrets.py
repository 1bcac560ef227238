"""Passwords that nobody has to store: derived from one master key.

HKDF-SHA256 (RFC 5869) without salt; its ``info`` names tenant, purpose and epoch, so
that no two secrets share an input. A lost state loses no password, a run twice changes
none, and raising an epoch replaces exactly one.
"""

from __future__ import annotations

import re
from base64 import b32encode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tenants.errors import UsageError

MASTER_KEY_BYTES = 32
"""Shortest master key that is accepted, in bytes."""

SECRET_BYTES = 25
"""200 bits: exactly 40 letters and digits."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def derive(master_key: bytes, *, tenant_id: str, purpose: str, epoch: int) -> str:
    """Return a secret of 40 lower-case letters and digits.

    Args:
        master_key: The environment's one secret, at least 32 random bytes.
        tenant_id: Whose secret; the same purpose gives another secret to each tenant.
        purpose: What it is for, such as ``database``.
        epoch: Raised to replace the secret; from 1.

    Raises:
        UsageError: The master key is too short to be guessed by nobody.
        ValueError: The names could be confused with others; a defect of the caller.
    """
    if len(master_key) < MASTER_KEY_BYTES:
        raise UsageError.of(
            where="master key",
            what=f"has {len(master_key)} bytes, fewer than {MASTER_KEY_BYTES}",
            why="every password of every tenant could be found by guessing this one key",
            how="restore the key that this environment was made with; a new one changes all passwords",
        )
    if not _NAME.fullmatch(tenant_id) or not _NAME.fullmatch(purpose) or epoch < 1:
        message = f"not a secret's name: {tenant_id!r}, {purpose!r}, {epoch!r}"
        raise ValueError(message)
    info = f"{tenant_id}/{purpose}/{epoch}".encode()
    secret = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(master_key)
    return b32encode(secret).decode().lower()
