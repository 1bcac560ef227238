"""Certificates: cert-manager, who signs, and the platform's own certificate for every host.

A certificate for each customer would run into the public authorities' limits and tell the
world who the customers are, so one for ``*.<domain>`` serves all. A Secret cannot leave its
namespace, so the ingress controller and the MQTT edge have a certificate each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.clusters import pools
from infra.names import CERTIFICATES_NAMESPACE, PLATFORM_PRIORITY, platform_labels
from infra.platform.certificates_settings import ACME_ISSUER, CA_ISSUER, SELF_SIGNED_ISSUER
from infra.platform.chart import ChartComponent, load_chart, resources
from infra.platform.platform import platform_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import DnsSolver
    from infra.component import Manifest, Placement
    from infra.images import ImageSource
    from infra.platform.certificates_settings import CertificatesSettings
    from infra.platform.chart_values.cert_manager import CertManagerValues, Part
    from infra.platform.chart_values.shared import DisruptionBudget, Switch

APP: Final = "cert-manager"
SERVICE_ACCOUNT: Final = "cert-manager"

WILDCARD_SECRET: Final = "iotistic-wildcard-tls"  # noqa: S105 - a Secret's name
"""Secret of the certificate for every host, in the ingress controller's namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuing:
    """What issuers and certificates are made from.

    Attributes:
        environment: The environment's name, for labels.
        domain: The customers' domain.
        settings: What the stack chose.
        ingress_class: IngressClass that answers a public authority's question by a web page.
        private_ca: Whether there is an authority of the stack's own, for the hosts or for the brokers.
        solver: How the DNS is written to, where the issuer needs it.
        wanted: Secrets of certificates for ``*.<domain>``: namespace and name.
    """

    environment: str
    domain: str
    settings: CertificatesSettings
    ingress_class: str
    private_ca: bool
    solver: DnsSolver | None
    wanted: Sequence[tuple[str, str]]


def issuers(issuing: Issuing) -> list[Manifest]:
    """Return everyone who signs, each after what it needs."""
    found: list[Manifest] = []
    if issuing.private_ca or issuing.settings.issuer == "self-signed":
        found.append(_issuer(issuing, SELF_SIGNED_ISSUER, {"selfSigned": {}}))
    if issuing.private_ca:
        found += [_root(issuing), _issuer(issuing, CA_ISSUER, {"ca": {"secretName": CA_ISSUER}})]
    if issuing.settings.public:
        found.append(_issuer(issuing, ACME_ISSUER, {"acme": _acme(issuing)}))
    return found


def certificates(issuing: Issuing) -> list[Manifest]:
    """Return a certificate for ``*.<domain>`` for each Secret that is wanted."""
    return [
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {
                "name": secret,
                "namespace": namespace,
                "labels": platform_labels(APP, issuing.environment),
            },
            "spec": {
                "secretName": secret,
                "dnsNames": [f"*.{issuing.domain}"],
                # Small devices know RSA, and not all of them anything else.
                "privateKey": {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"},
                "issuerRef": _reference(str(issuing.settings.issuer_name)),
            },
        }
        for namespace, secret in issuing.wanted
    ]


def _issuer(issuing: Issuing, name: str, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": name, "labels": platform_labels(APP, issuing.environment)},
        "spec": spec,
    }


