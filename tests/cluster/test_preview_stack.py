"""A pull request's stack beside the dev environment's: made, made again, cut off, removed without a trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ops.local.stack import restore_cut_off
from tests.cluster.crashes import done, kill_once, locks_of, state_of
from tests.cluster.dev_project import PYTHON
from tests.cluster.test_automation import COMMENTS, ci, cloned
from tests.cluster.test_dev_environment import FOURTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

HERE = "customer-pr-12-umbrella"
UP = ("up", "--stack=dev", "--number=12", "--base=origin/main", "--today=2026-11-23")
DOWN = ("down", "--stack=dev", "--number=12")
SOON = 8
"""Resources in a state that is far from complete."""
PASSING = frozenset(
    {"componentstatuses", "endpoints", "events", "events.events.k8s.io", "leases.coordination.k8s.io"}
)
"""Kinds that come, go and change by themselves."""


@pytest.fixture(scope="module")
def change(dev: DevProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file that adds a customer, on a branch of the environment's checkout."""
    with cloned(dev, tmp_path_factory.mktemp("origin")):
        file = dev.registry / "umbrella.yaml"
        yield file
        file.unlink(missing_ok=True)


def preview_stack(project: DevProject, *arguments: str, expect: int = 0) -> str:
    return ci(project, "preview-stack", *arguments, expect=expect)


def items(project: DevProject, kinds: str) -> list[dict[str, Any]]:
    answer = project.shell("kubectl", "get", kinds, "--all-namespaces", "--output=json")
    found: list[dict[str, Any]] = json.loads(answer)["items"]
    return found


def objects(project: DevProject, kinds: str) -> dict[tuple[str, str, str], str]:
    """Return the UID of every object of some kinds."""
    return {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["metadata"][
            "uid"
        ]
        for item in items(project, kinds)
    }


def everything(project: DevProject) -> dict[tuple[str, str, str], str]:
    """Return the UID of every object in the cluster, but for what dev's own schedules may start meanwhile."""
    kinds = project.shell("kubectl", "api-resources", "--verbs=list", "--output=name").split()
    found = objects(project, ",".join(kind for kind in kinds if kind not in PASSING))
    return {
        key: uid for key, uid in found.items() if key[0] not in {"Job", "Pod", "PodMetrics"} or key[1] == HERE
    }


def volumes(project: DevProject) -> list[str]:
    """Return the names of the preview's volumes."""
    return [
        item["metadata"]["name"]
        for item in items(project, "persistentvolumes")
        if item["spec"]["claimRef"]["namespace"] == HERE
    ]


def held(state: Path) -> int:
    """Return how many resources a state holds."""
    resources, _pending = done(state) or (None, None)
    return len(resources) if isinstance(resources, list) else 0


def test_a_pull_request_gets_a_stack_beside_dev_and_takes_all_of_it_along(
    dev: DevProject, change: Path, golden: Callable[[Path, str], None]
) -> None:
    before = everything(dev)
    assert "there is none" in preview_stack(dev, *DOWN), "down before there was anything"

    change.write_text(FOURTH, encoding="utf-8")
    golden(COMMENTS / "stack.md", preview_stack(dev, *UP))
    pods = [item for item in items(dev, "pods") if item["metadata"]["namespace"] == HERE]
    serving = [pod for pod in pods if pod["status"]["phase"] != "Succeeded"]
    ready = [
        one["status"] for pod in serving for one in pod["status"]["conditions"] if one["type"] == "Ready"
    ]
    assert ready == ["True"] * 4
    made = objects(dev, "pods,secrets,persistentvolumeclaims,deployments,statefulsets")

    golden(COMMENTS / "stack.md", preview_stack(dev, *UP))
    assert objects(dev, "pods,secrets,persistentvolumeclaims,deployments,statefulsets") == made
    assert before.items() <= everything(dev).items(), "something of dev is gone, or is another one"
    assert ci(dev, "drift", "--stack=dev", expect=0) == "dev: what runs is what is declared\n"

    change.unlink()
    dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    acme = dev.registry / "acme.yaml"
    file = acme.read_text(encoding="utf-8")
    acme.write_text(file.replace("starter", "started"), encoding="utf-8")
    refused = preview_stack(dev, *UP, expect=1)
    acme.write_text(file, encoding="utf-8")
    assert "Stack `pr-12`: failed" in refused
    assert "started" in refused

    assert volumes(dev)
    keep = '--patch={"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
    dev.shell("kubectl", "patch", "persistentvolume", *volumes(dev), keep)
    assert "there is none" in preview_stack(dev, *UP), "the change is about nothing any more"
    assert everything(dev) == before
    assert "pr-12" not in dev.shell("pulumi", "stack", "ls", "--json")


def test_what_a_killed_run_left_is_removed_too(dev: DevProject, change: Path) -> None:
    before = everything(dev)
    change.write_text(FOURTH, encoding="utf-8")
    state = state_of(dev, "pr-12")
    kill_once(
        lambda: held(state) > SOON,
        run=dev.popen_in_shell(str(PYTHON), "-m", "ops.cli", "ci", "preview-stack", *UP),
    )
    assert locks_of(dev, "pr-12"), "the engine was not killed in the middle of its work"
    # A store of objects has a state whole or not at all. A file may be cut off, and then nobody reads it.
    restore_cut_off(state)
    nobody = ("GITHUB_API_URL=http://127.0.0.1:9", "GITHUB_REPOSITORY=o/r", "GITHUB_TOKEN=t")
    closed = (str(PYTHON), "-m", "ops.cli", "ci", "preview-stack", "closed")
    assert "GET pulls/12" in dev.shell("env", *nobody, *closed, expect=1), "nobody can tell, so nothing goes"
    dev.shell("kubectl", "create", "configmap", "nobodys", f"--namespace={HERE}")
    preview_stack(dev, *DOWN)
    assert everything(dev) == before
    change.unlink()
