"""Licences: what they say, that nothing but the registry changes them, and when they are accepted."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tenants.errors import UsageError
from tenants.licences import SigningKey, claims_for, verify_licence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenants.tenant import Tenant

    Make = Callable[..., Tenant]


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey(rsa.generate_private_key(65537, 2048))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_starter_licence_says_all_that_both_generations_read(tenant: Make) -> None:
    claims = claims_for(tenant(customer_id="cust_0123456789abcdef0123456789abcdef"))
    assert claims == {
        "customerId": "cust_0123456789abcdef0123456789abcdef",
        "tenantId": "acme",
        "clientId": "896fa8c05da8",
        "customerName": "Acme Workshop",
        "plan": "starter",
        "features": {
            "maxDevices": 5,
            "canExecuteJobs": True,
            "canScheduleJobs": False,
            "canRemoteAccess": True,
            "canOtaUpdates": False,
            "canExportData": True,
            "hasAdvancedAlerts": False,
            "hasCustomDashboards": False,
            "hasDedicatedPrometheus": False,
            "hasDedicatedGrafana": False,
            "prometheusRetentionDays": 7,
            "prometheusStorageGb": 0,
        },
        "limits": {"maxJobTemplates": 10, "maxAlertRules": 25, "maxUsers": 2},
        "trial": {"isTrialMode": False, "expiresAt": "2026-11-02T00:00:00.000Z", "gracePeriodDays": 7},
        "subscription": {"status": "active", "currentPeriodEndsAt": "2027-01-01T00:00:00.000Z"},
        "issuedAt": 1793577600,
        "expiresAt": 1799366400,
        "iat": 1793577600,
        "exp": 1799366400,
    }


def test_an_enterprise_licence_is_unlimited(tenant: Make) -> None:
    claims = claims_for(tenant(plan="enterprise", storage={"prometheus": "80Gi"}))
    assert claims["features"]["maxDevices"] == 999_999
    assert claims["features"]["prometheusStorageGb"] == 80
    assert claims["features"]["prometheusRetentionDays"] == 30
    assert claims["limits"] == {}
    assert all(
        claims["features"][name] is True for name in claims["features"] if name.startswith(("can", "has"))
    )


def test_the_times_are_whole_seconds_and_grace_is_never_zero(tenant: Make) -> None:
    # Milliseconds or text would never expire in one generation and stop the other; zero days count as 14.
    claims = claims_for(tenant())
    for name in ("issuedAt", "expiresAt", "iat", "exp"):
        assert type(claims[name]) is int
        assert claims[name] < 10**10
    assert claims["trial"]["gracePeriodDays"] >= 1


def test_a_trial_ends_with_its_licence(tenant: Make) -> None:
    trialing = tenant(trial={"ends": "2026-11-16", "grace_days": 3}, subscription={"status": "trialing"})
    claims = claims_for(trialing)
    assert claims["trial"] == {
        "isTrialMode": True,
        "expiresAt": "2026-11-17T00:00:00.000Z",
        "gracePeriodDays": 3,
    }
    assert claims["plan"] == "starter"
    assert claims["subscription"]["status"] == "trialing"
    assert trialing.licence_expires_at == moment("2026-11-20")


def test_the_same_registry_gives_the_same_bytes_and_a_renewal_others(tenant: Make, key: SigningKey) -> None:
    first = key.sign(claims_for(tenant()))
    assert key.sign(claims_for(tenant())) == first
    renewed = key.sign(
        claims_for(tenant(subscription={"status": "active", "current_period_end": "2027-01-31"}))
    )
    assert renewed != first
    assert key.sign(claims_for(tenant(notes="Called on Monday."))) == first


def test_the_header_names_the_key(tenant: Make, key: SigningKey) -> None:
    header = jwt.get_unverified_header(key.sign(claims_for(tenant())))
    assert header == {"alg": "RS256", "kid": key.key_id, "typ": "JWT"}


@pytest.mark.parametrize(
    "name",
    [
        "${HOME} $(id) `id` %s {{ tpl }}",
        'Bob "The" Builder',
        "O'Neill & Söhne <GmbH>",
        "A\\B Ltd",
        "株式会社アクメ 🏭",
        "شركة أكمي",
        "no",
        "123",
        'x"\\nplan: enterprise',
    ],
)
def test_any_company_name_reaches_the_licence_unchanged(tenant: Make, key: SigningKey, name: str) -> None:
    token = key.sign(claims_for(tenant(company_name=name)))
    assert verify_licence(token, key.public_pem, at=moment("2026-12-01"))["customerName"] == name


STATUSES: dict[str, tuple[dict[str, Any], str, str | None, bool]] = {
    # status: (further fields, status in the licence, first moment it is refused, workloads run)
    "active": ({"current_period_end": "2026-12-31"}, "active", "2027-01-08", True),
    "trialing": ({}, "trialing", "2026-11-24", True),
    "past_due": ({"past_due_since": "2026-12-01"}, "active", "2026-12-09", True),
    "unpaid": ({"current_period_end": "2026-12-31"}, "canceled", None, False),
    "canceled": ({"current_period_end": "2026-12-31"}, "canceled", None, False),
    "incomplete": ({}, "canceled", None, False),
    "incomplete_expired": ({}, "canceled", None, False),
    "paused": ({}, "canceled", None, False),
    "unknown": ({"current_period_end": "2026-12-31"}, "active", "2027-01-08", True),
}


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_licence_and_workloads(tenant: Make, key: SigningKey, status: str) -> None:
    fields, signed_as, refused_from, runs = STATUSES[status]
    made = tenant(trial={"ends": "2026-11-16"}, subscription={"status": status, **fields})
    token = key.sign(claims_for(made))
    claims = jwt.decode(token, key.public_pem, algorithms=["RS256"], options={"verify_exp": False})
    assert claims["subscription"]["status"] == signed_as
    assert made.runs is runs
    assert made.licensed is (refused_from is not None)
    if refused_from:
        verify_licence(token, key.public_pem, at=moment(refused_from) - timedelta(seconds=1))
        with pytest.raises(UsageError, match=r"ended on "):
            verify_licence(token, key.public_pem, at=moment(refused_from))
    else:
        with pytest.raises(UsageError, match=r"(?s)ended on 2026-11-02.*canceled"):
            verify_licence(token, key.public_pem, at=made.licence_issued_at)


@pytest.mark.parametrize(
    "lifecycle",
    [
        {"state": "suspended", "reason": "abuse", "since": "2026-11-10"},
        {
            "state": "decommissioned",
            "reason": "customer left",
            "since": "2026-11-10",
            "delete_after": "2026-12-31",
        },
    ],
    ids=lambda lifecycle: lifecycle["state"],
)
def test_a_tenant_that_is_not_served_has_a_licence_that_is_refused(
    tenant: Make, key: SigningKey, lifecycle: dict[str, str]
) -> None:
    made = tenant(lifecycle=lifecycle)
    assert not made.runs
    assert not made.licensed
    token = key.sign(claims_for(made))
    assert token.count(".") == 2
    with pytest.raises(UsageError) as refused:
        verify_licence(token, key.public_pem, at=made.licence_issued_at)
    assert {problem.where for problem in refused.value.problems} == {
        "licence: expiresAt",
        "licence: subscription.status",
    }


@pytest.mark.parametrize("token", ["", "x.y.z", "{}"])
def test_what_is_no_licence_is_refused(key: SigningKey, token: str) -> None:
    with pytest.raises(UsageError, match="not signed with this key"):
        verify_licence(token, key.public_pem, at=moment("2026-12-01"))


def test_a_licence_of_another_key_or_algorithm_is_refused(tenant: Make, key: SigningKey) -> None:
    claims = claims_for(tenant())
    foreign = SigningKey(rsa.generate_private_key(65537, 2048)).sign(claims)
    unsigned = jwt.encode(claims, "", algorithm="none")
    symmetric = jwt.encode(claims, "a secret of more than thirty-two bytes", algorithm="HS256")
    for token in (foreign, unsigned, symmetric):
        with pytest.raises(UsageError, match="not signed with this key"):
            verify_licence(token, key.public_pem, at=moment("2026-12-01"))


def test_a_second_implementation_verifies_the_licence(tenant: Make, key: SigningKey, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "install openssl"
    head, body, signature = key.sign(claims_for(tenant())).split(".")
    (tmp_path / "key.pem").write_text(key.public_pem)
    (tmp_path / "signature").write_bytes(jwt.utils.base64url_decode(signature))
    command = [openssl, "dgst", "-sha256", "-verify", str(tmp_path / "key.pem"), "-signature"]
    signed = f"{head}.{body}".encode()
    good = subprocess.run(
        [*command, str(tmp_path / "signature")], input=signed, capture_output=True, check=False
    )
    assert good.stdout == b"Verified OK\n"
    bad = subprocess.run(
        [*command, str(tmp_path / "signature")], input=signed + b"x", capture_output=True, check=False
    )
    assert bad.returncode != 0
    assert json.loads(jwt.utils.base64url_decode(body))["tenantId"] == "acme"


def test_the_private_key_shows_nowhere(key: SigningKey) -> None:
    secret = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert "private" not in repr(key).lower().replace("private_key", "")
    assert secret.splitlines()[1] not in repr(key)
