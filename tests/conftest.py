"""What several kinds of tests need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UPDATE_GOLDEN = os.environ.get("UPDATE_GOLDEN") == "1"
"""Whether golden files are rewritten instead of compared."""


def new_licence_key() -> str:
    """Return a key as `iotistic licence keygen` would make it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def licence_private_key() -> str:
    """A licence key of the test run's own."""
    return new_licence_key()


@pytest.fixture(scope="session")
def next_licence_private_key() -> str:
    """The key that follows it."""
    return new_licence_key()


@pytest.fixture(scope="session")
def golden() -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or rewrite the file with UPDATE_GOLDEN=1."""

    def compare(path: Path, text: str) -> None:
        if UPDATE_GOLDEN:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs: if that is right, run make golden"

    return compare
