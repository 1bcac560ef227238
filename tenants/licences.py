"""What a licence says.

The claims are those that both generations of the API accept, in one fixed order and
from the registry's dates only, so that the same registry always gives the same bytes.
A tenant that is not served gets a licence that the API refuses, never none: one
generation of the API takes a missing licence for an unlimited one.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt

from tenants.errors import Problem, UsageError
from tenants.keys import SigningKey, load_public_key
from tenants.quantities import mebibytes
from tenants.statuses import Status
from tenants.tenant import end_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jwt.types import Options

    from tenants.tenant import Tenant

__all__ = ["SigningKey", "claims_for", "read_licence", "refusals", "verify_licence"]

_REFUSED = "canceled"
"""The one status that both generations refuse; others only mark a licence as inactive."""


def claims_for(tenant: Tenant) -> dict[str, Any]:
    """Return the claims of a tenant's licence."""
    plan, features, limits = tenant.plan, tenant.plan.features, tenant.plan.limits
    issued = int(tenant.licence_issued_at.timestamp())
    expires = int(tenant.licence_expires_at.timestamp())
    trial_end = end_of(tenant.trial_ends) if tenant.trial_ends else tenant.licence_issued_at
    period_end = end_of(tenant.current_period_end) if tenant.current_period_end else trial_end
    caps = {
        "maxJobTemplates": limits.max_job_templates,
        "maxAlertRules": limits.max_alert_rules,
        "maxUsers": limits.max_users,
    }
    return {
        "customerId": tenant.customer_id,
        "tenantId": tenant.id,
        "clientId": hashlib.sha256(tenant.customer_id.encode()).hexdigest()[:12],
        "customerName": tenant.company_name,
        "plan": plan.name,
        "features": {
            "maxDevices": features.max_devices,
            "canExecuteJobs": features.can_execute_jobs,
            "canScheduleJobs": features.can_schedule_jobs,
            "canRemoteAccess": features.can_remote_access,
            "canOtaUpdates": features.can_ota_updates,
            "canExportData": features.can_export_data,
            "hasAdvancedAlerts": features.has_advanced_alerts,
            "hasCustomDashboards": features.has_custom_dashboards,
            "hasDedicatedPrometheus": features.has_dedicated_prometheus,
            "hasDedicatedGrafana": features.has_dedicated_grafana,
            "prometheusRetentionDays": plan.monitoring.retention_days,
            "prometheusStorageGb": mebibytes(tenant.storage.prometheus) // 1024
            if features.has_dedicated_prometheus
            else 0,
        },
        "limits": {name: cap for name, cap in caps.items() if cap is not None},
        "trial": {
            "isTrialMode": tenant.status is Status.TRIALING,
            "expiresAt": _iso(trial_end),
            "gracePeriodDays": tenant.trial_grace_days,
        },
        "subscription": {
            "status": tenant.outcome.signed_as if tenant.licensed else _REFUSED,
            "currentPeriodEndsAt": _iso(period_end),
        },
        "issuedAt": issued,
        "expiresAt": expires,
        "iat": issued,
        "exp": expires,
    }


def verify_licence(token: str, public_pem: str | bytes, *, at: datetime) -> dict[str, Any]:
    """Return a licence's claims if both generations of the API would accept it at a moment.

    Args:
        token: The licence.
        public_pem: The public key that the tenant's API has.
        at: The moment, with its time zone.

    Raises:
        UsageError: Every reason to refuse it.
    """
    claims = read_licence(token, public_pem)
    problems = refusals(claims, at=at)
    if problems:
        raise UsageError(problems)
    return claims


def read_licence(token: str, public_pem: str | bytes) -> dict[str, Any]:
    """Return the claims of a licence that this key has signed, also of one that is over.

    Raises:
        UsageError: It is signed by another key or by none.
    """
    key = load_public_key(public_pem)
    try:
        options: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], options=options)
    except jwt.InvalidTokenError as error:
        raise UsageError.of(
            where="licence",
            what=f"is not signed with this key: {str(error).lower()}",
            why="one generation of the API stops at such a licence, the other runs without one",
            how="give the tenant the licence and the public key of the same signing key",
        ) from error
    return claims


def refusals(claims: Mapping[str, Any], *, at: datetime) -> list[Problem]:
    """Return why an API would refuse a licence with these claims at a moment."""
    problems = []
    end = claims.get("expiresAt")
    if not isinstance(end, int) or end <= at.timestamp():
        ended = (
            f"ended on {datetime.fromtimestamp(end, UTC):%Y-%m-%d}" if isinstance(end, int) else "is no date"
        )
        problems.append(
            Problem(
                where="licence: expiresAt",
                what=ended,
                why="the API refuses it from then on",
                how="renew the subscription or extend the trial in the tenant's file",
            )
        )
    if (claims.get("subscription") or {}).get("status") == _REFUSED:
        problems.append(
            Problem(
                where="licence: subscription.status",
                what="says that the subscription is canceled",
                why="the API refuses it",
                how="see docs/reference/statuses.md for the statuses that give access",
            )
        )
    return problems


def _iso(moment: datetime) -> str:
    """Return a moment the way JavaScript writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
