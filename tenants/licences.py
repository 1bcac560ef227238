"""What a licence says, and which key signs it.

The claims are those that both generations of the API accept, in one fixed order and
from the registry's dates only, so that the same registry always gives the same bytes.
A tenant that is not served gets a licence that the API refuses, never none: one
generation of the API takes a missing licence for an unlimited one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.errors import Problem, UsageError
from tenants.keys import SigningKey
from tenants.statuses import Status
from tenants.tenant import midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tenants.tenant import Tenant

__all__ = ["KeyRing", "SigningKey", "claims_for"]

_REFUSED = "canceled"
"""The one status that both generations refuse; others only mark a licence as inactive."""


def claims_for(tenant: Tenant) -> dict[str, Any]:
    """Return the claims of a tenant's licence."""
    plan, features, limits = tenant.plan, tenant.plan.features, tenant.plan.limits
    issued = int(tenant.licence_issued_at.timestamp())
    expires = int(tenant.licence_expires_at.timestamp())
    trial_end = midnight(tenant.trial_ends) if tenant.trial_ends else tenant.licence_issued_at
    period_end = midnight(tenant.current_period_end) if tenant.current_period_end else trial_end
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


@dataclass(frozen=True)
class KeyRing:
    """The signing keys that are in use, by number; a tenant's ``epochs.licence_key`` picks one.

    To replace a key: add the new one under the next number, raise the number in the
    tenants' files ring by ring, and drop the old one when no tenant names it any more.
    """

    keys: Mapping[int, SigningKey]

    @property
    def newest(self) -> int:
        """The number that new tenants get."""
        return max(self.keys)

    def key_for(self, tenant: Tenant) -> SigningKey:
        """Return the key of a tenant; its public part goes to the tenant's API."""
        self.check([tenant])
        return self.keys[tenant.epochs.licence_key]

    def sign_for(self, tenant: Tenant) -> str:
        """Return a tenant's licence."""
        return self.key_for(tenant).sign(claims_for(tenant))

    def check(self, tenants: Iterable[Tenant]) -> None:
        """Refuse tenants whose key is not there.

        Raises:
            UsageError: Each tenant that names a key that is retired or not made yet.
        """
        known = ", ".join(str(number) for number in sorted(self.keys))
        problems = [
            Problem(
                where=f"{tenant.environment}/{tenant.id}.yaml: epochs.licence_key",
                what=f"the licence key {tenant.epochs.licence_key} is not there",
                why="the tenant would have no licence, and its API would stop or run without limits",
                how=f"use one of the keys that are there ({known}), or bring the missing one back",
            )
            for tenant in tenants
            if tenant.epochs.licence_key not in self.keys
        ]
        if problems:
            raise UsageError(problems)


def _iso(moment: datetime) -> str:
    """Return a moment the way JavaScript writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
