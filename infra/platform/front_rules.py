"""Choices about ingress and certificates that cannot work together, refused before anything is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.findings import problems
from infra.platform.certificates_settings import ACME_ISSUER, CA_ISSUER, LETS_ENCRYPT
from infra.platform.ingress_settings import INGRESS_CLASSES
from tenants.errors import Problem, UsageError
from tenants.models import MqttMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.findings import Finding
    from infra.settings import Settings
    from tenants.tenant import Tenant

WEEKLY_LIMIT: Final = 50
"""Certificates that Let's Encrypt signs for one registered domain in seven days.

https://letsencrypt.org/docs/rate-limits/
"""

NOT_PUBLIC: Final = frozenset({"localhost", "local", "internal", "test", "example", "invalid", "lan", "home"})
"""Last labels that no public DNS answers for (RFC 6761, RFC 6762, and common ones)."""


def front_problems(settings: Settings, *, where: str) -> list[Problem]:
    """Return every combination that cannot work.

    Args:
        settings: The stack's configuration.
        where: Its file, for the messages.
    """
    return problems([*_ingress(settings), *_certificates(settings), *_public(settings)], where=where)


def _ingress(settings: Settings) -> Iterator[Finding]:
    controller = settings.ingress.installed(settings.cluster)
    if controller == "none":
        return
    if settings.cluster == "simulated":
        yield (
            "ingress.controller",
            f"is {controller}, on a cluster whose pods do not run",
            "the run would wait for the controller until it gives up",
            "leave it out: routes get an address there without a controller",
        )
    if settings.ingress_class != INGRESS_CLASSES[controller]:
        yield (
            "ingressClass",
            f"is {settings.ingress_class}, and {controller} serves {INGRESS_CLASSES[controller]}",
            "no customer's host would be reachable",
            f"set iotistic:ingressClass to {INGRESS_CLASSES[controller]}",
        )
    if controller == "ingress-nginx" and settings.routes == "gateway":
        yield (
            "routes",
            "is gateway, and ingress-nginx knows nothing of the Gateway API",
            "no customer's host would be reachable",
            "use the controller traefik, or iotistic:routes: ingress",
        )
    if settings.routes == "gateway" and not settings.certificates.wildcard:
        yield (
            "certificates.issuer",
            f"is {settings.certificates.issuer}, and routes are those of the Gateway API",
            "the Gateway ends TLS with the certificate for all hosts, which nobody would issue",
            "use the issuer dns01, private-ca or external, or iotistic:routes: ingress",
        )


def _certificates(settings: Settings) -> Iterator[Finding]:
    chosen = settings.certificates
    if chosen.install and settings.cluster == "simulated":
        yield (
            "certificates.install",
            "is true, on a cluster whose pods do not run",
            "the run would wait for cert-manager until it gives up",
            "leave it out: certificates are declared there, and nobody issues them",
        )
    if (chosen.issuer == "external") != (chosen.external_issuer is not None):
        yield (
            "certificates.externalIssuer",
            "and the issuer external belong together, and one of them is not there",
            "it would not be known who signs",
            "set both, or neither",
        )
    if chosen.issuer == "http01" and chosen.scope == "wildcard":
        yield (
            "certificates.scope",
            "is wildcard, and the issuer is http01",
            "a public authority signs wildcards by DNS only",
            "use the issuer dns01, or scope: customer for few customers",
        )
    if chosen.issuer == "http01" and settings.mqtt_edge.enabled and settings.mqtt_edge.mode == "terminate":
        yield (
            "certificates.issuer",
            "is http01, and the MQTT edge needs a certificate for *." + settings.domain,
            "the edge's pods would wait for their certificate for ever",
            "use the issuer dns01, private-ca or external, or the edge's mode passthrough",
        )
    if chosen.issuer == "none" and chosen.scope == "customer":
        yield (
            "certificates.scope",
            "is customer, and there is no issuer",
            "every customer's host would wait for its certificate for ever",
            "set certificates.issuer",
        )
    if chosen.scope == "customer" and settings.routes == "gateway":
        yield (
            "certificates.scope",
            "is customer, and routes are those of the Gateway API",
            "all customers share a listener, which has the certificates of its own namespace only",
            "use scope: wildcard, or iotistic:routes: ingress",
        )
    if chosen.dns_solver is not None and (keys := sorted(_key_references(chosen.dns_solver.dns01))):
        yield (
            "certificates.dnsSolver.dns01",
            f"names a key ({', '.join(keys)})",
            "a key that lasts could change every record of the zone, for whoever reads it",
            "give cert-manager's service account an identity of the cloud: dnsSolver.annotations",
        )


def _public(settings: Settings) -> Iterator[Finding]:
    """Yield what a public authority cannot do."""
    chosen = settings.certificates
    if not chosen.public:
        return
    last = settings.domain.rpartition(".")[2]
    if not chosen.public_zone or last in NOT_PUBLIC:
        yield (
            "certificates.issuer",
            f"is {chosen.issuer}, and {settings.domain} cannot be looked up from the internet",
            "a public authority signs for no name that it cannot look up",
            "use the issuer private-ca, self-signed or external",
        )
    if chosen.issuer == "dns01" and chosen.dns_solver is None and not chosen.own_zone(settings.cluster):
        yield (
            "certificates.dnsSolver",
            "is not set, and the issuer is dns01, but cert-manager or the cluster is not this stack's own",
            "cert-manager would not know where to answer the authority's question",
            "set it to a solver as cert-manager takes it: docs/guides/certificates.md has one for each cloud",
        )
    if chosen.issuer == "http01" and settings.broker_issuer == ACME_ISSUER:
        yield (
            "brokerIssuer",
            f"is {ACME_ISSUER}, and the issuer is http01",
            "the brokers' names lead to the MQTT edge, where the authority finds no web page",
            f"set it to {CA_ISSUER}, an authority of the stack's own, or use the issuer dns01",
        )


def _key_references(solver: Any) -> Iterator[str]:  # noqa: ANN401 - a tree of any depth
    """Yield where a solver names a Secret or holds a key."""
    if isinstance(solver, dict):
        for key, value in solver.items():
            if key.endswith(("SecretRef", "SecretKeyRef")) or key in {"accessKeyID", "hmacSecret"}:
                yield key
            yield from _key_references(value)


def refuse_unissuable(settings: Settings, tenants: Iterable[Tenant], *, where: str) -> None:
    """Refuse more public certificates than the authority signs in a week.

    What counts is not how fast customers come, but how fast all certificates can be had again
    after a cluster was lost.

    Args:
        settings: The stack's configuration.
        tenants: The environment's customers.
        where: The configuration's file, for the message.

    Raises:
        UsageError: There are too many.
    """
    chosen = settings.certificates
    if not chosen.public or chosen.server != LETS_ENCRYPT:
        return
    served = list(tenants)
    hosts = len(served) if chosen.scope == "customer" else 0
    brokers = 0
    if settings.broker_issuer == ACME_ISSUER:
        brokers = sum(tenant.mqtt.mode is not MqttMode.MANAGED for tenant in served)
    # Those of the customers' own domains count there.
    beneath = f".{settings.domain}"
    extra = sum(any(host.endswith(beneath) for host in tenant.extra_hosts) for tenant in served)
    if hosts + brokers + extra <= WEEKLY_LIMIT:
        return
    raise UsageError.of(
        where=f"{where}: iotistic:certificates",
        what=f"asks for {hosts + brokers + extra} certificates of one domain: {hosts} for customers' hosts, "
        f"{brokers} for brokers, {extra} for further hosts below them",
        why=f"Let's Encrypt signs {WEEKLY_LIMIT} in seven days, so after the loss of a cluster some "
        "customers would be without one for longer than that",
        how=f"use scope: wildcard with the issuer dns01, for brokers iotistic:brokerIssuer: {CA_ISSUER}, "
        "and for further hosts (extra_hosts) names of the customers' own domains",
    )
