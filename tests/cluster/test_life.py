"""Customers' lives on the real engine and API server: nothing that happens to them moves their data.

What happens to several customers is applied in one run, as it would be on a working day.
"""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.test_dev_environment import children_named, wait_until

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
    "growing": "",
}
"""What a tenant's file says besides the least it has to say, by the tenant's id."""

PODS = {"managed": 3, "dedicated": 4, "nodeport": 4, "exporting": 5, "pinned": 4, "growing": 4}
OTHERS = {"acme": 4, "globex": 4, "initech": 4}
"""The pods of those who were there before."""

ADDITIONS = {
    "managed": "epochs:\n  jwt: 2\n",
    "dedicated": "epochs:\n  database: 2\n",
    "nodeport": "epochs:\n  mqtt: 2\n",
    "acme": "epochs:\n  admin: 2\n",
    "initech": 'epochs:\n  backup: 2\nextra_hosts:\n  - "iot.initech.example"\n'
    'backup:\n  schedule: "30 4 * * *"\n',
}
"""What is added to a file."""

TOUCHED = {
    "managed": {"update": ["deployment-api", "secret-api"]},
    "dedicated": {
        "update": ["deployment-api", "secret-database", "stateful-set-postgres"],
        "replace": ["job-settle"],
    },
    "nodeport": {"update": ["deployment-api", "secret-api"]},
    "acme": {"update": ["secret-api"], "replace": ["job-settle"]},
    "initech": {"update": ["cron-job-backup", "ingress-web", "secret-backup"]},
    # The image that a file names, and the end of what is paid for.
    "pinned": {"update": ["deployment-api", "deployment-dashboard"]},
    "globex": {"update": ["deployment-api", "prometheus-rule-instance", "secret-api"]},
}
"""Exactly the objects that an edit touches, by tenant. A licence rolls the API and nothing else."""


@pytest.fixture(scope="module")
def crowd(dev: DevProject) -> Iterator[DevProject]:
    """An environment with a customer of each kind, who are all taken away again."""
    before = {file: file.read_bytes() for file in dev.registry.iterdir()}
    try:
        for number, (tenant, addition) in enumerate(VARIANTS.items(), start=1):
            dev.iotistic(
                *("tenant", "add", tenant, "--yes"),
                *("--company", tenant.title(), "--email", f"it@{tenant}.example"),
                *("--paid-until", "2027-12-31", "--customer-id", f"cust_{number:032x}"),
            )
            add(dev, tenant, addition)
        dev.iotistic("local", "up")
        clean(dev)
        yield dev
    finally:
        for tenant in VARIANTS:
            (dev.registry / f"{tenant}.yaml").unlink(missing_ok=True)
        for file, content in before.items():
            file.write_bytes(content)
        stones = "".join(
            f'  - id: "{tenant}"\n    removed_on: "2026-11-20"\n    reason: "a test"\n' for tenant in VARIANTS
        )
        (dev.registry / "_removed.yaml").write_text(
            f"schema_version: 1\nremoved:\n{stones}", encoding="utf-8"
        )
    # Nobody wrote down that this claim was made, as when the engine is killed at that moment.
    before_adoption = claims(dev)["acme"]
    (urn,) = (
        item["urn"]
        for item in dev.resources()
        if item["urn"].endswith("::acme-persistent-volume-claim-postgres-data")
    )
    dev.shell("pulumi", "state", "delete", urn, "--yes", "--non-interactive")
    dev.iotistic("local", "up")
    clean(dev)
    assert claims(dev)["acme"] == before_adoption
    assert set(claims(dev)) == set(OTHERS)
    assert pods(dev) == OTHERS


def add(project: DevProject, tenant: str, lines: str) -> None:
    replace(project, tenant, "created:", f"{lines}created:")


def replace(project: DevProject, tenant: str, old: str, new: str) -> None:
    """Replace a text in a tenant's file."""
    file = project.registry / f"{tenant}.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def claims(project: DevProject) -> dict[str, dict[str, str]]:
    """Return the UIDs of the claims by tenant and name: all bound, but those that await a first backup."""
    found: dict[str, dict[str, str]] = {}
    for item in json.loads(project.shell("kubectl", "get", "pvc", "-A", "-ojson"))["items"]:
        metadata = item["metadata"]
        assert item["status"]["phase"] == "Bound" or metadata["name"] == "backup-data"
        tenant = metadata["namespace"].removeprefix("customer-")
        found.setdefault(tenant, {})[metadata["name"]] = metadata["uid"]
    return found


def clean(project: DevProject) -> None:
    project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def pods(project: DevProject) -> dict[str, int]:
    """Return how many pods each tenant has; all of them are ready."""
    statuses = project.statuses()
    assert all(status["pods"] == status["ready"] for status in statuses)
    return {status["id"]: status["pods"] for status in statuses}


def objects(project: DevProject, kind: str, tenant: str) -> dict[str, dict[str, Any]]:
    items = json.loads(project.shell("kubectl", "get", kind, f"-ncustomer-{tenant}", "-ojson"))["items"]
    return {item["metadata"]["name"]: item for item in items}


