"""A customer's life on the real engine and API server: nothing that happens to them moves their data."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

LARGE = {"postgres": "50Gi", "mosquitto": "5Gi"}
"""The volumes of the largest plan."""

VARIANTS = {
    "managed": 'mqtt:\n  mode: "managed"\n  endpoint: "broker.example"\n',
    "dedicated": 'mqtt:\n  mode: "dedicated"\n',
    "nodeport": 'mqtt:\n  mode: "node_port"\n  node_port: 31883\n  websocket_node_port: 31901\n',
    "exporting": "options:\n  exporter: true\n",
    "pinned": 'version: "2.0.9"\n',
}
"""What a tenant's file says besides the least it has to say, by the tenant's id."""


@contextmanager
def edited(project: DevProject, tenant: str, old: str, new: str) -> Iterator[None]:
    """Replace a text in a tenant's file for a while."""
    file = project.registry / f"{tenant}.yaml"
    before = file.read_text(encoding="utf-8")
    assert old in before
    file.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")


def claims(project: DevProject, tenant: str) -> dict[str, str]:
    """Return the UIDs of a tenant's bound claims by name."""
    items = json.loads(project.shell("kubectl", "get", "pvc", f"-ncustomer-{tenant}", "-ojson"))["items"]
    assert {item["status"]["phase"] for item in items if item["metadata"]["name"] != "backup-data"} == {
        "Bound"
    }
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}


def clean(project: DevProject) -> None:
    project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def running(project: DevProject, tenant: str) -> tuple[int, int]:
    (status,) = (status for status in project.statuses() if status["id"] == tenant)
    return status["pods"], status["ready"]


def objects(project: DevProject, kind: str, tenant: str) -> dict[str, dict[str, Any]]:
    items = json.loads(project.shell("kubectl", "get", kind, f"-ncustomer-{tenant}", "-ojson"))["items"]
    return {item["metadata"]["name"]: item for item in items}


def test_suspended_and_resumed_a_customer_has_the_same_volumes(dev: DevProject) -> None:
    before = claims(dev, "globex")
    dev.iotistic("tenant", "suspend", "globex", "--reason", "invoice unpaid", "--yes")
    dev.iotistic("local", "up")
    clean(dev)
    assert running(dev, "globex") == (1, 1), "the page that says why, and nothing else"
    replicas = {
        name: item["spec"]["replicas"]
        for kind in ("deployments", "statefulsets")
        for name, item in objects(dev, kind, "globex").items()
    }
    assert replicas == {"dashboard": 1, "api": 0, "postgres": 0, "mosquitto": 0}
    rules = objects(dev, "ingresses", "globex")["web"]["spec"]["rules"]
    backends = {path["backend"]["service"]["name"] for rule in rules for path in rule["http"]["paths"]}
    assert backends == {"dashboard"}
    assert claims(dev, "globex") == before

    dev.iotistic("tenant", "resume", "globex", "--yes")
    dev.iotistic("local", "up")
    clean(dev)
    assert running(dev, "globex") == (4, 4)
    assert claims(dev, "globex") == before


def test_the_end_is_backed_up_once_everything_has_stopped_and_can_be_taken_back(dev: DevProject) -> None:
    before = claims(dev, "globex")
    dev.iotistic("tenant", "decommission", "globex", "--reason", "contract ended", "--yes")
    dev.iotistic("local", "up")
    clean(dev)
    jobs = objects(dev, "jobs", "globex")
    assert {name: item["status"].get("succeeded") for name, item in jobs.items()} == {
        "final-backup": 1,
        "final-backup-broker": 1,
    }
    servers = [
        item for kind in ("deployments", "statefulsets") for item in objects(dev, kind, "globex").values()
    ]
    assert {item["spec"]["replicas"] for item in servers} == {0}
    assert claims(dev, "globex") == before

    dev.iotistic("tenant", "revive", "globex", "--yes")
    dev.iotistic("local", "up")
    clean(dev)
    assert set(objects(dev, "jobs", "globex")) == {"settle"}
    assert running(dev, "globex") == (4, 4)
    assert claims(dev, "globex") == before


