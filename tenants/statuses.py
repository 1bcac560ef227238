"""What each status of a subscription means for the licence and for the workloads.

The table is the whole rule; docs/reference/statuses.md is generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The state of a subscription, in Stripe's words, and one for words that Stripe adds later."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    PAUSED = "paused"
    UNKNOWN = "unknown"


class ValidUntil(StrEnum):
    """From which day the licence's last day is counted; the plan's or trial's grace is added."""

    PERIOD_END = "the end of the paid period"
    TRIAL_END = "the end of the trial"
    PAST_DUE_SINCE = "the day the payment failed"
    NEVER = "never valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What follows from a status.

    Attributes:
        valid_until: What the licence's end hangs on.
        signed_as: The status inside the licence; both generations of the API know only some.
        runs: Whether the tenant's workloads run.
        reason: Why, for the documentation.
    """

    valid_until: ValidUntil
    signed_as: str
    runs: bool
    reason: str

    @property
    def licensed(self) -> bool:
        """Whether the API accepts the licence."""
        return self.valid_until is not ValidUntil.NEVER


def _refused(reason: str) -> Outcome:
    """Return the outcome of a status without access: ``canceled`` is what both generations refuse."""
    return Outcome(valid_until=ValidUntil.NEVER, signed_as="canceled", runs=False, reason=reason)


OUTCOMES = {
    Status.ACTIVE: Outcome(
        valid_until=ValidUntil.PERIOD_END,
        signed_as="active",
        runs=True,
        reason="Paid. The grace bridges the time between a renewal and its new licence.",
    ),
    Status.TRIALING: Outcome(
        valid_until=ValidUntil.TRIAL_END,
        signed_as="trialing",
        runs=True,
        reason="On trial. One generation of the API ignores the trial's end, so the licence itself ends.",
    ),
    Status.PAST_DUE: Outcome(
        valid_until=ValidUntil.PAST_DUE_SINCE,
        signed_as="active",
        runs=True,
        reason="A payment failed and is retried. Nobody is locked out for a card that expired.",
    ),
    Status.UNPAID: _refused("All retries failed. Data stays; paying brings everything back."),
    Status.CANCELED: _refused(
        "Ended for good. Data stays until somebody decommissions the tenant and the time passes.",
    ),
    Status.INCOMPLETE: _refused("The first payment has not succeeded yet."),
    Status.INCOMPLETE_EXPIRED: _refused("The first payment never succeeded."),
    Status.PAUSED: _refused("The trial ended without a way to pay. Data stays."),
    Status.UNKNOWN: Outcome(
        valid_until=ValidUntil.PERIOD_END,
        signed_as="active",
        runs=True,
        reason="A word this table does not know. Nobody is cut off for it; the licence ends with the period.",
    ),
}


def status_of(word: str) -> Status:
    """Return the status for a word of Stripe's; any word not known here is `Status.UNKNOWN`."""
    try:
        return Status(word)
    except ValueError:
        return Status.UNKNOWN
