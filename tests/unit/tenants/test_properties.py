"""What must hold for every tenant there could be, tried with many random ones."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # the package brings no types

from tenants.errors import UsageError
from tenants.generate import schema
from tenants.licences import SigningKey, claims_for, verify_licence
from tenants.models import TenantFile
from tenants.registry import check_tenant
from tenants.splice import rendered, spliced
from tenants.yaml_source import parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.plans import PlanTable
    from tenants.registry_rules import Loaded

SCHEMA = Draft202012Validator(json.loads(schema()))
KEY = SigningKey(rsa.generate_private_key(65537, 2048))
FIRST, LAST = date(2026, 1, 1), date(2030, 12, 31)
DAYS = st.dates(FIRST, LAST)
CPU = st.integers(4000, 64_000).map(lambda amount: f"{amount}m")
MEMORY = st.integers(4, 256).map(lambda amount: f"{amount}Gi")
ANY_SCRIPT = "aZ09 .,-_'\"\\/${}[]()%#:&*!|>?@`~=<äßéØЖйع日本語🏭\u200d"
LINE = st.text(ANY_SCRIPT, min_size=1, max_size=40).map(str.strip).filter(bool)
HOST = st.from_regex(r"[a-z][a-z0-9]{0,8}\.[a-z][a-z0-9]{0,8}\.example", fullmatch=True)
HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


@st.composite
def subscriptions(draw: st.DrawFn, created: date) -> dict[str, Any]:
    later = st.dates(created, LAST).map(str)
    status = draw(st.sampled_from(["active", "past_due", "unpaid", "canceled", "paused", "unknown"]))
    values = {"status": status, "current_period_end": draw(later)}
    if status == "past_due":
        values["past_due_since"] = draw(later)
    if draw(st.booleans()):
        values["stripe_customer_id"] = f"cus_{draw(HEX)}"
    return values


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Return the values of any valid file, with any of the fields that may be left out."""
    created = draw(DAYS)
    values: dict[str, Any] = {
        "schema_version": 1,
        "id": "acme",
        "customer_id": f"cust_{draw(HEX)}",
        "company_name": draw(LINE),
        "contact_email": "it@acme.example",
        "plan": draw(st.sampled_from(["starter", "professional", "enterprise"])),
        "created": str(created),
        "subscription": draw(subscriptions(created)),
    }
    sizes = st.fixed_dictionaries({"cpu_limit": CPU, "memory_limit": MEMORY})
    optional: dict[str, st.SearchStrategy[Any]] = {
        "lifecycle": st.fixed_dictionaries(
            {"state": st.just("suspended"), "reason": LINE, "since": st.just(str(created))}
        ),
        "ring": st.sampled_from(["canary", "early", "stable"]),
        "cell": st.from_regex(r"[a-z][a-z0-9]{1,6}", fullmatch=True),
        "version": st.from_regex(r"[12]\.[1-9]?[0-9]\.[1-9]", fullmatch=True),
        "options": st.dictionaries(st.sampled_from(["node_red", "exporter"]), st.booleans(), min_size=1),
        "resources": st.dictionaries(st.sampled_from(["api", "postgres", "job"]), sizes, min_size=1),
        "storage": st.dictionaries(st.sampled_from(["postgres", "mosquitto"]), MEMORY, min_size=1),
        "extra_hosts": st.lists(HOST, min_size=1, max_size=3, unique=True),
        "epochs": st.dictionaries(st.sampled_from(["jwt", "mqtt"]), st.integers(1, 9999), min_size=1),
        "notes": st.text(ANY_SCRIPT + "\n", min_size=1, max_size=60),
    }
    for name, strategy in optional.items():
        if draw(st.booleans()):
            values[name] = draw(strategy)
    return values


def load(content: bytes, plans: PlanTable) -> Loaded:
    document = parse_document(content, "dev/acme.yaml")
    return check_tenant(document, stem="acme", environment="dev", plans=plans)


