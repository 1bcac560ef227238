"""The RSA keys that sign licences, and the forms of them that the API would refuse."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SMALLEST_KEY_BITS = 2048

_WHY_PUBLIC = "the API refuses such a key and treats every licence as false"


def _refused(where: str, what: str, why: str, how: str) -> UsageError:
    return UsageError.of(where=where, what=what, why=why, how=how)


@dataclass(frozen=True)
class SigningKey:
    """A private key that signs licences; load it once, signing is cheap then.

    Attributes:
        private_key: The loaded key. Never shown.
    """

    private_key: RSAPrivateKey = field(repr=False)

    @classmethod
    def from_pem(cls, pem: str | bytes, *, where: str = "licence signing key") -> SigningKey:
        """Load a private key from PEM text without a passphrase.

        Args:
            pem: The text.
            where: How messages name its source.

        Raises:
            UsageError: It is no private RSA key of at least 2048 bits.
        """
        content = pem.encode() if isinstance(pem, str) else pem
        why = "no licence could be signed, and a tenant without a licence is unlimited or locked out"
        how = "give the PEM text of an RSA private key; `iotistic licence keygen` makes one"
        if b"PUBLIC KEY" in content:
            raise _refused(where, "is a public key, a private one is needed", why, how)
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError) as error:
            raise _refused(where, "is no PEM text of a private key without passphrase", why, how) from error
        if not isinstance(key, RSAPrivateKey):
            raise _refused(where, "is not an RSA key", "the API accepts RS256 only", how)
        _check_size(key.key_size, where)
        return cls(key)

    @cached_property
    def public_pem(self) -> str:
        """The public key in the one form that the API reads (SPKI PEM)."""
        return _spki(self.private_key.public_key())

    @cached_property
    def key_id(self) -> str:
        """The key's thumbprint (RFC 7638), the licence's ``kid``."""
        return thumbprint(self.private_key.public_key())

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the licence: an RS256 JWT, the same bytes for the same claims and key."""
        return jwt.encode(dict(claims), self.private_key, algorithm="RS256", headers={"kid": self.key_id})


def load_public_key(pem: str | bytes, *, where: str = "licence public key") -> RSAPublicKey:
    """Load a public key in the form that the API reads.

    Raises:
        UsageError: It is private, PKCS#1, not RSA or smaller than 2048 bits.
    """
    content = pem.encode() if isinstance(pem, str) else pem
    how = "give the key as `iotistic licence show` prints it: BEGIN PUBLIC KEY"
    if b"PRIVATE KEY" in content:
        raise _refused(
            where,
            "is a private key where a public one belongs",
            "whoever reads it can sign licences for anybody; it must be treated as leaked",
            "replace the key pair, then give the public key: BEGIN PUBLIC KEY",
        )
    if b"BEGIN RSA PUBLIC KEY" in content:
        raise _refused(where, "is in the PKCS#1 form", _WHY_PUBLIC, how)
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise _refused(where, "is no PEM text of a public key", _WHY_PUBLIC, how) from error
    if not isinstance(key, RSAPublicKey):
        raise _refused(where, "is not an RSA key", _WHY_PUBLIC, how)
    _check_size(key.key_size, where)
    return key


def thumbprint(key: RSAPublicKey) -> str:
    """Return a public key's RFC 7638 thumbprint: SHA-256 of its required members, base64url."""
    numbers = key.public_numbers()
    members = {"e": _base64url(_big_endian(numbers.e)), "kty": "RSA", "n": _base64url(_big_endian(numbers.n))}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(text.encode()).digest())


def _check_size(bits: int, where: str) -> None:
    if bits < SMALLEST_KEY_BITS:
        raise _refused(
            where,
            f"has {bits} bits, fewer than {SMALLEST_KEY_BITS}",
            "a small key can be broken, and then anybody signs licences",
            "make a new pair with `iotistic licence keygen`",
        )


def _spki(key: RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
