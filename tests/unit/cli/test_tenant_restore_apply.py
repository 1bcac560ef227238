"""``iotistic tenant restore-job --apply``: what is refused, what is started, and how its end is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import restore
from ops import restoring
from ops.automation.engine import Stack
from ops.local import inventory, tools
from ops.local.kube_command import KubectlError
from ops.local.tools import Toolbox
from tests.program.instances import instance_of
from tests.unit.cli.conftest import ROOT, Answer, Project

if TYPE_CHECKING:
    from pathlib import Path

UNSCHEDULED = {
    "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]
}
FETCHING = {
    "conditions": [{"type": "PodScheduled", "status": "True"}],
    "initContainerStatuses": [{"name": "restore", "state": {"running": {}}}],
    "containerStatuses": [{"name": "load", "state": {"waiting": {}}}],
}
FAILED = {"initContainerStatuses": [{"name": "restore", "state": {"terminated": {"exitCode": 1}}}]}
EVICTED = {"reason": "Evicted"}
PUTTING = {
    "initContainerStatuses": [{"name": "restore", "state": {"terminated": {}}}],
    "containerStatuses": [{"name": "put", "state": {"running": {}}}],
}


def job(condition: str | None = None) -> dict[str, Any]:
    held = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", condition) if condition]
    return {"status": {"conditions": held}}


@dataclass
class Cluster:
    """A cluster with one tenant, which answers ``kubectl`` in memory.

    Attributes:
        workloads: The tenant's workloads, by kind and name.
        writers: Its running pods of the writers.
        looks: What is there of the Job at each look after it was started; the last one stays.
        pods: The states of the Job's pod at each look; the last one stays.
        there: Whether there is a Job before it is started.
        created: The objects that were handed over.
        said: What the container said that fetches the backup.
    """

    workloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    writers: list[dict[str, Any]] = field(default_factory=list)
    looks: list[dict[str, Any] | None] = field(default_factory=lambda: [job("Complete")])
    pods: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    there: dict[str, Any] | None = None
    created: list[dict[str, Any]] = field(default_factory=list)
    said: str | KubectlError = ""

    def kubectl(self, _toolbox: object, access: object, *arguments: str, stdin: str | None = None) -> str:
        assert getattr(access, "context", None) == "company"
        namespace, words = "--namespace=customer-acme", [word for word in arguments if word[:2] != "--"]
        assert namespace in arguments
        if words == ["create"]:
            assert stdin is not None
            self.created.append(json.loads(stdin))
            return ""
        if words[0] == "logs":
            assert words[1] == "restore-x"
            assert "--container=restore" in arguments
            if isinstance(self.said, KubectlError):
                raise self.said
            return self.said
        return json.dumps({"items": self._items(words[1], arguments[-1])})

    def _items(self, kind: str, selector: str) -> list[dict[str, Any]]:
        value = selector.partition("=")[2]
        if kind == "jobs":
            found = self._next(self.looks) if self.created else self.there
            return [found] if found else []
        if kind == "pods":
            if "job-name" in value:
                return [{"metadata": {"name": "restore-x"}, "status": self._next(self.pods)}]
            assert "app.kubernetes.io/name=mosquitto" in value
            return self.writers
        found = self.workloads.get(f"{kind}/{value.removeprefix('metadata.name=')}")
        return [found] if found else []

    @staticmethod
    def _next(answers: list[Any]) -> Any:  # noqa: ANN401 - whatever is asked for
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    """A cluster in which the database runs and the broker does not."""
    found = Cluster(
        {
            "statefulsets/postgres": {"spec": {"replicas": 1}, "status": {"readyReplicas": 1}},
            "statefulsets/mosquitto": {"spec": {"replicas": 0}, "status": {}},
        }
    )
    provider = {
        "type": "pulumi:providers:kubernetes",
        "inputs": {"kubeconfig": str(tmp_path / "kubeconfig"), "context": "company"},
    }
    for module in (inventory, restoring):
        monkeypatch.setattr(module, "kubectl", found.kubectl)
    monkeypatch.setattr(restoring, "_POLL_SECONDS", 0)
    monkeypatch.setattr(Stack, "resources", lambda _: [provider])
    monkeypatch.setattr(tools, "ensure", lambda *_, **__: Toolbox(bin_dir=tmp_path, binaries={}))
    return found


@pytest.fixture
def stack(project: Project) -> Project:
    """A project with a whole configuration: that of the dev environment."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, project.root / name)
    shutil.copy(ROOT / "tenants/registry/dev/acme.yaml", project.path("acme"))
    return project


def apply(project: Project, what: str, *more: str) -> Answer:
    return project.run("tenant", "restore-job", "acme", "--what", what, "--apply", *more)


