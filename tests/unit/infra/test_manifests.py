"""Rules that every object of every customer obeys, whatever the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.program.test_goldens import GOLDEN

if TYPE_CHECKING:
    from pathlib import Path

MAX_OBJECTS = 32
MAX_OBJECTS_PER_OPTION = 6
OPTIONS = {"exporter", "node-red", "prometheus", "grafana"}
WORKLOADS = {"Deployment", "StatefulSet", "Job"}


@pytest.fixture(params=sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    path: Path = request.param
    return list(YAML(typ="safe").load_all(path))


@pytest.fixture
def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    templates = [item["spec"]["template"] for item in objects if item["kind"] in WORKLOADS]
    cron_jobs = [item["spec"]["jobTemplate"]["spec"] for item in objects if item["kind"] == "CronJob"]
    return templates + [job["template"] for job in cron_jobs]


@pytest.fixture
def containers(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        container
        for pod in pods
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    ]


def test_objects_per_customer_stay_few(objects: list[dict[str, Any]]) -> None:
    options = [
        item for item in objects if item["metadata"]["name"] in OPTIONS and item["kind"] == "Deployment"
    ]
    assert len(objects) <= MAX_OBJECTS + MAX_OBJECTS_PER_OPTION * len(options)


def test_everything_is_in_the_customers_namespace(objects: list[dict[str, Any]]) -> None:
    namespace, *others = objects
    assert namespace["kind"] == "Namespace"
    assert {item["metadata"]["namespace"] for item in others} == {namespace["metadata"]["name"]}


def test_everything_is_labelled_with_the_customer(objects: list[dict[str, Any]]) -> None:
    tenant = objects[0]["metadata"]["labels"]["iotistic.io/tenant"]
    for item in objects:
        labels = item["metadata"]["labels"]
        assert labels["iotistic.io/tenant"] == tenant
        assert labels["app.kubernetes.io/part-of"] == "iotistic"
        assert {"app.kubernetes.io/name", "app.kubernetes.io/component", "iotistic.io/plan"} <= set(labels)


def test_pods_pass_restricted(pods: list[dict[str, Any]], containers: list[dict[str, Any]]) -> None:
    for pod in pods:
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
    for container in containers:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True


def test_containers_have_probes_requests_and_limits(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        # What only watches another container serves nobody, so there is nothing to ask.
        if container["ports"]:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}


def test_images_have_exact_versions(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        _, _, tag = container["image"].rpartition(":")
        assert tag.lstrip("v")[0].isdigit(), container["image"]


def test_no_environment_variable_holds_a_secret(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        for variable in container["env"]:
            secret = any(word in variable["name"] for word in ("PASSWORD", "SECRET", "LICENSE_KEY"))
            if secret and not variable["name"].endswith("_FILE"):
                assert "secretKeyRef" in variable["valueFrom"], variable["name"]


def test_every_mount_has_a_volume_and_every_reference_an_object(
    objects: list[dict[str, Any]], pods: list[dict[str, Any]]
) -> None:
    existing = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for pod in pods:
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
        assert {mount["name"] for c in containers for mount in c["volumeMounts"]} == set(volumes)
        for container in containers:
            for variable in container["env"]:
                if "valueFrom" in variable:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    assert ("Secret", reference["name"]) in existing
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in existing
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in existing
            if "secret" in volume:
                name = volume["secret"]["secretName"]
                written_by = "Certificate" if name == "broker-tls" else "Secret"
                assert (written_by, name) in existing


def test_policies_deny_everything_then_open_named_ports(objects: list[dict[str, Any]]) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in objects if item["kind"] == "NetworkPolicy"}
    deny = policies["default-deny"]
    assert deny["podSelector"] == {}
    assert deny["ingress"] == []
    for policy in policies.values():
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        for rule in [*policy["ingress"], *policy["egress"]]:
            assert rule["ports"], "a rule without ports opens all of them"
            assert rule.get("from") or rule.get("to"), "a rule without peers opens to everybody"


def test_routes_send_the_api_and_its_websocket_to_the_api(objects: list[dict[str, Any]]) -> None:
    (ingress,) = (item for item in objects if item["kind"] == "Ingress")
    services = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Service"}
    routes = {}
    for path in ingress["spec"]["rules"][0]["http"]["paths"]:
        backend = path["backend"]["service"]
        assert backend["port"]["number"] in {
            port["port"] for port in services[backend["name"]]["spec"]["ports"]
        }
        routes[path["path"]] = backend["name"]
    offered = {"/nodered": "node-red", "/grafana": "grafana"}
    more = {path: service for path, service in offered.items() if service in services}
    assert routes == {"/api": "api", "/ws": "api", "/": "dashboard", **more}
