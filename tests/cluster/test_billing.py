"""Billing's place on the real engine and API server: it comes up, is admitted as it is, and goes again."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.dev_project import LEAP_DAY

if TYPE_CHECKING:
    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

IMAGE = "registry.example.com/iotistic/billing:1.0.0"
BILLING = f'  iotistic:billing: {{image: "{IMAGE}", backupSchedule: "{LEAP_DAY}"}}\n'


def test_billing_comes_up_beside_the_customers_and_goes_again(dev: DevProject) -> None:
    file = dev.folder / "Pulumi.dev.yaml"
    without = file.read_text(encoding="utf-8")
    try:
        file.write_text(without + BILLING, encoding="utf-8")
        dev.iotistic("local", "up")
        dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
        pods = json.loads(dev.shell("kubectl", "get", "pods", "-nbilling", "-ojson"))["items"]
        assert len(pods) == 3
        for pod in pods:
            assert "True" in {it["status"] for it in pod["status"]["conditions"] if it["type"] == "Ready"}
        claims = json.loads(dev.shell("kubectl", "get", "pvc", "-nbilling", "-ojson"))["items"]
        assert {it["metadata"]["name"]: it["status"]["phase"] for it in claims} == {
            # Nobody has taken a backup yet.
            "backup-data": "Pending",
            "postgres-data": "Bound",
            "redis-data": "Bound",
        }
        (host,) = json.loads(dev.shell("kubectl", "get", "ingress", "-nbilling", "-ojson"))["items"]
        assert host["spec"]["rules"][0]["host"] == "billing.iotistic.localhost"
        passwords = secrets(dev, "billing")
        assert passwords.keys() == {"backup", "billing", "database", "redis"}
        state = dev.shell("pulumi", "stack", "export")
        assert "billing-secret-redis" in state
        assert in_clear(passwords, state + dev.shell("pulumi", "stack", "output", "--json")) == []
    finally:
        file.write_text(without, encoding="utf-8")
    dev.iotistic("local", "up")
    assert "NotFound" in dev.shell("kubectl", "get", "namespace", "billing", expect=1)


def secrets(project: DevProject, namespace: str) -> dict[str, dict[str, str]]:
    """Return what each Secret of a namespace holds, by name and key."""
    items = json.loads(project.shell("kubectl", "get", "secrets", f"-n{namespace}", "-ojson"))["items"]
    return {
        item["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in item["data"].items()
        }
        for item in items
    }


def in_clear(found: dict[str, dict[str, str]], text: str) -> list[str]:
    """Return the Secrets and keys whose value stands in a text, as it is or as an object carries it."""
    return [
        f"{name}: {key}"
        for name, values in found.items()
        for key, value in values.items()
        if any(form in text for form in (json.dumps(value)[1:-1], base64.b64encode(value.encode()).decode()))
    ]
