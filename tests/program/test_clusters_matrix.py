"""Every cluster in every environment with every kind of customer, previewed and updated."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockResourceArgs

from infra.program import ROOT
from tests.program.clouds import CLOUDS, CUSTOMERS, MODES, fleet, provider_of
from tests.program.schema import is_of_a_cloud, package_of, wrong_properties

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.program.clouds import Made

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

CASES = list(itertools.product((*CLOUDS, "existing", "simulated"), ("dev", "prod")))
PACKAGES = {"aks": {"azure-native"}, "eks": {"aws"}, "gke": {"gcp"}}
MATRIX = ROOT / "docs" / "reference" / "matrix.md"
LEAST_SECRET = 16
"""Characters of the shortest value that is looked for: shorter ones are words."""


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    """A stack with a customer of each kind."""
    return fleet(frozenset(config.items()), *request.param, preview=False)


def names(made: Made) -> Counter[tuple[str, str]]:
    return Counter((resource.typ, resource.name) for resource in made.resources)


def test_names_are_unique_within_a_type(made: Made) -> None:
    assert [name for name, count in names(made).items() if count > 1] == []


def test_everything_names_its_explicit_provider(made: Made) -> None:
    declared = [item for item in made.resources if package_of(item) not in {"pulumi", "iotistic"}]
    for item in declared:
        assert provider_of(item) == f"pulumi:providers:{package_of(item)}", item.name
    packages = {package_of(item) for item in declared}
    assert packages == {"kubernetes", *PACKAGES.get(made.cloud, set())}


def test_every_property_is_one_that_its_provider_knows_and_none_is_missing_or_of_another_type(
    made: Made,
) -> None:
    of_a_cloud = [item for item in made.resources if is_of_a_cloud(item)]
    assert bool(of_a_cloud) is (made.cloud in CLOUDS)
    assert [path for item in of_a_cloud for path in wrong_properties(item)] == []


def test_what_is_secret_stands_in_secrets_only(made: Made, config: dict[str, str]) -> None:
    secrets = made.all("Secret")
    (key,) = json.loads(config["licencePrivateKeys"]).values()
    # Each line of the key itself: what begins one is also what logs are searched for.
    hidden = {config["masterKey"], *key.strip().splitlines()[1:-1]}
    hidden |= {
        value
        for item in secrets
        for value in secret_values(item)
        if len(value) >= LEAST_SECRET and "://" not in value
    }
    assert len(hidden) > len(MODES)
    text = json.dumps([item.inputs for item in made.resources if item not in secrets], default=str)
    assert [item for item in hidden if json.dumps(item)[1:-1] in text] == []


def secret_values(secret: MockResourceArgs) -> list[str]:
    """The texts of a Secret, all of which the engine has been told to hide."""
    hidden = secret.inputs["stringData"]
    assert hidden[rpc._special_sig_key] == rpc._special_secret_sig  # noqa: SLF001 - no public name for it
    return list(hidden["value"].values())


def test_each_customer_has_the_broker_of_its_kind(made: Made) -> None:
    brokers = [item for item in made.all("StatefulSet") if item.inputs["metadata"]["name"] == "mosquitto"]
    balancers = [item for item in made.all("Service") if item.inputs["spec"].get("type") == "LoadBalancer"]
    shared, dedicated, _ = CUSTOMERS[made.environment]
    assert {item.name for item in brokers} == {f"{it}-stateful-set-mosquitto" for it in (shared, dedicated)}
    assert {item.name for item in balancers} == {
        f"{dedicated}-service-mosquitto-entrance",
        "mqtt-edge-service-mqtt-edge",
    }


def test_everything_says_which_environment_it_is_of(made: Made) -> None:
    labels = [item.inputs["metadata"]["labels"] for item in made.all("Namespace")]
    assert {label["iotistic.io/environment"] for label in labels} == {made.environment}


def test_definitions_and_webhooks_are_there_before_what_needs_them(made: Made) -> None:
    of_cert_manager = [it for it in made.resources if it.typ.startswith("kubernetes:cert-manager.io/")]
    issuers = {item.name for item in of_cert_manager if item.typ.endswith(":ClusterIssuer")}
    assert issuers
    charts = {item.name for item in made.all("Release") if item.inputs["name"] == "cert-manager"}
    assert bool(charts) is (made.cloud != "simulated"), "there its definitions are known, and no pod runs"
    for item in of_cert_manager:
        before = made.waits_for(item.name)
        assert charts <= before, "the chart, with its definitions, and its webhook which answers"
        if item.name not in issuers and "issuerRef" in item.inputs["spec"]:
            signer = item.inputs["spec"]["issuerRef"]["name"]
            assert f"certificates-cluster-issuer-{signer}" in before, item.name
    edge = made.waits_for("mqtt-edge-deployment-mqtt-edge")
    assert "certificates-certificate-mqtt-edge-tls" in edge


def test_kinds_of_monitoring_and_snapshots_are_known_before_anything_is_of_them(made: Made) -> None:
    watching = {item.name for item in made.all("Release") if item.inputs["name"] == "kube-prometheus-stack"}
    assert bool(watching) is (made.cloud != "simulated"), "there its definitions are known, and no pod runs"
    of_operator = [it.name for it in made.resources if it.typ.startswith("kubernetes:monitoring.coreos.com/")]
    assert of_operator
    charts = {item.inputs["name"]: item.name for item in made.all("Release")}
    told = {chart for chart in charts if chart in WATCHED_CHARTS}
    assert told == (WATCHED_CHARTS if made.cloud in CLOUDS else WATCHED_CHARTS & charts.keys())
    for name in (*of_operator, *(charts[chart] for chart in told)):
        assert watching <= made.waits_for(name), name
    snapshots = [it.name for it in made.resources if it.typ.startswith("kubernetes:snapshot.storage.k8s.io/")]
    assert bool(snapshots) is (made.cloud in CLOUDS), "Velero's"
    if made.cloud == "eks":
        assert all("cloud-snapshot-controller" in made.waits_for(name) for name in snapshots)


WATCHED_CHARTS = {"traefik", "cert-manager", "loki", "alloy", "velero"}
"""Charts that bring a ServiceMonitor each."""


def test_customers_come_after_the_platform_and_within_their_namespaces(made: Made) -> None:
    for customer in CUSTOMERS[made.environment]:
        namespace = f"{customer}-namespace-customer-{customer}"
        own = [item.name for item in made.resources if item.name.startswith(f"{customer}-")]
        assert all(namespace in made.waits_for(name) for name in own if name != namespace)
        assert "platform-namespace-mqtt-edge" in made.waits_for(namespace)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_preview_shows_what_an_update_does(config: dict[str, str], case: tuple[str, str]) -> None:
    preview, update = (fleet(frozenset(config.items()), *case, preview=it) for it in (True, False))
    assert names(preview) == names(update), "whatever it cannot know yet"


def bucket(**inputs: Any) -> MockResourceArgs:  # noqa: ANN401 - properties of all kinds
    return MockResourceArgs(
        typ="gcp:storage/bucket:Bucket", name="x", inputs=inputs, provider="", resource_id="", custom=True
    )


@pytest.mark.parametrize(
    ("inputs", "wrong"),
    [
        ({}, []),
        ({"versioning": {"enabled": True}, "labels": {"any": "name"}}, []),
        ({"versionning": {}}, ["versionning is not known"]),
        ({"location": None}, ["location is missing"]),
        ({"forceDestroy": "true"}, ["forceDestroy is 'true', not of <class 'bool'>"]),
        ({"versioning": {"enabled": 1}}, ["versioning.enabled is 1, not of <class 'bool'>"]),
        ({"labels": {"any": 1}}, ["labels.any is 1, not of <class 'str'>"]),
        (
            {"lifecycleRules": [{"action": {"type": "Delete", "kind": "x"}}]},
            ["lifecycleRules[].condition is missing", "lifecycleRules[].action.kind is not known"],
        ),
        (
            {"softDeletePolicy": {"retentionDurationSeconds": True}},
            ["softDeletePolicy.retentionDurationSeconds is True, not of <class 'int'>"],
        ),
    ],
)
def test_what_a_provider_would_refuse_is_found(inputs: dict[str, Any], wrong: list[str]) -> None:
    found = wrong_properties(bucket(**{"location": "here", **inputs}))
    assert found == [f"gcp:storage/bucket:Bucket.{it}" for it in wrong]


def test_a_word_that_is_none_of_the_providers_is_found() -> None:
    properties = {"tenantId": "x", "sku": {"family": "A", "name": "premium"}, "createMode": "never"}
    vault = MockResourceArgs(
        typ="azure-native:keyvault:Vault",
        name="x",
        inputs={"resourceGroupName": "x", "properties": properties},
        provider="",
        resource_id="",
        custom=True,
    )
    (found,) = wrong_properties(vault)
    assert found.startswith("azure-native:keyvault:Vault.properties.createMode is 'never', not of ")


def test_the_generated_table_is_up_to_date(
    config: dict[str, str], golden: Callable[[Path, str], None]
) -> None:
    golden(MATRIX, render([fleet(frozenset(config.items()), *case, preview=False) for case in CASES]))


def render(fleets: list[Made]) -> str:
    kinds_of_customers = " | ".join(f"a customer, {mode}" for mode in MODES)
    return "\n".join(
        [
            "# What a stack is made of",
            "",
            "Made from the program itself, under an engine that records; rewrite it with `make golden`.",
            "A stack with the MQTT edge, certificates and a customer of each kind; where pods run also",
            "Prometheus, logs and billing; in a cloud also names, places for backups and logs, and Velero.",
            "What a customer has follows from their plan and options too. A preview shows the same",
            "resources as an update.",
            "",
            f"| cluster | environment | in the cloud | in Kubernetes | {kinds_of_customers} |",
            "|---|---|---:|---:|---:|---:|---:|",
            *(row(made) for made in fleets),
            "",
            *(line for made in fleets if made.protected and made.cloud in CLOUDS for line in kinds(made)),
        ]
    )


def row(made: Made) -> str:
    kubernetes = [item for item in made.resources if package_of(item) == "kubernetes"]
    own = [
        sum(item.name.startswith(f"{customer}-") for item in kubernetes)
        for customer in CUSTOMERS[made.environment]
    ]
    cloud = sum(is_of_a_cloud(item) for item in made.resources)
    cells = (made.cloud, made.environment, cloud, len(kubernetes), *own)
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def kinds(made: Made) -> list[str]:
    counts = Counter(item.typ for item in made.resources if is_of_a_cloud(item))
    listed = [f"| `{kind}` | {count} |" for kind, count in sorted(counts.items())]
    return [f"## {made.cloud}", "", "| type | resources |", "|---|---:|", *listed, ""]
