"""A customer as a pull request's preview shows them: the same instance, under a name of its own.

Namespace, hosts, labels and passwords all follow from the id, so that another id is all it
takes to stand beside the customer's own instance. What would reach somebody outside, or take
an address that only one can have, is left out.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tenants.models import MqttMode
from tenants.tenant import end_of

if TYPE_CHECKING:
    from datetime import date

    from tenants.tenant import Tenant

PREVIEW_ID: Final = r"pr-[0-9]+-"
"""How ids of previews begin, and no customer's own."""

LARGEST_NUMBER: Final = 999_999_999
"""With a longer one too little would be left of a customer's id."""

_NAME: Final = re.compile(r"pr-([1-9][0-9]{0,8})")
_LONGEST_ID: Final = 32
_LONGEST_NAME: Final = 120
_FINGERPRINT: Final = 6


def preview_name(number: int) -> str:
    """Return what everything of a pull request's preview is called: its stack, and its environment."""
    return f"pr-{number}"


def preview_number(name: str) -> int | None:
    """Return whose preview a name is, or None if it is none of a preview."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def preview_id(tenant_id: str, number: int) -> str:
    """Return the id of a customer's preview: one that is too long ends in a fingerprint instead."""
    whole = f"{preview_name(number)}-{tenant_id}"
    if len(whole) <= _LONGEST_ID:
        return whole
    fingerprint = hashlib.sha256(tenant_id.encode()).hexdigest()[:_FINGERPRINT]
    return f"{whole[: _LONGEST_ID - _FINGERPRINT - 1].rstrip('-')}-{fingerprint}"


def preview_of(tenant: Tenant, number: int, *, until: date) -> Tenant:
    """Return a customer's preview.

    Args:
        tenant: The customer.
        number: The pull request's number.
        until: Last day of the preview's licence, if the customer's own does not end before.
    """
    name = preview_name(number)
    customer = hashlib.sha256(f"{name}/{tenant.customer_id}".encode()).hexdigest()[:32]
    return replace(
        tenant,
        id=preview_id(tenant.id, number),
        customer_id=f"cust_{customer}",
        company_name=f"{name}: {tenant.company_name}"[:_LONGEST_NAME],
        environment=name,
        stripe_customer_id=None,
        stripe_subscription_id=None,
        licence_expires_at=min(tenant.licence_expires_at, end_of(until)),
        # It would report to the billing, by the customer's id.
        options=tenant.options.model_copy(update={"exporter": False}),
        # By name through the one edge: a balancer costs, a port is taken, a managed broker is the customer's.
        mqtt=replace(
            tenant.mqtt,
            mode=MqttMode.SHARED,
            endpoint=None,
            endpoint_address=None,
            node_port=None,
            websocket_node_port=None,
            api_node_port=None,
            dashboard_node_port=None,
        ),
        extra_hosts=(),
    )
