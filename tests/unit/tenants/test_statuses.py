"""Statuses: the table is complete, and words that nobody knows harm nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from stripe import Subscription

from tenants.models import TenantFile
from tenants.statuses import OUTCOMES, Status, status_of
from tenants.tenant import resolve

if TYPE_CHECKING:
    from tenants.plans import PlanTable


def stripe_statuses() -> set[str]:
    """Return the words that Stripe's own package knows."""
    return set(re.findall(r"'([a-z_]+)'", str(Subscription.__annotations__["status"]).replace('"', "'")))


def test_every_status_of_stripe_has_an_outcome() -> None:
    assert set(OUTCOMES) == set(Status)
    known = stripe_statuses()
    assert len(known) == 8
    assert known == {status.value for status in Status} - {"unknown"}
    assert {status_of(word) for word in known} == set(Status) - {Status.UNKNOWN}


@pytest.mark.parametrize("word", ["renewing", "cancelled", "", "ACTIVE", "unknown"])
def test_any_other_word_is_unknown_and_cuts_nobody_off(word: str) -> None:
    assert status_of(word) is Status.UNKNOWN
    outcome = OUTCOMES[status_of(word)]
    assert outcome.licensed
    assert outcome.runs


def test_no_licence_is_signed_with_a_status_that_one_generation_reads_differently() -> None:
    assert {outcome.signed_as for outcome in OUTCOMES.values()} == {"active", "trialing", "canceled"}
    assert all((outcome.signed_as == "canceled") is not outcome.licensed for outcome in OUTCOMES.values())
    assert all(outcome.runs is outcome.licensed for outcome in OUTCOMES.values())


def test_a_file_whose_rules_were_not_checked_makes_no_tenant(plans: PlanTable) -> None:
    file = TenantFile.model_validate(
        {
            "schema_version": 1,
            "id": "acme",
            "customer_id": "cust_" + "0" * 32,
            "company_name": "Acme",
            "contact_email": "it@acme.example",
            "plan": "starter",
            "created": "2026-11-02",
            "subscription": {"status": "active"},
        }
    )
    with pytest.raises(ValueError, match="its rules were not checked"):
        resolve(file, environment="dev", plan=plans["starter"])
