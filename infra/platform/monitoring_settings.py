"""What a stack can choose about its Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.fields import TENANT_ID_PATTERN
from tenants.quantities import BYTES_PATTERN

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

_Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
_Address = Annotated[str, Field(pattern=r"^[^@\s,<>]+@[^@\s,<>]+\.[^@\s,<>]+$")]
_Https = Annotated[str, Field(pattern=r"^https://[^\s/?#]+[^\s]*$")]
_Size = Annotated[str, Field(pattern=BYTES_PATTERN)]
_Tenant = Annotated[str, Field(pattern=TENANT_ID_PATTERN)]

SIGN_ON_SECRET = "sign-on"  # noqa: S105 - what a secret is called
"""What the sign-on's secret is called among the stack's secrets; no receiver may be called so."""


class Receiver(BaseModel):
    """Who is told of which alerts."""

    model_config = _MODEL

    name: _Name = Field(description="What it is called; its secret has the same name.")
    severities: Annotated[frozenset[Literal["critical", "warning"]], Field(min_length=1)] = Field(
        default=frozenset({"critical", "warning"}), description="Alerts of which severities it gets."
    )
    tenants: frozenset[_Tenant] = Field(
        default=frozenset(), description="Only alerts of these customers. Empty: all, the platform's too."
    )
    plans: frozenset[_Name] = Field(
        default=frozenset(), description="Only alerts of customers with these plans. Empty: all."
    )

    @property
    def needs_secret(self) -> bool:
        """Whether it cannot be reached without a secret."""
        return True

    @property
    def for_everything(self) -> bool:
        """Whether it gets the platform's alerts too, and not those of some customers only."""
        return not self.tenants and not self.plans


class EmailReceiver(Receiver):
    """An address, by an SMTP server that speaks TLS. The secret is the user's password."""

    kind: Literal["email"]
    to: _Address = Field(description="Who gets the letters.")
    sender: _Address = Field(description="Who they are from.")
    host: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")] = Field(
        description="The SMTP server."
    )
    port: Literal[25, 465, 587, 2525] = Field(default=587, description="Its port.")
    user: str | None = Field(default=None, min_length=1, description="Who logs in there; not set: nobody.")

    @property
    def needs_secret(self) -> bool:
        """Whether somebody logs in at the server."""
        return self.user is not None


class SlackReceiver(Receiver):
    """A channel in Slack. The secret is the address of its incoming webhook."""

    kind: Literal["slack"]
    channel: Annotated[str, Field(pattern=r"^#[a-z0-9_-]{1,80}$")] = Field(description="Which channel.")


class PagerDutyReceiver(Receiver):
    """A service in PagerDuty. The secret is its integration key, of the Events API v2."""

    kind: Literal["pagerduty"]


class WebhookReceiver(Receiver):
    """Anything that takes Alertmanager's JSON. The secret is its address, which may hold a token."""

    kind: Literal["webhook"]
    heartbeat: bool = Field(
        default=False,
        description=(
            "It gets only the alert that always fires, every five minutes: a service outside of the cluster "
            "that tells somebody when it stops."
        ),
    )


AnyReceiver = Annotated[
    EmailReceiver | SlackReceiver | PagerDutyReceiver | WebhookReceiver, Field(discriminator="kind")
]


class SignOnSettings(BaseModel):
    """How people log in to Grafana by an account they have elsewhere (OpenID Connect)."""

    model_config = _MODEL

    title: str = Field(default="single sign-on", min_length=1, description="What the button says.")
    client_id: str = Field(min_length=1, description="What Grafana is called there.")
    auth_url: _Https = Field(description="Where people are sent to log in.")
    token_url: _Https = Field(description="Where Grafana gets their token.")
    api_url: _Https = Field(description="Where Grafana asks who they are.")
    scopes: str = Field(default="openid email profile", min_length=1, description="What Grafana asks for.")
    domains: Annotated[frozenset[str], Field(min_length=1)] = Field(
        description="Domains whose e-mail addresses may log in at all."
    )
    role: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "JMESPath that finds the role (Viewer, Editor, Admin) in what the provider says of somebody. "
            "Not set: everybody may look, and nobody may change."
        ),
    )


class MonitoringSettings(BaseModel):
    """Prometheus, Alertmanager and Grafana, from the chart kube-prometheus-stack."""

    model_config = _MODEL

    install: bool = Field(default=False, description="Whether the stack installs them.")
    service: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")] | None = Field(
        default=None,
        description=(
            "Where the stack installs none: the Service of the cluster's own Prometheus, in the namespace "
            "monitoring at port 9090. Usage reports ask it. Not set: they go without its numbers."
        ),
    )
    retention_days: Annotated[int, Field(ge=1, le=400)] = Field(
        default=30, description="How long metrics are kept."
    )
    storage: _Size = Field(default="50Gi", description="Volume of Prometheus.")
    grafana_storage: _Size = Field(default="5Gi", description="Volume of Grafana.")
    grafana_password_epoch: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Raised to replace the password of Grafana's administrator."
    )
    receivers: tuple[AnyReceiver, ...] = Field(default=(), description="Who is told of alerts.")
    sign_on: SignOnSettings | None = Field(default=None, description="How people log in to Grafana.")

    @property
    def secret_names(self) -> frozenset[str]:
        """What the stack's secrets for all this have to be called."""
        receivers = {receiver.name for receiver in self.receivers if receiver.needs_secret}
        return frozenset(receivers | ({SIGN_ON_SECRET} if self.sign_on else set()))
