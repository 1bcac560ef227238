"""Signing keys: the forms that the API refuses are refused here first, and keys rotate with an overlap."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import RSAAlgorithm

from tenants.errors import UsageError
from tenants.key_ring import KeyRing
from tenants.keys import SigningKey, load_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.registry import Registry
    from tenants.tenant import Tenant

FIRST = rsa.generate_private_key(65537, 2048)
SECOND = rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505  # too small on purpose
CURVE = ec.generate_private_key(ec.SECP256R1())


def private_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8
) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: PublicFormat = PublicFormat.SubjectPublicKeyInfo,
) -> str:
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_private_key_loads_and_its_public_part_is_what_the_api_reads(form: PrivateFormat) -> None:
    key = SigningKey.from_pem(private_pem(FIRST, form))
    assert key.public_pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert len(key.public_pem) >= 100
    assert load_public_key(key.public_pem).public_numbers() == FIRST.public_key().public_numbers()
    assert SigningKey.from_pem(private_pem(FIRST).encode()).key_id == key.key_id


def test_the_key_id_is_the_thumbprint_of_the_public_key() -> None:
    members = RSAAlgorithm.to_jwk(FIRST.public_key(), as_dict=True)
    text = json.dumps({"e": members["e"], "kty": "RSA", "n": members["n"]}, separators=(",", ":"))
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    assert SigningKey.from_pem(private_pem(FIRST)).key_id == digest


REFUSED_PRIVATE = {
    "a public key": (public_pem(FIRST), "is a public key"),
    "a PKCS#1 public key": (public_pem(FIRST, PublicFormat.PKCS1), "is a public key"),
    "no key": ("hello", "no PEM text"),
    "nothing": ("", "no PEM text"),
    "half a key": (private_pem(FIRST)[:400], "no PEM text"),
    "a passphrase": (
        FIRST.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode(),
        "without passphrase",
    ),
    "another kind": (private_pem(CURVE), "not an RSA key"),
    "a small key": (private_pem(SMALL), "has 1024 bits"),
}


@pytest.mark.parametrize("case", REFUSED_PRIVATE)
def test_a_private_key_is_refused(case: str) -> None:
    pem, message = REFUSED_PRIVATE[case]
    with pytest.raises(UsageError, match=message) as refused:
        SigningKey.from_pem(pem)
    assert "PRIVATE" not in str(refused.value)


REFUSED_PUBLIC = {
    "a private key": (private_pem(FIRST), "is a private key where a public one belongs"),
    "PKCS#1": (public_pem(FIRST, PublicFormat.PKCS1), "PKCS#1"),
    "no key": ("hello", "no PEM text"),
    "another kind": (public_pem(CURVE), "not an RSA key"),
    "a small key": (public_pem(SMALL), "has 1024 bits"),
}


@pytest.mark.parametrize("case", REFUSED_PUBLIC)
def test_a_public_key_is_refused(case: str) -> None:
    pem, message = REFUSED_PUBLIC[case]
    with pytest.raises(UsageError, match=message) as refused:
        load_public_key(pem)
    assert FIRST.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()[40:80] not in str(
        refused.value
    )


def test_no_key_and_the_same_key_twice_are_refused() -> None:
    with pytest.raises(UsageError, match="there is none"):
        KeyRing.from_pems({})
    with pytest.raises(UsageError, match="same key stands under two numbers"):
        KeyRing.from_pems({1: private_pem(FIRST), 2: private_pem(FIRST)})
    with pytest.raises(UsageError, match="licence signing keys: 2: is a public key"):
        KeyRing.from_pems({1: private_pem(FIRST), 2: public_pem(FIRST)})


def test_a_key_is_replaced_ring_by_ring(load: Callable[..., Registry], text: Callable[..., str]) -> None:
    rings = {"one": "canary", "two": "early", "three": "stable", "four": "stable"}

    def tenants(moved: set[str]) -> tuple[Tenant, ...]:
        return load(
            {
                name: text(name, ring=ring, epochs={"licence_key": 2 if name in moved else 1})
                for name, ring in rings.items()
            }
        ).tenants

    old = KeyRing.from_pems({1: private_pem(FIRST)})
    both = KeyRing.from_pems({1: private_pem(FIRST), 2: private_pem(SECOND)})
    new = KeyRing.from_pems({2: private_pem(SECOND)})
    before = {tenant.id: old.sign_for(tenant) for tenant in tenants(set())}

    moved: set[str] = set()
    steps = []
    while step := both.next_to_move(tenants(moved)):
        assert both.retirable(tenants(moved)) == frozenset()
        with pytest.raises(UsageError, match="no licence key 1") as refused:
            new.check(tenants(moved))
        assert len(refused.value.problems) == len(rings) - len(moved)
        steps.append({tenant.id for tenant in step})
        moved |= steps[-1]
        for tenant in tenants(moved):
            assert (both.sign_for(tenant) == before[tenant.id]) is (tenant.id not in moved)
            assert both.key_for(tenant).public_pem == public_pem(SECOND if tenant.id in moved else FIRST)
        assert both.sign_all(tenants(moved)) == {
            tenant.id: both.sign_for(tenant) for tenant in tenants(moved)
        }
    assert steps == [{"one"}, {"two"}, {"three", "four"}]
    assert both.newest == 2
    assert both.retirable(tenants(moved)) == {1}
    new.check(tenants(moved))
