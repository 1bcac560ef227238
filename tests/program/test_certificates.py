"""Who signs what, in which order, and which wishes are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.clusters.services import DnsSolver
from infra.configuration import read_settings
from infra.customer.instance import manifests as instance_manifests
from infra.images import ImageSource
from infra.platform.certificates import Issuing, certificates, issuers, values
from infra.platform.certificates_settings import LETS_ENCRYPT, CertificatesSettings
from infra.platform.front_rules import WEEKLY_LIMIT, refuse_unissuable
from infra.program import read_registry, surroundings_of
from tenants.errors import UsageError
from tests.program.clouds import CLOUDS
from tests.program.instances import as_yaml, instance_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.component import Manifest
    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"
EDGE = '{"enabled": true}'
ROUTE_53 = {"route53": {"region": "eu-central-1", "hostedZoneID": "Z123"}}
SOLVER = DnsSolver(dns01=ROUTE_53, annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/dns"})
WANTED = [("ingress", "iotistic-wildcard-tls"), ("mqtt-edge", "mqtt-edge-tls")]

MODES: dict[str, dict[str, Any]] = {
    "http01": {"settings": {"issuer": "http01", "scope": "customer"}, "wanted": []},
    "dns01": {"settings": {"issuer": "dns01", "email": "ops@example.com"}, "solver": SOLVER},
    "private-ca": {"settings": {"issuer": "private-ca"}, "private_ca": True},
    "self-signed": {"settings": {"issuer": "self-signed"}},
    "external": {"settings": {"issuer": "external", "external_issuer": "company"}},
    "dns01-with-brokers": {"settings": {"issuer": "dns01"}, "solver": SOLVER, "private_ca": True},
}


def issuing(mode: str) -> Issuing:
    given: dict[str, Any] = {
        "environment": "dev",
        "domain": "iotistic.example",
        "ingress_class": "traefik",
        "private_ca": False,
        "solver": None,
        "wanted": WANTED,
        **MODES[mode],
    }
    given["settings"] = CertificatesSettings(**given["settings"])
    return Issuing(**given)


def chosen(config: dict[str, str], settings: dict[str, Any], **changed: str) -> dict[str, str]:
    public = {"cluster": "existing", "domain": "iotistic.example.com", "brokerIssuer": "none"}
    return {**config, **public, "certificates": json.dumps(settings), **changed}


@pytest.mark.parametrize("mode", MODES)
def test_objects_are_those_in_the_golden_file(mode: str, golden: Callable[[Path, str], None]) -> None:
    made = issuing(mode)
    golden(GOLDEN / f"certificates-{mode}.yaml", as_yaml([*issuers(made), *certificates(made)]))


def test_values_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    told = values(ImageSource(), monitoring=True, solver=SOLVER)
    golden(GOLDEN / "cert-manager-values.yaml", as_yaml([told]))


def test_a_mirror_serves_cert_managers_images() -> None:
    told = values(ImageSource(mirror="mirror.example.com/hub"), monitoring=False, solver=None)
    assert told["imageRegistry"] == "mirror.example.com/hub"
    assert "serviceAccount" not in told


@pytest.mark.parametrize("mode", MODES)
def test_whoever_is_asked_to_sign_is_there(mode: str) -> None:
    made = issuing(mode)
    there = {item["metadata"]["name"] for item in issuers(made) if item["kind"] == "ClusterIssuer"}
    asked = [*issuers(made), *certificates(made)]
    names = {item["spec"]["issuerRef"]["name"] for item in asked if item["kind"] == "Certificate"}
    assert names <= there | {"company"}


def test_definitions_and_webhook_come_before_issuers_and_those_before_certificates(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    wish = {"issuer": "private-ca", "install": True}
    engine = run_program(chosen(config, wish, mqttEdge=EDGE)).engine
    release = engine.releases()["cert-manager"]
    assert release.inputs["values"]["crds"]["enabled"] is True
    assert "certificates-namespace-cert-manager" in engine.waits[release.name]
    first, root, authority = (
        f"certificates-{name}"
        for name in (
            "cluster-issuer-iotistic-self-signed",
            "certificate-iotistic-ca",
            "cluster-issuer-iotistic-ca",
        )
    )
    assert release.name in engine.waits[first]
    assert first in engine.waits[root]
    assert root in engine.waits[authority]
    for namespace, secret in WANTED:
        waits = engine.waits[f"certificates-certificate-{secret}"]
        assert {authority, release.name, f"platform-namespace-{namespace}"} <= waits
    assert "certificates-certificate-mqtt-edge-tls" in engine.waits["mqtt-edge-deployment-mqtt-edge"]
    assert authority in engine.waits["acme-namespace-customer-acme"]


def test_cert_manager_is_not_installed_where_the_cluster_is_somebody_elses(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    engine = run_program(chosen(config, {"issuer": "self-signed"})).engine
    assert engine.releases() == {}
    assert "certificates-cluster-issuer-iotistic-self-signed" in engine.waits


def test_a_dns_solver_of_the_configuration_has_its_identity(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    solver = {"dns01": ROUTE_53, "annotations": dict(SOLVER.annotations)}
    wish = {"issuer": "dns01", "install": True, "dnsSolver": solver}
    engine = run_program(chosen(config, wish)).engine
    told = engine.releases()["cert-manager"].inputs["values"]
    assert told["serviceAccount"]["annotations"] == SOLVER.annotations
    (acme,) = (item for item in engine.declared if item.name.endswith("-iotistic-acme"))
    assert acme.inputs["spec"]["acme"]["solvers"][0]["dns01"] == ROUTE_53


def test_brokers_of_the_private_authority_have_it_beside_a_public_one(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    wish = {"issuer": "dns01", "dnsSolver": {"dns01": ROUTE_53}}
    engine = run_program(chosen(config, wish, brokerIssuer="iotistic-ca")).engine
    assert "certificates-cluster-issuer-iotistic-ca" in engine.waits
    assert "certificates-cluster-issuer-iotistic-acme" in engine.waits


def test_no_secret_is_declared_for_a_certificate(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    declared = run_program(chosen(config, {"issuer": "private-ca"}, mqttEdge=EDGE)).engine.declared
    ours = [item for item in declared if item.name.startswith(("certificates-", "mqtt-edge-"))]
    assert ours
    assert not [item for item in ours if item.typ.endswith(":Secret")]


def only(objects: list[Manifest], kind: str, name: str) -> list[Manifest]:
    return [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]


def test_a_customers_own_certificate_is_asked_for_and_its_proof_let_through() -> None:
    own = {"web_issuer": "iotistic-acme", "own_certificates": True, "answers_authority": True}
    objects = instance_manifests(instance_of("acme", surroundings=own))
    (route,) = only(objects, "Ingress", "web")
    assert route["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "iotistic-acme"
    assert [entry["secretName"] for entry in route["spec"]["tls"]] == ["web-tls"]
    (policy,) = only(objects, "NetworkPolicy", "certificate-solvers")
    assert policy["spec"]["egress"] == []
    shared = instance_manifests(instance_of("acme"))
    assert "secretName" not in only(shared, "Ingress", "web")[0]["spec"]["tls"][0]
    assert only(shared, "NetworkPolicy", "certificate-solvers") == []


OWN_NAMES = ("iot.acme.example", "www.acme.example")


@pytest.mark.parametrize(
    ("around", "secrets"),
    [
        ({"web_issuer": "iotistic-acme"}, [None, "extra-hosts-tls"]),
        ({"web_issuer": "iotistic-ca", "own_certificates": True}, ["web-tls", "extra-hosts-tls"]),
        ({}, [None, None]),
    ],
)
def test_names_of_the_customers_own_have_a_certificate_that_no_wildcard_could_be(
    around: dict[str, Any], secrets: list[str | None]
) -> None:
    instance = instance_of("acme", surroundings=around, extra_hosts=OWN_NAMES)
    (route,) = only(instance_manifests(instance), "Ingress", "web")
    assert [entry.get("secretName") for entry in route["spec"]["tls"]] == secrets
    assert [entry["hosts"] for entry in route["spec"]["tls"]] == [[instance.host], list(OWN_NAMES)]
    assert [rule["host"] for rule in route["spec"]["rules"]] == [instance.host, *OWN_NAMES]
    annotations = route["metadata"].get("annotations", {})
    assert annotations.get("cert-manager.io/cluster-issuer") == around.get("web_issuer")


@pytest.mark.parametrize(("extra_hosts", "answers"), [(OWN_NAMES, True), ((), False)])
def test_where_the_zone_is_proved_in_its_dns_names_of_the_customers_own_are_by_a_web_page(
    extra_hosts: tuple[str, ...], *, answers: bool
) -> None:
    (acme,) = only(issuers(issuing("dns01")), "ClusterIssuer", "iotistic-acme")
    in_the_zone, elsewhere = acme["spec"]["acme"]["solvers"]
    assert in_the_zone["selector"] == {"dnsZones": ["iotistic.example"]}
    assert elsewhere == {"http01": {"ingress": {"ingressClassName": "traefik", "serviceType": "ClusterIP"}}}
    around = {"web_issuer": "iotistic-acme", "answers_for_extra": True}
    objects = instance_manifests(instance_of("acme", surroundings=around, extra_hosts=extra_hosts))
    assert bool(only(objects, "NetworkPolicy", "certificate-solvers")) is answers


@pytest.mark.parametrize(
    ("certificates_of", "own", "answers"),
    [("dns01", False, True), ("private-ca", False, False), ("http01", True, True)],
)
def test_who_signs_for_the_customers_own_names_is_who_signs_for_hosts(
    config: dict[str, str], certificates_of: str, *, own: bool, answers: bool
) -> None:
    wish: dict[str, Any] = {"issuer": certificates_of, "scope": "customer" if own else "wildcard"}
    if certificates_of == "dns01":
        wish["dnsSolver"] = {"dns01": ROUTE_53}
    settings = read_settings(chosen(config, wish).get, stack="dev")
    around = surroundings_of(settings)
    assert (around.web_issuer, around.own_certificates) == (settings.certificates.issuer_name, own)
    assert around.answers_for_extra is answers


def test_the_configuration_reaches_the_customers(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    engine = run_program(chosen(config, {"issuer": "http01", "scope": "customer"})).engine
    assert "acme-network-policy-certificate-solvers" in engine.waits
    (route,) = (item for item in engine.declared if item.name == "acme-ingress-web")
    assert route.inputs["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "iotistic-acme"


KEY = {"route53": {"secretAccessKeySecretRef": {"name": "aws"}, "accessKeyID": "AKIA"}}
CUSTOMER = {"issuer": "http01", "scope": "customer"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "a wildcard by a web page": ({"issuer": "http01"}, {}, ["certificates.scope"]),
    "the edge's wildcard by a web page": (CUSTOMER, {"mqttEdge": EDGE}, ["certificates.issuer"]),
    "brokers by a web page": (CUSTOMER, {"brokerIssuer": "iotistic-acme"}, ["brokerIssuer"]),
    "own certificates by nobody": ({"scope": "customer"}, {}, ["certificates.scope"]),
    "own certificates at a shared listener": (
        {"issuer": "private-ca", "scope": "customer"},
        {"routes": "gateway"},
        ["certificates.scope"],
    ),
    "a web page in a private zone": (
        {**CUSTOMER, "publicZone": False},
        {},
        ["certificates.issuer"],
    ),
    "a name that is never public": (CUSTOMER, {"domain": "iotistic.localhost"}, ["certificates.issuer"]),
    "a DNS nobody can write to": ({"issuer": "dns01"}, {}, ["certificates.dnsSolver"]),
    "a DNS for somebody else's cert-manager": (
        {"issuer": "dns01", "install": False},
        {"cluster": "gke", "cloud": json.dumps(CLOUDS["gke"]), "monitoring": "false"},
        ["certificates.dnsSolver"],
    ),
    "a key that lasts": (
        {"issuer": "dns01", "dnsSolver": {"dns01": KEY}},
        {},
        ["certificates.dnsSolver.dns01"],
    ),
    "somebody without a name": ({"issuer": "external"}, {}, ["certificates.externalIssuer"]),
    "a name for nobody": (
        {"issuer": "self-signed", "externalIssuer": "company"},
        {},
        ["certificates.externalIssuer"],
    ),
    "an installation that never gets ready": (
        {"issuer": "private-ca", "install": True},
        {"cluster": "simulated"},
        ["certificates.install"],
    ),
    "a misspelt field": ({"issuer": "letsencrypt"}, {}, ["certificates.issuer"]),
    "several at once": (
        {"issuer": "http01", "publicZone": False, "externalIssuer": "x"},
        {"mqttEdge": EDGE, "brokerIssuer": "iotistic-acme"},
        [
            "brokerIssuer",
            "certificates.externalIssuer",
            "certificates.issuer",
            "certificates.issuer",
            "certificates.scope",
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_issued_is_refused_at_once(
    run_program: Callable[..., Run], config: dict[str, str], case: str
) -> None:
    settings, changed, keys = REFUSED[case]
    base = {key: value for key, value in config.items() if "cloud" not in changed or "kube" not in key}
    with pytest.raises(UsageError) as refusal:
        run_program(chosen(base, settings, **changed))
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]


@pytest.mark.parametrize(
    ("wish", "broker", "count", "fits"),
    [
        (CUSTOMER, "none", WEEKLY_LIMIT, True),
        (CUSTOMER, "none", WEEKLY_LIMIT + 1, False),
        ({"issuer": "dns01", "dnsSolver": {"dns01": ROUTE_53}}, "none", 10_000, True),
        ({"issuer": "dns01", "dnsSolver": {"dns01": ROUTE_53}}, "iotistic-acme", WEEKLY_LIMIT, True),
        ({"issuer": "dns01", "dnsSolver": {"dns01": ROUTE_53}}, "iotistic-acme", WEEKLY_LIMIT + 1, False),
        ({**CUSTOMER, "server": "https://ca.example.com/acme"}, "none", 10_000, True),
    ],
)
def test_more_certificates_than_a_week_brings_are_refused(
    config: dict[str, str], wish: dict[str, Any], broker: str, count: int, *, fits: bool
) -> None:
    settings = read_settings(chosen(config, wish, brokerIssuer=broker).get, stack="dev")
    tenant = read_registry(environment="dev", domain="iotistic.example.com").tenants[0]
    if fits:
        refuse_unissuable(settings, [tenant] * count, where="Pulumi.dev.yaml")
        return
    with pytest.raises(UsageError, match=f"asks for {count} certificates"):
        refuse_unissuable(settings, [tenant] * count, where="Pulumi.dev.yaml")


def test_further_hosts_count_where_they_are_below_the_platforms_domain(config: dict[str, str]) -> None:
    wish = {"issuer": "dns01", "dnsSolver": {"dns01": ROUTE_53}}
    settings = read_settings(chosen(config, wish).get, stack="dev")
    below = instance_of("acme", extra_hosts=("shop.acme.iotistic.example.com",)).tenant
    elsewhere = instance_of("acme", extra_hosts=OWN_NAMES).tenant
    refuse_unissuable(settings, [*[elsewhere] * 1_000, *[below] * WEEKLY_LIMIT], where="Pulumi.dev.yaml")
    with pytest.raises(UsageError, match=f"{WEEKLY_LIMIT + 1} for further hosts below them"):
        refuse_unissuable(settings, [below] * (WEEKLY_LIMIT + 1), where="Pulumi.dev.yaml")


def test_the_limit_is_that_of_the_default_authority() -> None:
    assert CertificatesSettings().server == LETS_ENCRYPT
