"""Derived secrets: the same for ever, and none tells anything about another."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tenants.errors import UsageError
from tenants.secrets import derive

MASTER = bytes(range(32))


def test_a_known_vector() -> None:
    # openssl kdf -keylen 25 -kdfopt digest:SHA256 -kdfopt hexkey:000102…1f -kdfopt info:acme/database/1 HKDF
    # and the 25 bytes written as base 32.
    assert (
        derive(MASTER, tenant_id="acme", purpose="database", epoch=1)
        == "e5mtafnd7cnupfpfhh5g6s725jrv6kmszsokrvk4"
    )


def test_tenant_purpose_epoch_and_master_key_each_make_another_secret() -> None:
    names = product((MASTER, MASTER[::-1]), ("acme", "globex"), ("database", "mqtt", "jwt"), (1, 2, 11))
    secrets = [
        derive(key, tenant_id=tenant, purpose=purpose, epoch=epoch) for key, tenant, purpose, epoch in names
    ]
    assert len(set(secrets)) == 2 * 2 * 3 * 3
    assert all(re.fullmatch(r"[a-z2-7]{40}", secret) for secret in secrets)


@pytest.mark.parametrize("length", [0, 16, 31])
def test_a_short_master_key_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match=f"has {length} bytes, fewer than 32"):
        derive(MASTER[:length], tenant_id="acme", purpose="database", epoch=1)


@pytest.mark.parametrize(
    ("tenant_id", "purpose", "epoch"),
    [
        ("acme/database", "x", 1),
        ("", "database", 1),
        ("acme", "", 1),
        ("acme", "a/b", 1),
        ("acme", "database", 0),
    ],
)
def test_names_that_could_be_taken_for_others_are_a_defect(tenant_id: str, purpose: str, epoch: int) -> None:
    with pytest.raises(ValueError, match="not a secret's name"):
        derive(MASTER, tenant_id=tenant_id, purpose=purpose, epoch=epoch)
