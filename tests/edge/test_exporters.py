"""Real exporters export what the list of metrics says of them, which is what rules and dashboards ask for."""

from __future__ import annotations

import json
import re
import socket
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.customer.ports import POSTGRES_METRICS_PORT
from infra.platform.alertmanager import configuration
from infra.platform.monitoring_cluster import rules
from infra.platform.monitoring_rules import groups
from tests.edge.mqtt import TIMEOUT_SECONDS, Session
from tests.edge.pods import Image
from tests.edge.world import LOOPBACK, Process, free_port, program
from tests.metrics import EXPORTED
from tests.program.instances import instance_of
from tests.scrapes import samples
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node
    from tests.edge.world import Proxy

pytestmark = pytest.mark.edge


def asked(port: int) -> set[str]:
    """Return the names of the metrics that an exporter shows."""
    return set(samples(httpx.get(f"http://{LOOPBACK}:{port}/metrics").raise_for_status().text))


def node_exporter(folder: Path) -> list[str]:
    del folder
    return ["prometheus-node-exporter"]


def alertmanager(folder: Path) -> list[str]:
    file = folder / "alertmanager.json"
    file.write_text(json.dumps(configuration([], {})), encoding="utf-8")
    return [
        "prometheus-alertmanager",
        f"--config.file={file}",
        f"--storage.path={folder}",
        "--cluster.listen-address=",
    ]


def prometheus(folder: Path) -> list[str]:
    file = folder / "rules.json"
    file.write_text(json.dumps({"groups": groups("platform", rules())}), encoding="utf-8")
    config = folder / "prometheus.json"
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file)],
        # Nobody has to listen there: that is told too.
        "scrape_configs": [{"job_name": "x", "static_configs": [{"targets": [f"{LOOPBACK}:1"]}]}],
    }
    config.write_text(json.dumps(settings), encoding="utf-8")
    return ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]


@pytest.fixture(scope="module")
def instance() -> Instance:
    """A customer whose password has no quotes, as real ones have none: Debian's exporter cannot read them."""
    return instance_of("acme", credentials={"database_exporter": "secret"})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Callable[[Path], list[str]]], int]]:
    """Start an exporter and return its port."""
    processes: list[Process] = []

    def start(command: Callable[[Path], list[str]]) -> int:
        name, *arguments = command(tmp_path)
        path, port = program(name), free_port()
        assert path, f"{name} is not installed"
        listens = f"--web.listen-address={LOOPBACK}:{port}"
        processes.append(Process(name, [path, listens, *arguments], tmp_path / "log"))
        processes[-1].await_port(LOOPBACK, port)
        return port

    try:
        yield start
    finally:
        for process in processes:
            process.stop()


@pytest.mark.parametrize("exporter", [alertmanager, node_exporter, prometheus], ids=lambda it: it.__name__)
def test_it_exports_what_the_list_says(
    start: Callable[[Callable[[Path], list[str]]], int], exporter: Callable[[Path], list[str]]
) -> None:
    port = start(exporter)
    wait_until(
        lambda: not EXPORTED[exporter.__name__] - asked(port), what=f"{EXPORTED[exporter.__name__]} are there"
    )


def test_prometheus_adds_which_targets_answer_and_which_alerts_fire(
    start: Callable[[Callable[[Path], list[str]]], int],
) -> None:
    address = f"http://{LOOPBACK}:{start(prometheus)}/api/v1/label/__name__/values"

    def known() -> set[str]:
        answer = httpx.get(address)
        # It listens before it has opened its own store.
        return set(answer.json()["data"]) if answer.is_success else set()

    wait_until(lambda: EXPORTED["every target"] <= known(), what=f"{EXPORTED['every target']} are there")


def test_the_edge_exports_what_the_list_says(proxy: Proxy) -> None:
    assert EXPORTED["haproxy"] - asked(proxy.place.metrics_port) == set()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Start a broker that tells of itself every second, and return its port."""
    port = free_port()
    file = tmp_path / "broker.conf"
    file.write_text(f"user root\nlistener {port} {LOOPBACK}\nallow_anonymous true\nsys_interval 1\n", "utf-8")
    path = program("mosquitto")
    assert path
    process = Process("mosquitto", [path, "-c", str(file)], tmp_path / "log")
    try:
        process.await_port(LOOPBACK, port)
        yield port
    finally:
        process.stop()


def test_a_broker_tells_its_exporter_what_the_list_says(broker: int) -> None:
    """Where no such exporter can be had: it makes each name of a topic, with "_" in the place of "/"."""
    for name in sorted(EXPORTED["mosquitto_exporter"]):
        topic = f"$SYS/{name.replace('_', '/')}"
        connection = socket.create_connection((LOOPBACK, broker), timeout=TIMEOUT_SECONDS)
        with Session(connection, client_id="exporter") as exporter:
            assert exporter.subscribe(topic)
            assert re.search(r"\d", exporter.next_message()), topic


def test_the_exporter_beside_a_database_reads_it_as_its_own_role(node: Node, database: Database) -> None:
    assert database.process.runs
    node.image("metrics", Image(entrypoint=("prometheus-postgres-exporter",)))
    process = node.go_on("StatefulSet", "postgres", "metrics")
    wait_until(partial(node.listens, POSTGRES_METRICS_PORT), what="the exporter listens")
    _, _, text = node.http(f"http://{LOOPBACK}:{POSTGRES_METRICS_PORT}/metrics")
    assert "\npg_up 1\n" in text, process.said()
    assert EXPORTED["postgres_exporter"] - set(samples(text)) == set()