@given(values=files())
def test_the_schema_accepts_what_the_loader_accepts(values: dict[str, Any], plans: PlanTable) -> None:
    load(rendered(values).encode(), plans)
    assert [error.message for error in SCHEMA.iter_errors(values)] == []


@given(values=files())
def test_any_valid_tenant_survives_writing_and_reading(values: dict[str, Any], plans: PlanTable) -> None:
    first = load(rendered(values).encode(), plans)
    written = first.file.model_dump(mode="json", exclude_unset=True)
    assert written == values
    second = load(rendered(written).encode(), plans)
    assert second.file == first.file
    assert second.tenant == first.tenant


@given(values=files())
def test_licences_verify_and_are_stable(values: dict[str, Any], plans: PlanTable) -> None:
    tenant = load(rendered(values).encode(), plans).tenant
    token = KEY.sign(claims_for(tenant))
    assert token == KEY.sign(claims_for(load(rendered(values).encode(), plans).tenant))
    last = tenant.licence_expires_at - timedelta(seconds=1)
    if tenant.licensed:
        claims = verify_licence(token, KEY.public_pem, at=last)
        assert claims["customerName"] == values["company_name"]
        assert claims["exp"] == claims["expiresAt"] > claims["issuedAt"]
    with pytest.raises(UsageError):
        verify_licence(token, KEY.public_pem, at=tenant.licence_expires_at)
    assert tenant.licence_issued_at <= tenant.licence_expires_at


EDITS: dict[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("company_name",): st.text(ANY_SCRIPT, max_size=130),
    ("contact_email",): st.sampled_from(["a@b.example", "a", "a@b", "a b@c.example"]),
    ("plan",): st.sampled_from(["starter", "professional", "enterprise", "startr", "no"]),
    ("created",): DAYS.map(str) | st.sampled_from(["2026-02-30", "2026-1-1", "yesterday"]),
    ("subscription", "status"): st.sampled_from(["active", "unpaid", "trialing", "cancelled", "past_due"]),
    ("subscription", "current_period_end"): DAYS.map(str) | st.integers(),
    ("ring",): st.sampled_from(["canary", "stable", "Stable", True]),
    ("epochs", "jwt"): st.integers() | st.booleans() | st.text("12a", max_size=3),
    ("storage", "postgres"): MEMORY | st.text("0123GMTi.-", max_size=6) | st.integers(),
    ("resources", "api", "cpu_limit"): CPU | st.text("0123456789m.-", max_size=6),
    ("options", "node_red"): st.booleans() | st.sampled_from(["yes", 1]),
    ("notes",): st.text(ANY_SCRIPT, max_size=40),
    ("id",): st.text("abc-_./", max_size=40),
    ("database_version",): st.integers(0, 30),
}


def flattened(values: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    flat: dict[tuple[str, ...], Any] = {}
    for key, value in values.items():
        inside = flattened(value, (*prefix, key)) if isinstance(value, dict) else {(*prefix, key): value}
        flat.update(inside)
    return flat


@given(values=files(), data=st.data())
def test_a_random_edit_is_refused_or_changes_only_what_it_names(
    values: dict[str, Any], data: st.DataObject, plans: PlanTable
) -> None:
    before = rendered(values).encode()
    keys = data.draw(st.sampled_from(sorted(EDITS)))
    value = data.draw(EDITS[keys])
    try:
        after = spliced(before, "dev/acme.yaml", {keys: value}, order=tuple(TenantFile.model_fields))
        loaded = load(after, plans)
    except UsageError as refused:
        assert refused.problems  # noqa: PT017  # refused or done
        return
    old = flattened(load(before, plans).file.model_dump(mode="json"))
    new = flattened(loaded.file.model_dump(mode="json"))
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    assert all(key[: len(keys)] == keys or keys[: len(key)] == key for key in changed)
    assert new[keys] == value
