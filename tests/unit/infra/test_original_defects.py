"""What the original gets wrong and no other test is about; and that every test the list names is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.program import PLANS_FILE
from tenants.plans import load_plans
from tenants.quantities import mebibytes
from tests.program.instances import instance_of, with_options
from tests.program.variants import INSTANCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.component import Manifest

ROOT = Path(__file__).resolve().parents[3]
LIST = ROOT / "docs" / "reference" / "original-defects.md"
ROW = re.compile(r"^\| ([A-Z][0-9]+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")


@pytest.fixture(params=INSTANCES, ids=str)
def objects(request: pytest.FixtureRequest) -> list[Manifest]:
    return manifests(INSTANCES[request.param])


def of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [item for item in objects if item["kind"] == kind]


def container(name: str, workload: str, kind: str = "Deployment") -> dict[str, Any]:
    """Return a container of the default customer."""
    (found,) = (
        item for item in of_kind(manifests(instance_of("acme")), kind) if item["metadata"]["name"] == workload
    )
    (wanted,) = (item for item in found["spec"]["template"]["spec"]["containers"] if item["name"] == name)
    return dict(wanted)


def pods(objects: list[Manifest]) -> Iterator[dict[str, Any]]:
    for item in objects:
        if item["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield item["spec"]["template"]


def test_what_is_scraped_are_ports_of_exporters_and_never_the_web(objects: list[Manifest]) -> None:
    listening = {
        (pod["metadata"]["labels"]["app.kubernetes.io/name"], port["name"]): port["containerPort"]
        for pod in pods(objects)
        for item in pod["spec"]["containers"]
        for port in item["ports"]
    }
    for monitor in of_kind(objects, "ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        selected = [
            service
            for service in of_kind(objects, "Service")
            if wanted <= service["metadata"]["labels"].items()
        ]
        scraped = {
            service["metadata"]["name"]: port["port"]
            for service in selected
            for port in service["spec"]["ports"]
            if port["name"] == endpoint["port"]
        }
        assert {"api", "dashboard"}.isdisjoint(scraped)
        assert set(scraped) >= {"postgres"}
        assert scraped == {name: listening[name, endpoint["port"]] for name in scraped}


def test_no_pod_of_a_customer_has_a_right_in_the_cluster(objects: list[Manifest]) -> None:
    kinds = {item["kind"] for item in objects}
    assert kinds.isdisjoint({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})


def test_names_are_asked_for_by_udp_and_where_the_answer_is_long_by_tcp(objects: list[Manifest]) -> None:
    (policy,) = (
        item for item in of_kind(objects, "NetworkPolicy") if item["metadata"]["name"] == "default-deny"
    )
    (rule,) = policy["spec"]["egress"]
    assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [("UDP", 53), ("TCP", 53)]


def test_every_host_is_served_by_tls_and_covered_by_the_wildcard(objects: list[Manifest]) -> None:
    domain = "iotistic.localhost"
    for route in of_kind(objects, "Ingress"):
        hosts = [rule["host"] for rule in route["spec"]["rules"]]
        assert [host for tls in route["spec"]["tls"] for host in tls["hosts"]] == hosts
        assert hosts[0].endswith(f".{domain}")
        assert "." not in hosts[0].removesuffix(f".{domain}")
    for certificate in of_kind(objects, "Certificate"):
        host, inside = certificate["spec"]["dnsNames"]
        assert "." not in host.removesuffix(f".{domain}")
        assert inside.startswith("mosquitto.customer-")


def test_the_api_is_told_what_it_reads_and_its_own_secrets() -> None:
    api = container("api", "api")
    plain = {item["name"]: item["value"] for item in api["env"] if "value" in item}
    secret = {item["name"] for item in api["env"] if "valueFrom" in item}
    tenant = instance_of("acme").tenant
    assert plain["NODE_ENV"] == "production", "else every licence becomes one of 1,000 devices"
    assert plain["DB_SSL"] == "false"
    assert plain["CUSTOMER_ID"] == tenant.customer_id != tenant.id
    assert "DATABASE_URL" not in plain
    assert {name: plain[name] for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "PORT")} == {
        "DB_HOST": "postgres",
        "DB_PORT": "5432",
        "DB_NAME": "iotistic",
        "DB_USER": "iotistic",
        "PORT": "3002",
    }
    assert secret == {
        "JWT_SECRET",
        "IOTISTIC_LICENSE_KEY",
        "LICENSE_PUBLIC_KEY",
        "DB_PASSWORD",
        "MQTT_PASSWORD",
    }


def test_the_api_can_write_its_logs_below_a_root_that_is_only_read() -> None:
    api = container("api", "api")
    assert api["securityContext"]["readOnlyRootFilesystem"] is True
    assert "/app/logs" in {mount["mountPath"] for mount in api["volumeMounts"]}


@pytest.mark.parametrize("customer", ["acme", "globex", "initech"])
def test_the_apis_heap_stays_below_the_memory_that_it_has(customer: str) -> None:
    for item in manifests(instance_of(customer)):
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "api"):
            (api,) = item["spec"]["template"]["spec"]["containers"]
            (options,) = (env["value"] for env in api["env"] if env["name"] == "NODE_OPTIONS")
            heap = int(options.removeprefix("--max-old-space-size="))
            assert heap < mebibytes(api["resources"]["limits"]["memory"])


def test_the_brokers_exporter_logs_in() -> None:
    given = {
        item["name"]: item.get("value") or item["valueFrom"]["secretKeyRef"]
        for item in container("metrics", "mosquitto", "StatefulSet")["env"]
    }
    asked = {
        item["name"]: item.get("value") or item["valueFrom"]["secretKeyRef"]
        for item in container("api", "api")["env"]
    }
    assert given["BROKER_ENDPOINT"] == "tcp://127.0.0.1:1883"
    # The API makes the account that it is told of: it is one that the broker knows.
    assert (given["MQTT_USER"], given["MQTT_PASS"]) == (asked["MQTT_USERNAME"], asked["MQTT_PASSWORD"])
    assert given["MQTT_PASS"] == {"name": "api", "key": "mqtt-password"}


def test_nobody_at_the_broker_is_called_as_in_every_other_instance() -> None:
    accounts = {
        item["value"]
        for name, workload, kind in (("api", "api", "Deployment"), ("metrics", "mosquitto", "StatefulSet"))
        for item in container(name, workload, kind)["env"]
        if item["name"] in {"MQTT_USERNAME", "MQTT_USER"}
    }
    assert accounts == {"api"}, "the image's default is admin"


@pytest.mark.parametrize("customer", ["acme", "globex", "initech"])
def test_a_volume_is_as_large_as_the_plan_says(customer: str) -> None:
    instance = with_options(customer, "node_red", "prometheus", "grafana")
    claimed = {
        item["metadata"]["name"]: item["spec"]["resources"]["requests"]["storage"]
        for item in of_kind(manifests(instance), "PersistentVolumeClaim")
    }
    sold = load_plans(PLANS_FILE)[instance.tenant.plan.name].storage
    for name, size in sold:
        assert claimed[f"{name.replace('_', '-')}-data"] == size


def test_a_hosts_name_is_one_label_below_the_domain_whoever_serves_it() -> None:
    """So the wildcard covers it, at the ingress as at the MQTT edge."""
    for customer in ("acme", "globex", "initech"):
        instance = instance_of(customer)
        told = json.loads(of_kind(manifests(instance), "ConfigMap")[0]["data"]["broker.json"])
        for host in (instance.host, told["host"]):
            first, _, domain = host.partition(".")
            assert domain == "iotistic.localhost"
            assert customer in first


def test_a_drain_takes_one_pod_at_a_time(objects: list[Manifest]) -> None:
    (budget,) = of_kind(objects, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1


def test_everything_that_can_be_made_by_the_number_has_a_number(objects: list[Manifest]) -> None:
    (quota,) = of_kind(objects, "ResourceQuota")
    assert quota["spec"]["hard"].keys() >= {
        "pods",
        "services",
        "services.nodeports",
        "services.loadbalancers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "count/jobs.batch",
        "count/cronjobs.batch",
        "requests.ephemeral-storage",
        "limits.ephemeral-storage",
    }


def test_what_writes_to_a_volume_is_never_started_beside_itself(objects: list[Manifest]) -> None:
    """A roll-out that starts the new pod first waits for a volume that the old one holds."""
    for item in of_kind(objects, "Deployment"):
        spec = item["spec"]["template"]["spec"]
        if any("persistentVolumeClaim" in volume for volume in spec["volumes"]):
            assert item["spec"]["strategy"]["type"] == "Recreate", item["metadata"]["name"]
            assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsUser"]


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall(LIST.read_text(encoding="utf-8"))


def test_every_defect_is_listed_once_with_a_test_that_is_there() -> None:
    found = rows()
    numbers = [number for number, _, _ in found]
    assert len(numbers) == len(set(numbers)) > 40
    missing = []
    for number, _, shown in found:
        tests = TEST.findall(shown)
        assert tests, f"{number} names no test"
        for file, name in tests:
            path = ROOT / file
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            missing += [] if f"def {name}(" in text else [f"{number}: {file}::{name}"]
    assert missing == []
