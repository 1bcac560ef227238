"""A customer as a pull request's preview shows them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from tenants.fields import TENANT_ID_PATTERN
from tenants.licences import claims_for
from tenants.models import NODE_PORTS, MqttMode
from tenants.preview import LARGEST_NUMBER, PREVIEW_ID, preview_id, preview_name, preview_number, preview_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.tenant import Tenant

UNTIL = date(2026, 12, 31)
IDS = ("abc", "acme", "0" * 32, "a" * 25 + "-" + "b" * 6, "a" * 18 + "-" * 10 + "bcde", "x" * 31 + "y")


@pytest.mark.parametrize("tenant_id", IDS)
@pytest.mark.parametrize("number", [1, 12, LARGEST_NUMBER])
def test_any_id_gets_one_that_is_allowed_and_is_a_previews(tenant_id: str, number: int) -> None:
    name = preview_id(tenant_id, number)
    assert re.fullmatch(TENANT_ID_PATTERN, name)
    assert re.match(PREVIEW_ID, name)
    assert name.startswith(f"pr-{number}-")


def test_ids_that_differ_stay_different() -> None:
    alike = ["a" * 31 + last for last in "bcdefgh"]
    assert len({preview_id(one, number) for one in [*alike, *IDS] for number in (1, 11, 2)}) == 3 * 13


@pytest.mark.parametrize("number", [1, 12, LARGEST_NUMBER])
def test_a_name_says_whose_it_is(number: int) -> None:
    assert preview_number(preview_name(number)) == number


@pytest.mark.parametrize("name", ["dev", "prod", "pr-", "pr-0", "pr-012", "pr-1x", "xpr-1", "pr-1234567890"])
def test_other_names_are_nobodys_preview(name: str) -> None:
    assert preview_number(name) is None


def test_nothing_of_it_is_the_customers_own(tenant: Callable[..., Tenant]) -> None:
    own = tenant(
        plan="professional",
        subscription={
            "status": "active",
            "current_period_end": "2027-12-31",
            "stripe_customer_id": "cus_Acme0000000001",
            "stripe_subscription_id": "sub_Acme0000000001",
        },
        mqtt={"mode": "node_port", **{key: 30001 + number for number, key in enumerate(NODE_PORTS)}},
        extra_hosts=["iot.acme.example"],
        options={"exporter": True, "node_red": True},
    )
    shown = preview_of(own, 12, until=UNTIL)
    assert shown.id == f"pr-12-{own.id}"
    assert shown.namespace == f"customer-pr-12-{own.id}"
    assert shown.environment == "pr-12"
    assert re.fullmatch(r"cust_[0-9a-f]{32}", shown.customer_id)
    assert len({own.customer_id, shown.customer_id, preview_of(own, 13, until=UNTIL).customer_id}) == 3
    assert (shown.stripe_customer_id, shown.stripe_subscription_id, shown.extra_hosts) == (None, None, ())
    assert shown.mqtt.mode is MqttMode.SHARED
    assert {getattr(shown.mqtt, key) for key in NODE_PORTS} == {None}
    assert (shown.options.exporter, shown.options.node_red) == (False, True)
    assert (shown.plan, shown.sizes, shown.storage) == (own.plan, own.sizes, own.storage)


def test_its_licence_is_marked_and_ends_soon(tenant: Callable[..., Tenant]) -> None:
    own = tenant()
    claims = claims_for(preview_of(own, 12, until=UNTIL))
    assert claims["tenantId"] == f"pr-12-{own.id}"
    assert claims["customerName"] == f"pr-12: {own.company_name}"
    assert datetime.fromtimestamp(claims["expiresAt"], UTC) == datetime(2027, 1, 1, tzinfo=UTC)
    assert claims["customerId"] != own.customer_id


def test_a_licence_that_ends_sooner_is_not_made_longer(tenant: Callable[..., Tenant]) -> None:
    own = tenant()
    far = preview_of(own, 12, until=date(2099, 1, 1))
    assert far.licence_expires_at == own.licence_expires_at


def test_a_long_name_stays_within_what_a_name_may_have(tenant: Callable[..., Tenant]) -> None:
    assert len(preview_of(tenant(company_name="ñ" * 120), 12, until=UNTIL).company_name) == 120