def test_a_larger_plan_grows_the_same_volume_in_place_and_a_smaller_one_keeps_it(dev: DevProject) -> None:
    before = claims(dev, "globex")
    with edited(dev, "globex", 'plan: "professional"', 'plan: "enterprise"'):
        dev.iotistic("local", "up")
        clean(dev)
        assert claims(dev, "globex") == before
        assert asked_for(dev, "globex") == LARGE
        # A volume never shrinks, so from here on the customer's file says what it has.
        file = dev.registry / "globex.yaml"
        grown = file.read_text(encoding="utf-8")
    kept = "".join(f'  {name}: "{size}"\n' for name, size in LARGE.items())
    file.write_text(
        grown.replace('plan: "enterprise"\n', f'plan: "professional"\nstorage:\n{kept}'), encoding="utf-8"
    )
    dev.iotistic("local", "up")
    clean(dev)
    assert claims(dev, "globex") == before
    assert asked_for(dev, "globex") == LARGE


def asked_for(project: DevProject, tenant: str) -> dict[str, str]:
    """Return the size of each volume by what it belongs to."""
    found = objects(project, "pvc", tenant)
    return {name: found[f"{name}-data"]["spec"]["resources"]["requests"]["storage"] for name in LARGE}


EDITS = {
    "epochs:\n  database: 2\n": {
        "update": [
            "initech-deployment-api",
            "initech-secret-database",
            "initech-stateful-set-postgres",
        ],
        "replace": ["initech-job-settle"],
    },
    "epochs:\n  jwt: 2\n": {"update": ["initech-deployment-api", "initech-secret-api"]},
    "epochs:\n  backup: 2\n": {"update": ["initech-secret-backup"]},
    'version: "2.0.9"\n': {"update": ["initech-deployment-api", "initech-deployment-dashboard"]},
    'extra_hosts:\n  - "iot.initech.example"\n': {"update": ["initech-ingress-web"]},
    'backup:\n  schedule: "30 4 * * *"\n': {"update": ["initech-cron-job-backup"]},
}
"""What is added to a file, and exactly what that touches."""


@pytest.mark.parametrize(
    "addition", EDITS, ids=lambda text: text.split()[0].rstrip(":") + text.split()[1][:8]
)
def test_an_edit_touches_exactly_what_it_is_about(dev: DevProject, addition: str) -> None:
    with edited(dev, "initech", "notes:", f"{addition}notes:"):
        assert dev.preview() == EDITS[addition]


def test_every_variant_comes_up_and_a_recorded_removal_takes_it_away_again(dev: DevProject) -> None:
    files = [dev.registry / f"{tenant}.yaml" for tenant in VARIANTS]
    tombstones = dev.registry / "_removed.yaml"
    try:
        for number, (tenant, addition) in enumerate(VARIANTS.items(), start=1):
            dev.iotistic(
                *("tenant", "add", tenant, "--yes"),
                *("--company", tenant.title(), "--email", f"it@{tenant}.example"),
                *("--paid-until", "2027-12-31", "--customer-id", f"cust_{number:032x}"),
            )
            path = dev.registry / f"{tenant}.yaml"
            path.write_text(path.read_text(encoding="utf-8") + addition, encoding="utf-8")
        dev.iotistic("local", "up")
        clean(dev)
        ready = {status["id"]: (status["pods"], status["ready"]) for status in dev.statuses()}
        assert {tenant: ready[tenant] for tenant in VARIANTS} == {
            "managed": (3, 3),
            "dedicated": (4, 4),
            "nodeport": (4, 4),
            "exporting": (5, 5),
            "pinned": (4, 4),
        }
        services = objects(dev, "services", "nodeport")
        assert {port.get("nodePort") for port in services["mosquitto-entrance"]["spec"]["ports"]} == {
            31883,
            31901,
        }
        assert "mosquitto" not in objects(dev, "services", "managed")
        containers = objects(dev, "deployments", "pinned")["api"]["spec"]["template"]["spec"]["containers"]
        assert containers[0]["image"].endswith(":2.0.9")
    finally:
        removed = "".join(
            f'  - id: "{tenant}"\n    removed_on: "2026-11-20"\n    reason: "a test"\n' for tenant in VARIANTS
        )
        tombstones.write_text(f"schema_version: 1\nremoved:\n{removed}", encoding="utf-8")
        for file in files:
            file.unlink(missing_ok=True)
    dev.iotistic("local", "up")
    clean(dev)
    namespaces = dev.shell("kubectl", "get", "namespaces", "-oname")
    assert [tenant for tenant in VARIANTS if f"customer-{tenant}\n" in namespaces] == []
    assert [status["id"] for status in dev.statuses()] == ["acme", "globex", "initech"]