def version(project: DevProject, tenant: str) -> str:
    """Return the version that a tenant's API runs in."""
    spec = objects(project, "deployments", tenant)["api"]["spec"]["template"]["spec"]
    return str(spec["containers"][0]["image"]).rpartition(":")[2]


def asked_for(project: DevProject, tenant: str) -> dict[str, str]:
    """Return the size of each volume by what it belongs to."""
    found = objects(project, "pvc", tenant)
    return {name: found[f"{name}-data"]["spec"]["resources"]["requests"]["storage"] for name in LARGE}


def touched(project: DevProject) -> dict[str, dict[str, list[str]]]:
    """Return what a preview would do: objects by tenant and operation."""
    found: dict[str, dict[str, list[str]]] = {}
    for operation, names in project.preview().items():
        for name in names:
            tenant, _, rest = name.partition("-")
            found.setdefault(tenant, {}).setdefault(operation, []).append(rest)
    return found


def test_a_customer_of_each_kind_comes_up(crowd: DevProject) -> None:
    assert pods(crowd) == OTHERS | PODS
    ports = objects(crowd, "services", "nodeport")["mosquitto-entrance"]["spec"]["ports"]
    assert {port.get("nodePort") for port in ports} == {31883, 31901}
    assert "mosquitto" not in objects(crowd, "services", "managed")
    assert version(crowd, "pinned") == "2.0.9"


def test_an_edit_touches_exactly_what_it_is_about_and_no_volume(crowd: DevProject) -> None:
    before = claims(crowd)
    for tenant, addition in ADDITIONS.items():
        add(crowd, tenant, addition)
    replace(crowd, "pinned", 'version: "2.0.9"', 'version: "2.0.10"')
    replace(crowd, "globex", '"2027-12-31"', '"2028-01-31"')
    assert touched(crowd) == TOUCHED

    replace(crowd, "growing", 'plan: "starter"', 'plan: "enterprise"')
    crowd.iotistic("tenant", "suspend", "exporting", "--reason", "invoice unpaid", "--yes")
    crowd.iotistic("local", "up")
    clean(crowd)
    assert claims(crowd) == before
    assert version(crowd, "pinned") == "2.0.10"
    assert asked_for(crowd, "growing") == LARGE
    assert pods(crowd) == OTHERS | PODS | {"exporting": 1}, "the page that says why, and nothing else"
    replicas = {
        name: item["spec"]["replicas"]
        for kind in ("deployments", "statefulsets")
        for name, item in objects(crowd, kind, "exporting").items()
    }
    assert replicas == {"dashboard": 1, "api": 0, "postgres": 0, "mosquitto": 0, "exporter": 0}
    rules = objects(crowd, "ingresses", "exporting")["web"]["spec"]["rules"]
    backends = {path["backend"]["service"]["name"] for rule in rules for path in rule["http"]["paths"]}
    assert backends == {"dashboard"}


def test_a_run_killed_amid_all_kinds_of_change_is_finished_by_the_next(crowd: DevProject) -> None:
    before = claims(crowd)
    # A rollback, another plan, rotations, a licence, one who goes and one who comes back, and one who
    # pays for less: a volume never shrinks, so that file says what it has.
    replace(crowd, "pinned", 'version: "2.0.10"', 'version: "2.0.9"')
    replace(crowd, "managed", 'plan: "starter"', 'plan: "professional"')
    replace(crowd, "managed", "jwt: 2", "jwt: 3")
    replace(crowd, "dedicated", "database: 2", "database: 3")
    replace(crowd, "globex", '"2028-01-31"', '"2028-02-28"')
    crowd.iotistic("tenant", "suspend", "nodeport", "--reason", "invoice unpaid", "--yes")
    crowd.iotistic("tenant", "resume", "exporting", "--yes")
    kept = "".join(f'  {name}: "{size}"\n' for name, size in LARGE.items())
    replace(crowd, "growing", 'plan: "enterprise"\n', f'plan: "professional"\nstorage:\n{kept}')

    run = crowd.popen("local", "up")
    state = crowd.home / "state" / ".pulumi" / "stacks" / "iotistic" / "dev.json"
    wait_until(lambda: '"type": "updating"' in state.read_text(encoding="utf-8"))
    engines = children_named("pulumi", of=run.pid)
    assert engines, "no engine is running"
    for pid in engines:
        os.kill(pid, signal.SIGKILL)
    run.communicate()
    assert run.returncode == 1

    assert "a former run was interrupted" in crowd.iotistic("local", "up").stderr
    clean(crowd)
    assert claims(crowd) == before
    urns = [resource["urn"] for resource in crowd.resources()]
    assert len(urns) == len(set(urns))
    assert pods(crowd) == OTHERS | PODS | {"nodeport": 1}
    assert version(crowd, "pinned") == "2.0.9"
    assert asked_for(crowd, "growing") == LARGE
