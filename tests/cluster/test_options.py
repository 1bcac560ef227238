"""A customer with every option on the real engine and API server, and what stays of an option afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import OUTLASTS_ITS_OPTION

if TYPE_CHECKING:
    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

OPTIONS = "options:\n  node_red: true\n  prometheus: true\n  grafana: true\n  exporter: true\n"


def volumes(project: DevProject) -> dict[str, str]:
    """Return the UIDs of the options' claims by name; all of them are bound."""
    items = json.loads(project.shell("kubectl", "get", "pvc", "-ncustomer-initech", "-ojson"))["items"]
    found = {item["metadata"]["name"]: item for item in items}
    kept = {name: found[name] for name in OUTLASTS_ITS_OPTION if name in found}
    assert {item["status"]["phase"] for item in kept.values()} <= {"Bound"}
    return {name: item["metadata"]["uid"] for name, item in kept.items()}


def applied(project: DevProject) -> tuple[int, int]:
    """Bring the environment up and return how many pods the customer has, and how many are ready."""
    project.iotistic("local", "up")
    project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    (status,) = (status for status in project.statuses() if status["id"] == "initech")
    return status["pods"], status["ready"]


def test_every_option_comes_up_and_its_volume_is_there_again_after_it_was_off(dev: DevProject) -> None:
    file = dev.registry / "initech.yaml"
    without = file.read_text(encoding="utf-8")
    try:
        file.write_text(without.replace("notes:", f"{OPTIONS}notes:"), encoding="utf-8")
        assert applied(dev) == (8, 8)
        before = volumes(dev)
        assert set(before) == OUTLASTS_ITS_OPTION

        off = OPTIONS.replace("true", "false")
        file.write_text(without.replace("notes:", f"{off}notes:"), encoding="utf-8")
        assert applied(dev) == (4, 4)
        assert volumes(dev) == before

        file.write_text(without.replace("notes:", f"{OPTIONS}notes:"), encoding="utf-8")
        assert applied(dev) == (8, 8)
        assert volumes(dev) == before
        file.write_text(without.replace("notes:", f"{off}notes:"), encoding="utf-8")
        dev.iotistic("local", "up")
    finally:
        file.write_text(without, encoding="utf-8")
    dev.iotistic("local", "up")
    dev.shell("kubectl", "delete", "pvc", "-ncustomer-initech", *sorted(OUTLASTS_ITS_OPTION))