def test_the_declared_job_is_started_and_seen_through(stack: Project, cluster: Cluster) -> None:
    cluster.looks = [job(), job(), job(), job(), job("Complete")]
    cluster.pods = [{}, UNSCHEDULED, FETCHING, PUTTING]
    answer = apply(stack, "broker", "--backup", "4f2a9c01", "--yes")
    assert answer.status == 0, answer.err
    assert answer.out == ""
    assert cluster.created == [restore.job(instance_of("acme"), restore.Part.BROKER, snapshot="4f2a9c01")]
    said = [
        "starting its pod",
        "waiting for a node, 0/1 nodes are available",
        "fetching the backup",
        "putting it back",
        "It is put back. Now: kubectl --namespace customer-acme scale statefulset/mosquitto --replicas=1",
    ]
    assert sorted(said, key=answer.flat.index) == said


def test_after_the_database_the_api_is_to_be_started_again(stack: Project, cluster: Cluster) -> None:
    answer = apply(stack, "database", "--yes")
    assert answer.status == 0, answer.err
    assert [made["metadata"]["name"] for made in cluster.created] == ["restore-database"]
    assert "rollout restart deployment/api" in answer.flat


def test_nothing_is_started_without_somebodys_word(stack: Project, cluster: Cluster) -> None:
    answer = apply(stack, "database")
    assert answer.status == 2
    assert "Put the database of acme back in company, from the backup latest?" in answer.flat
    assert cluster.created == []


@pytest.mark.parametrize(
    ("replicas", "pods"),
    [(1, []), (0, [{"status": {"phase": "Running"}}]), (0, [{"status": {"phase": "Pending"}}])],
)
def test_a_writer_that_runs_or_is_to_run_is_refused_with_the_way_to_stop_it(
    stack: Project, cluster: Cluster, replicas: int, pods: list[dict[str, Any]]
) -> None:
    cluster.workloads["statefulsets/mosquitto"]["spec"]["replicas"] = replicas
    cluster.writers = pods
    answer = apply(stack, "broker", "--yes")
    assert answer.status == 2
    assert "customer-acme: statefulset/mosquitto: still runs, or is to run" in answer.flat
    assert "kubectl --namespace customer-acme scale statefulset/mosquitto --replicas=0" in answer.flat
    assert cluster.created == []


def test_a_pod_of_the_writer_that_has_ended_is_not_in_the_way(stack: Project, cluster: Cluster) -> None:
    cluster.writers = [{"status": {"phase": "Succeeded"}}, {"status": {"phase": "Failed"}}]
    assert apply(stack, "broker", "--yes").status == 0
    assert len(cluster.created) == 1


@pytest.mark.parametrize(("condition", "state"), [(None, "has not ended yet"), ("Failed", "has ended")])
def test_everything_in_the_way_is_named_at_once(
    stack: Project, cluster: Cluster, condition: str | None, state: str
) -> None:
    cluster.there = job(condition)
    cluster.workloads["statefulsets/postgres"]["status"] = {}
    answer = apply(stack, "database", "--yes")
    assert answer.status == 2
    assert "statefulset/postgres: is not ready" in answer.flat
    assert f"job/restore-database: is there already, and {state}" in answer.flat
    assert "kubectl --namespace customer-acme delete job/restore-database" in answer.flat
    assert cluster.created == []


def test_a_tenant_that_was_never_brought_up_is_refused(stack: Project, cluster: Cluster) -> None:
    cluster.workloads.clear()
    answer = apply(stack, "broker", "--yes")
    assert (answer.status, cluster.created) == (2, [])
    assert "statefulset/mosquitto: is not there" in answer.flat


@pytest.mark.parametrize(
    ("pod", "said", "expected"),
    [
        (FAILED, "Fatal: wrong password or no key found, password=hunter2", "no key found, password="),
        (FAILED, KubectlError("its node does not answer"), "its node does not answer"),
        (EVICTED, "", "no container of it says why"),
    ],
)
def test_a_job_that_fails_says_why_and_no_secret(
    stack: Project, cluster: Cluster, pod: dict[str, Any], said: str | KubectlError, expected: str
) -> None:
    cluster.looks, cluster.pods, cluster.said = [job(), job("Failed")], [{}, pod], said
    answer = apply(stack, "database", "--yes")
    assert answer.status == 1
    assert "job/restore-database failed" in answer.flat
    assert expected in answer.flat
    assert "hunter2" not in answer.err
    assert "It is put back" not in answer.err


def test_a_job_that_somebody_deletes_is_no_success(stack: Project, cluster: Cluster) -> None:
    cluster.looks = [job(), None]
    answer = apply(stack, "database", "--yes")
    assert answer.status == 1
    assert "it may or may not have put anything back" in answer.flat


def test_a_job_that_does_not_end_is_left_to_go_on(
    stack: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "PATIENCE", 0)
    cluster.looks = [job()]
    answer = apply(stack, "database", "--yes")
    assert answer.status == 1
    assert "still runs after 0 s, and goes on" in answer.flat


def test_a_job_that_the_cluster_does_not_take_is_a_failure_without_a_traceback(
    stack: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cluster.created == []

    def refuse(*_: object, stdin: str) -> str:
        assert "restore-database" in stdin
        message = "exceeded quota"
        raise KubectlError(message)

    monkeypatch.setattr(restoring, "kubectl", refuse)
    answer = apply(stack, "database", "--yes")
    assert answer.status == 1
    assert "exceeded quota" in answer.err
