"""The options' own programs read what is rendered: Prometheus runs, Node.js reads Node-RED's settings."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.grafana_dashboards import dashboards
from infra.customer.instance import manifests
from infra.customer.ports import MQTT_METRICS_PORT, POSTGRES_METRICS_PORT, PROMETHEUS_PORT
from tests.edge.pods import Image, Node
from tests.edge.world import LOOPBACK, program
from tests.program.instances import PLACEHOLDERS, with_options
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.component import Manifest
    from infra.customer.model import Instance

pytestmark = pytest.mark.edge

METRICS = Path(__file__).parents[1] / "data" / "metrics"
POD = ("Deployment", "prometheus", "prometheus")
ADDRESS = f"http://{LOOPBACK}:{PROMETHEUS_PORT}"
NODE_RED_RUNS = """
const settings = require(process.argv[process.argv.indexOf("--settings") + 1]);
console.log(JSON.stringify(settings));
"""
"""In place of Node-RED: says what it was told."""


@pytest.fixture(scope="module")
def instance() -> Instance:
    return with_options("initech", "node_red", "prometheus", "grafana", surroundings={"broker_issuer": None})


def hurried(objects: list[Manifest]) -> list[Manifest]:
    """Return the objects with a Prometheus that asks every second."""
    (files,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert files["prometheus.yml"].count("30s") == 2
    files["prometheus.yml"] = files["prometheus.yml"].replace("30s", "1s")
    return objects


def recorded(folder: Path, name: str, port: int) -> Image:
    """Return an exporter that answers what the real one did."""
    folder.mkdir()
    (folder / "metrics").write_bytes((METRICS / f"{name}.prom").read_bytes())
    serve = ("python3", "-m", "http.server", str(port), "--directory", "/srv")
    return Image(entrypoint=serve, files={"/srv": folder})


@pytest.fixture(scope="module")
def node(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A Prometheus in its pod, which has asked its targets more than twice."""
    folder = tmp_path_factory.mktemp("metrics")
    node = Node(tmp_path_factory.mktemp("node"), hurried(manifests(instance)))
    try:
        for name, port in (("postgres", POSTGRES_METRICS_PORT), ("mosquitto", MQTT_METRICS_PORT)):
            node.image("metrics", recorded(folder / name, name, port))
            node.start("StatefulSet", name, "metrics")
            wait_until(partial(node.listens, port), what=f"the metrics of {name} are served")
        node.image("prometheus", Image(entrypoint=("prometheus",)))
        process = node.start(*POD)

        def ready() -> bool:
            assert process.runs, process.said()
            return node.listens(PROMETHEUS_PORT) and node.http(f"{ADDRESS}/-/ready")[0] == 200

        wait_until(ready, what="Prometheus is ready", seconds=60)
        wait_until(
            lambda: len(answers(node, "count_over_time(up[1h]) > 3")) == 3, what="it asked", seconds=60
        )
        yield node
    finally:
        node.close()


def answers(node: Node, query: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers to a query."""
    status, _, body = node.http(f"{ADDRESS}/api/v1/query", "--data-urlencode", f"query={query}")
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)["data"]["result"]
    return found


def asked(node: Node, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(node.http(f"{ADDRESS}/api/v1/{path}")[2])["data"]
    return found


def test_the_configuration_passes_prometheuss_own_check(node: Node) -> None:
    checked = node.run(*POD, "promtool", "check", "config", "--syntax-only", "/etc/iotistic/prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    checked = node.run(*POD, "promtool", "check", "config", "/etc/iotistic/prometheus.yml")
    assert "SUCCESS" in checked.stdout
    assert "2 rules found" in checked.stdout


def test_it_asks_the_instances_own_targets_and_says_whose_they_are(node: Node, instance: Instance) -> None:
    targets = asked(node, "targets")["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == {
        "postgres": "up",
        "mosquitto": "up",
        "prometheus": "up",
    }
    assert {target["labels"]["namespace"] for target in targets} == {instance.tenant.namespace}


def test_its_alerts_are_evaluated_without_an_error(node: Node) -> None:
    (group,) = asked(node, "rules")["groups"]
    assert {rule["name"]: (rule["health"], rule["state"]) for rule in group["rules"]} == {
        "TenantLicenceNearItsEnd": ("ok", "inactive"),
        "TenantDatabaseDown": ("ok", "inactive"),
    }


def test_it_keeps_what_the_plan_says(node: Node) -> None:
    told = asked(node, "status/runtimeinfo")["storageRetention"]
    assert told == "30d or 40GiB"


def test_every_query_of_every_dashboard_has_an_answer(node: Node) -> None:
    queries = [
        target["expr"]
        for board in dashboards(own_broker=True)
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    assert len(queries) > 20
    assert [query for query in queries if not answers(node, query)] == []


def test_grafanas_password_is_set_at_every_start_but_the_first(instance: Instance, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    stand_in = programs / "grafana"
    stand_in.write_text('#!/bin/sh\necho "$@"\ncat\n', encoding="utf-8")
    stand_in.chmod(0o755)
    node = Node(tmp_path, manifests(instance))
    try:
        node.image("password", Image(environment={"PATH": "/opt:/usr/bin:/bin"}, files={"/opt": programs}))
        node.create("Deployment", "grafana")
        first = node.run("Deployment", "grafana", "password")
        (node.volume("Deployment", "grafana", "data") / "grafana.db").touch()
        later = node.run("Deployment", "grafana", "password")
    finally:
        node.close()
    assert (first.returncode, PLACEHOLDERS.grafana_admin in first.stdout) == (0, False), first.stderr
    assert later.returncode == 0, later.stderr
    command, password = later.stdout.splitlines()
    assert command.endswith(
        "--config=/etc/iotistic/grafana.ini admin reset-admin-password --password-from-stdin"
    )
    assert password == PLACEHOLDERS.grafana_admin


def settings(instance: Instance, folder: Path) -> tuple[dict[str, Any], str]:
    """Return Node-RED's settings as Node.js reads them in the pod, and what else was said."""
    image = folder / "image"
    for name, text in {
        "node-red/red.js": NODE_RED_RUNS,
        "bcryptjs/index.js": "exports.hashSync = (text, cost) => `hash of ${text} at ${cost}`;",
    }.items():
        file = image / "node-red" / "node_modules" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    node = Node(folder, manifests(instance))
    try:
        node.image("node-red", Image(files={"/usr/src": image}))
        node.create("Deployment", "node-red")
        answer = node.run("Deployment", "node-red", "node-red")
    finally:
        node.close()
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found, answer.stderr


@pytest.mark.skipif(program("node") is None, reason="not installed: node")
def test_node_red_is_told_the_customers_secrets_and_opens_nothing(instance: Instance, tmp_path: Path) -> None:
    found, said = settings(instance, tmp_path)
    hashed = f"hash of {PLACEHOLDERS.node_red_admin} at 8"
    assert found["adminAuth"]["users"] == [{"username": "admin", "password": hashed, "permissions": "*"}]
    assert found["httpNodeAuth"] == {"user": "admin", "pass": hashed}
    assert found["credentialSecret"] == PLACEHOLDERS.node_red_key
    assert (found["httpAdminRoot"], found["httpNodeRoot"], found["uiPort"]) == ("/nodered", "/nodered", 1880)
    assert found["nodesExcludes"] == ["90-exec.js"]
    assert found["externalModules"]["palette"]["allowInstall"] is False
    assert said == ""
