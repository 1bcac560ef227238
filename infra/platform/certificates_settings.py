"""What a stack can choose about its certificates."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra.clusters.cloud_settings import CLOUDS

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

_NAME = r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"

LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
"""The authority with the limits that ``certificates_rules`` knows."""

CA_ISSUER: Final = "iotistic-ca"
ACME_ISSUER: Final = "iotistic-acme"
SELF_SIGNED_ISSUER: Final = "iotistic-self-signed"

_ISSUERS: Final = {
    "http01": ACME_ISSUER,
    "dns01": ACME_ISSUER,
    "private-ca": CA_ISSUER,
    "self-signed": SELF_SIGNED_ISSUER,
}


class DnsSolverSettings(BaseModel):
    """How challenges are answered in a DNS zone that the stack did not make."""

    model_config = _MODEL

    dns01: dict[str, Any] = Field(
        min_length=1, description="What stands under dns01 of a solver, as cert-manager takes it. No keys."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Of cert-manager's service account: its identity in the cloud."
    )
    pod_labels: dict[str, str] = Field(
        default_factory=dict, description="Of cert-manager's pods, where the cloud wants some."
    )


class CertificatesSettings(BaseModel):
    """Who signs the certificates of the customers' hosts and of the MQTT edge."""

    model_config = _MODEL

    issuer: Literal["none", "http01", "dns01", "private-ca", "self-signed", "external"] = Field(
        default="none",
        description=(
            "How they are issued: by a public authority that looks at a web page (http01) or into the DNS "
            "(dns01), by an authority of the stack's own (private-ca), by nobody (self-signed), or by a "
            "ClusterIssuer that exists (external). none: certificates are brought by hand."
        ),
    )
    scope: Literal["wildcard", "customer"] = Field(
        default="wildcard", description="One certificate for *.<domain>, or one for each customer."
    )
    install: bool | None = Field(
        default=None,
        description=(
            "Whether the stack installs cert-manager. Not set: in a cluster that the stack makes, not in "
            "any other."
        ),
    )
    external_issuer: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None, description="Name of the ClusterIssuer, with the issuer external."
    )
    server: Annotated[str, Field(pattern=r"^https://[^\s]+$")] = Field(
        default=LETS_ENCRYPT, description="The public authority's ACME directory."
    )
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None = Field(
        default=None, description="Whom the public authority may write to."
    )
    public_zone: bool = Field(
        default=True, description="Whether the domain can be looked up from the internet."
    )
    dns_solver: DnsSolverSettings | None = Field(
        default=None,
        description=(
            "How dns01 reaches the zone. Not set: in a cluster that the stack makes, it makes the zone too, "
            "and cert-manager's identity."
        ),
    )

    def installed(self, cluster: str) -> bool:
        """Return whether cert-manager is installed in a cluster of this kind."""
        if self.issuer == "none":
            return False
        return cluster in CLOUDS if self.install is None else self.install

    def own_zone(self, cluster: str) -> bool:
        """Return whether cert-manager writes to a zone that the stack makes, in a cluster of this kind."""
        found_elsewhere = self.issuer != "dns01" or self.dns_solver is not None
        return not found_elsewhere and cluster in CLOUDS and self.installed(cluster)

    @property
    def public(self) -> bool:
        """Whether a public authority signs."""
        return self.issuer in {"http01", "dns01"}

    @property
    def issuer_name(self) -> str | None:
        """The ClusterIssuer that signs; None where nobody does."""
        return self.external_issuer if self.issuer == "external" else _ISSUERS.get(self.issuer)

    @property
    def host_issuer(self) -> str | None:
        """The ClusterIssuer of a certificate for each host; None where all have the wildcard, or none."""
        return self.issuer_name if self.scope == "customer" else None

    @property
    def wildcard(self) -> bool:
        """Whether a certificate for every name of the domain can be had."""
        return self.issuer not in {"none", "http01"}
