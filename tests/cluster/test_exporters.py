"""Exporters of the cluster's state give what the list of metrics says, with the labels that queries name."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from rich.console import Console

from infra.platform.monitoring_values import values
from ops.local.tools import ensure
from tests.edge.world import LOOPBACK, Process, free_port
from tests.metrics import EXPORTED
from tests.program.watching import queries, watch
from tests.scrapes import samples, soon, unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ops.local.kubeconfig import KubeAccess
    from tests.cluster.dev_project import DevProject
    from tests.scrapes import Samples

pytestmark = pytest.mark.cluster

PLACES = ("namespace", "deployment", "statefulset", "cronjob")
"""Labels that say where something is: this environment has not everything that queries ask for by name."""

HERE = "--namespace=default"

ALMOST_NEVER_SEEN = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "without-a-node"},
        "spec": {"nodeSelector": {"there-is": "none"}, "containers": [{"name": "x", "image": "x:1"}]},
    },
    {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "succeeded"},
        "spec": {
            "schedule": "@daily",
            "suspend": True,
            "jobTemplate": {
                "spec": {
                    "template": {
                        "spec": {"restartPolicy": "Never", "containers": [{"name": "x", "image": "x:1"}]}
                    }
                }
            },
        },
    },
]
"""What customers who are well, and were declared a moment ago, do not have."""


def a_list(*objects: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@contextmanager
def running(folder: Path, name: str, port: int, *arguments: str) -> Iterator[Callable[[], Samples]]:
    """Run an exporter beside the cluster that it reads, and yield how to ask it."""
    path = ensure([name], console=Console()).path(name)
    process = Process(name, [str(path), *arguments], folder / "log")

    def ask() -> Samples:
        return samples(httpx.get(f"http://{LOOPBACK}:{port}/metrics").raise_for_status().text)

    try:
        process.await_port(LOOPBACK, port)
        yield ask
    finally:
        process.stop()


@pytest.fixture
def state(dev: DevProject, tmp_path: Path) -> Iterator[Callable[[], Samples]]:
    """Run kube-state-metrics with the arguments that its chart makes of our values."""
    told = values(watch())["kube-state-metrics"]
    port, own = free_port(), free_port()
    arguments = [
        f"--kubeconfig={dev.home / 'cluster' / 'kubeconfig'}",
        f"--resources={','.join(told['collectors'])}",
        f"--metric-labels-allowlist={','.join(told['metricLabelsAllowlist'])}",
        *(f"--host={LOOPBACK}", f"--port={port}"),
        *(f"--telemetry-host={LOOPBACK}", f"--telemetry-port={own}"),
    ]
    objects = a_list(*ALMOST_NEVER_SEEN)
    dev.shell("kubectl", "apply", HERE, "--server-side", "--filename=-", stdin=objects)
    try:
        dev.shell("kubectl", "create", "job", "now", "--from=cronjob/succeeded", HERE)
        with running(tmp_path, "kube-state-metrics", port, *arguments) as ask:
            yield ask
    finally:
        # The Job goes with the CronJob that it was made from.
        dev.shell("kubectl", "delete", HERE, "--filename=-", stdin=objects)


def test_the_clusters_state_is_told_as_queries_ask_for_it(state: Callable[[], Samples]) -> None:
    there = soon(state, EXPORTED["kube-state-metrics"])
    assert EXPORTED["kube-state-metrics"] - there.keys() == set()
    assert unanswered(queries(), "kube-state-metrics", there, ours=PLACES) == set()
    tenant, plan = (f"label_iotistic_io_{name}" for name in ("tenant", "plan"))
    customers = {
        (labels[tenant], labels[plan]) for labels in there["kube_namespace_labels"] if tenant in labels
    }
    assert customers == {("acme", "starter"), ("globex", "professional"), ("initech", "enterprise")}


CERTIFICATES = "exported-certificates"


@pytest.fixture
def certificates(
    kubectl: Callable[..., str], cluster: KubeAccess, tmp_path: Path
) -> Iterator[Callable[[], Samples]]:
    """Run cert-manager for one namespace, with one certificate in it."""
    issuer = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer"}
    certificate = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate"}
    spec = {"secretName": "own", "dnsNames": ["x.example"], "issuerRef": {"name": "itself"}}
    objects = [
        {**issuer, "metadata": {"name": "itself"}, "spec": {"selfSigned": {}}},
        {**certificate, "metadata": {"name": "own"}, "spec": spec},
    ]
    port = free_port()
    arguments = [
        f"--kubeconfig={cluster.kubeconfig}",
        f"--namespace={CERTIFICATES}",
        "--leader-elect=false",
        f"--metrics-listen-address={LOOPBACK}:{port}",
    ]
    kubectl("create", "namespace", CERTIFICATES)
    try:
        kubectl("create", f"--namespace={CERTIFICATES}", "--filename=-", stdin=a_list(*objects))
        with running(tmp_path, "cert-manager", port, *arguments) as ask:
            yield ask
    finally:
        kubectl("delete", "namespace", CERTIFICATES, "--wait=false")


def test_certificates_are_told_as_queries_ask_for_them(certificates: Callable[[], Samples]) -> None:
    there = soon(certificates, EXPORTED["cert-manager"])
    assert EXPORTED["cert-manager"] - there.keys() == set()
    assert unanswered(queries(), "cert-manager", there, ours=["namespace"]) == set()