def _root(issuing: Issuing) -> Manifest:
    """Return the private authority's own certificate, which devices and people are given to trust."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {
            "name": CA_ISSUER,
            "namespace": CERTIFICATES_NAMESPACE,
            "labels": platform_labels(APP, issuing.environment),
        },
        "spec": {
            "isCA": True,
            "commonName": f"Iotistic {issuing.environment}",
            "secretName": CA_ISSUER,
            "duration": "87600h",
            # Another key would be another authority, which nobody trusts yet.
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
            "issuerRef": _reference(SELF_SIGNED_ISSUER),
        },
    }


def _reference(name: str) -> dict[str, str]:
    return {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": name}


def _acme(issuing: Issuing) -> dict[str, Any]:
    settings = issuing.settings
    acme: dict[str, Any] = {
        "server": settings.server,
        "privateKeySecretRef": {"name": f"{ACME_ISSUER}-account"},
        "solvers": _solvers(issuing),
    }
    return acme if settings.email is None else {**acme, "email": settings.email}


def _solvers(issuing: Issuing) -> list[dict[str, Any]]:
    """Return how names are proved: those of the zone in its DNS where that is known, others by a web page."""
    # A NodePort, the default, is more than a customer's quota allows.
    ingress = {"ingressClassName": issuing.ingress_class, "serviceType": "ClusterIP"}
    by_web_page = {"http01": {"ingress": ingress}}
    if issuing.solver is None:
        return [by_web_page]
    in_the_zone = {"selector": {"dnsZones": [issuing.domain]}, "dns01": dict(issuing.solver.dns01)}
    return [in_the_zone, by_web_page]


def values(images: ImageSource, *, monitoring: bool, solver: DnsSolver | None) -> CertManagerValues:
    """Return what cert-manager's chart is told.

    Args:
        images: Where images come from.
        monitoring: Whether the Prometheus operator reads ServiceMonitors.
        solver: Whose identity it has, where it writes to a DNS.
    """
    small = resources("10m", "64Mi", "512Mi")
    closed: Switch = {"enabled": True}
    budget: DisruptionBudget = {"enabled": True, "maxUnavailable": 1}
    nodes = pools.of_the_platform()
    part: Part = {"resources": small, "networkPolicy": closed, **nodes, "podDisruptionBudget": budget}
    told: CertManagerValues = {
        "imageRegistry": images.registry("quay.io"),
        # Kept when the release goes: with the definitions, every certificate would go too.
        "crds": {"enabled": True, "keep": True},
        # Its election needs nothing of kube-system, which some clouds close.
        "global": {
            "leaderElection": {"namespace": CERTIFICATES_NAMESPACE},
            "priorityClassName": PLATFORM_PRIORITY,
        },
        "resources": small,
        "networkPolicy": closed,
        "tolerations": nodes["tolerations"],
        "affinity": nodes["affinity"],
        "podDisruptionBudget": budget,
        "replicaCount": 2,
        "webhook": {**part, "replicaCount": 3},
        "cainjector": {**part, "replicaCount": 2},
        "startupapicheck": {"resources": small, **nodes},
        # A certificate's metrics are of its own namespace, not of cert-manager's.
        "prometheus": {"servicemonitor": {"enabled": monitoring, "honorLabels": True}},
    }
    if solver is not None:
        told["serviceAccount"] = {"name": SERVICE_ACCOUNT, "annotations": dict(solver.annotations)}
        told["podLabels"] = dict(solver.pod_labels)
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesArgs:
    """What the certificates are made from.

    Attributes:
        issuing: Who signs what.
        install: Whether cert-manager is installed, and not there already.
        monitoring: Whether the Prometheus operator reads ServiceMonitors.
        images: Where images come from.
        placement: Where everything goes.
        depends_on: The platform's namespaces, and what the chart's objects need.
    """

    issuing: Issuing
    install: bool
    monitoring: bool
    images: ImageSource
    placement: Placement
    depends_on: Sequence[pulumi.Resource] = field(default_factory=list)


class Certificates(ChartComponent):
    """cert-manager, the issuers, and the platform's certificates.

    Attributes:
        issuers: What has to be there before a certificate is asked for.
        issued: The platform's certificates, by their namespace.
    """

    def __init__(
        self, name: str, args: CertificatesArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("iotistic:platform:Certificates", name, placement=args.placement, opts=opts)
        issuing = args.issuing
        namespace = self.declare(
            platform_namespace(CERTIFICATES_NAMESPACE, issuing.environment), holds_data=True
        )
        ready: list[pulumi.Resource] = [namespace]
        if args.install:
            # Its webhook is asked about every issuer: the release is ready once it answers.
            identity = () if issuing.solver is None else issuing.solver.ready
            told = values(args.images, monitoring=args.monitoring, solver=issuing.solver)
            ready.append(
                self.install(
                    load_chart(APP),
                    namespace=CERTIFICATES_NAMESPACE,
                    values=told,
                    depends_on=[namespace, *args.depends_on, *identity],
                )
            )
        for manifest in issuers(issuing):
            authority = manifest["kind"] == "Certificate"
            ready.append(self.declare(manifest, depends_on=ready, holds_data=authority))
        self.issuers: list[pulumi.Resource] = ready
        self.issued: dict[str, pulumi.Resource] = {
            manifest["metadata"]["namespace"]: self.declare(
                manifest, depends_on=[*args.depends_on, *self.issuers]
            )
            for manifest in certificates(issuing)
        }
        self.register_outputs({})
