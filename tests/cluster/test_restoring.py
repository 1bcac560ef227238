"""``iotistic tenant restore-job --apply`` on the real API server, scheduler and controllers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.dev_project import PYTHON

if TYPE_CHECKING:
    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

WHERE = "--namespace=customer-initech"


def put_back(project: DevProject, what: str, *, expect: int) -> str:
    """Run the command as after ``eval "$(iotistic local env)"``, and return what it said on one line."""
    command = (str(PYTHON), "-m", "ops.cli", "tenant", "restore-job", "initech")
    return " ".join(project.shell(*command, "--what", what, "--apply", "--yes", expect=expect).split())


def succeeded(project: DevProject) -> dict[str, int]:
    """Return how many pods of each Job of a restore have done their work."""
    items = json.loads(project.shell("kubectl", "get", "jobs", WHERE, "-ojson"))["items"]
    found = {item["metadata"]["name"]: item["status"].get("succeeded", 0) for item in items}
    return {name: count for name, count in found.items() if name.startswith("restore-")}


def test_a_part_is_put_back_once_its_writer_has_stopped(dev: DevProject) -> None:
    refused = put_back(dev, "broker", expect=2)
    assert "statefulset/mosquitto: still runs, or is to run" in refused
    assert succeeded(dev) == {}
    try:
        # What the refusal says is what helps.
        dev.shell("kubectl", WHERE, "scale", "statefulset/mosquitto", "--replicas=0")
        dev.shell("kubectl", WHERE, "wait", "--for=delete", "pod/mosquitto-0", "--timeout=120s")
        said = put_back(dev, "broker", expect=0)
        assert "It is put back. Now: kubectl --namespace customer-initech scale" in said
        put_back(dev, "database", expect=0)
        assert succeeded(dev) == {"restore-broker": 1, "restore-database": 1}
        assert "job/restore-broker: is there already, and has ended" in put_back(dev, "broker", expect=2)
    finally:
        dev.shell("kubectl", WHERE, "scale", "statefulset/mosquitto", "--replicas=1")
        dev.shell(
            "kubectl", WHERE, "delete", "--ignore-not-found", "job/restore-broker", "job/restore-database"
        )
        dev.shell("kubectl", WHERE, "rollout", "status", "statefulset/mosquitto", "--timeout=120s")
    dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    # What was changed by hand is not in the way of what is declared next.
    file = dev.registry / "initech.yaml"
    before = file.read_text(encoding="utf-8")
    dev.iotistic("tenant", "suspend", "initech", "--reason", "invoice unpaid", "--yes")
    try:
        assert "initech-stateful-set-mosquitto" in dev.preview()["update"]
    finally:
        file.write_text(before, encoding="utf-8")
