"""Customers' lives on the real engine and API server: nothing that happens to them moves their data.

What happens to several customers is applied in one run, as on a working day. They live in an
environment of their own, which is protected as production is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.crashes import kill_in_the_middle
from tests.cluster.customers import clean, objects, pods, replace, touched
from tests.cluster.dev_project import DevProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
pytestmark = pytest.mark.cluster

LARGE = {"postgres": "50Gi", "mosquitto": "5Gi"}
"""The volumes of the largest plan."""

ALL_OPTIONS = "options:\n  node_red: true\n  prometheus: true\n  grafana: true\n  exporter: true\n"
NODE_PORTS = """\
mqtt:
  mode: "node_port"
  node_port: 31883
  websocket_node_port: 31901
  api_node_port: 31302
  dashboard_node_port: 31080
"""

CUSTOMERS = {
    "managed": ("starter", 'mqtt:\n  mode: "managed"\n  endpoint: "broker.example"\n'),
    "dedicated": ("professional", 'mqtt:\n  mode: "dedicated"\n'),
    "nodeport": ("starter", NODE_PORTS),
    "pinned": ("starter", 'version: "2.0.9"\n'),
    "growing": ("starter", ""),
    "complete": ("enterprise", f"{ALL_OPTIONS}epochs:\n  backup: 1\n"),
}
"""Each customer's plan, and what the file says besides the least it has to say, by id."""

NEWEST = "2.0.11"
"""The version that some go forward to."""

UPGRADED = ("dedicated", "growing", "complete")
"""Those who follow the project's version until they are upgraded ahead of it."""

PODS = {"managed": 3, "dedicated": 4, "nodeport": 4, "pinned": 4, "growing": 4, "complete": 8}

ROTATED = "".join(
    f"  {name}: 2\n" for name in ("backup", "database", "mqtt", "jwt", "admin", "node_red", "grafana")
)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProject]:
    """Return an environment with a customer of each kind, all of them up."""
    project = DevProject.clone(tmp_path_factory.mktemp("life") / "project")
    others = list(project.registry.iterdir())
    config = project.folder / "Pulumi.dev.yaml"
    replace(config, "iotistic:protect: false", "iotistic:protect: true")
    for number, (tenant, (plan, more)) in enumerate(CUSTOMERS.items(), start=1):
        project.iotistic(
            *("tenant", "add", tenant, "--yes", "--plan", plan),
            *("--company", tenant.title(), "--email", f"it@{tenant}.example"),
            *("--paid-until", "2027-12-31", "--customer-id", f"cust_{number:032x}"),
        )
        file = project.registry / f"{tenant}.yaml"
        file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    for file in others:
        file.unlink()
    try:
        project.iotistic("local", "up")
        yield project
    finally:
        project.iotistic("local", "down", "--yes")


def edit(project: DevProject, tenant: str, old: str, new: str) -> None:
    """Replace a text in a tenant's file."""
    replace(project.registry / f"{tenant}.yaml", old, new)


def claims(project: DevProject) -> dict[str, dict[str, str]]:
    """Return the UIDs of the claims by tenant and name: all bound, but those that await a first backup."""
    found: dict[str, dict[str, str]] = {}
    for item in json.loads(project.shell("kubectl", "get", "pvc", "-A", "-ojson"))["items"]:
        metadata = item["metadata"]
        assert item["status"]["phase"] == "Bound" or metadata["name"] == "backup-data"
        tenant = metadata["namespace"].removeprefix("customer-")
        found.setdefault(tenant, {})[metadata["name"]] = metadata["uid"]
    return found


def replicas(project: DevProject, tenant: str) -> dict[str, int]:
    """Return how many pods each of a tenant's servers is to have."""
    return {
        name: item["spec"]["replicas"]
        for kind in ("deployments", "statefulsets")
        for name, item in objects(project, kind, tenant).items()
    }


def version(project: DevProject, tenant: str) -> str:
    """Return the version that a tenant's API runs in."""
    spec = objects(project, "deployments", tenant)["api"]["spec"]["template"]["spec"]
    return str(spec["containers"][0]["image"]).rpartition(":")[2]


def asked_for(project: DevProject, tenant: str) -> dict[str, str]:
    """Return the size of each volume by what it belongs to."""
    found = objects(project, "pvc", tenant)
    return {name: found[f"{name}-data"]["spec"]["resources"]["requests"]["storage"] for name in LARGE}


def test_a_customer_of_each_kind_comes_up(crowd: DevProject) -> None:
    clean(crowd)
    assert pods(crowd) == PODS
    ports = objects(crowd, "services", "nodeport")["mosquitto-entrance"]["spec"]["ports"]
    assert {port.get("nodePort") for port in ports} == {31883, 31901}
    services = objects(crowd, "services", "nodeport")
    (api,), (dashboard,) = (services[name]["spec"]["ports"] for name in ("api", "dashboard"))
    assert (api["nodePort"], dashboard["nodePort"]) == (31302, 31080)
    assert "mosquitto" not in objects(crowd, "services", "managed")
    assert version(crowd, "pinned") == "2.0.9"


def test_a_day_of_changes_touches_what_it_is_about_and_no_volume(crowd: DevProject) -> None:
    before = claims(crowd)
    edit(crowd, "managed", '"2027-12-31"', '"2028-01-31"')
    edit(crowd, "pinned", 'version: "2.0.9"', 'version: "2.0.10"')
    edit(crowd, "complete", "epochs:\n  backup: 1\n", f"epochs:\n{ROTATED}")
    assert touched(crowd) == {
        # A licence rolls the API and nothing else.
        "managed": {"update": ["deployment-api", "prometheus-rule-instance", "secret-api"]},
        "pinned": {"update": ["deployment-api", "deployment-dashboard"]},
        "complete": {
            "update": [
                # The former password comes to their pods beside the new one.
                "cron-job-backup",
                "cron-job-backup-flows",
                "deployment-api",
                "deployment-grafana",
                "deployment-node-red",
                "secret-api",
                "secret-backup",
                "secret-database",
                "secret-grafana",
                "secret-node-red",
                "stateful-set-mosquitto",
                "stateful-set-postgres",
            ],
            "replace": ["job-settle"],
        },
    }

    edit(crowd, "growing", 'plan: "starter"', 'plan: "enterprise"')
    edit(crowd, "dedicated", 'mode: "dedicated"', 'mode: "managed"\n  endpoint: "broker.example"')
    crowd.iotistic("tenant", "suspend", "nodeport", "--reason", "invoice unpaid", "--yes")
    crowd.iotistic("local", "up")
    clean(crowd)
    assert claims(crowd) == before
    assert version(crowd, "pinned") == "2.0.10"
    assert asked_for(crowd, "growing") == LARGE
    assert pods(crowd) == PODS | {"dedicated": 3, "nodeport": 1}, "a page that says why, and nothing else"
    assert replicas(crowd, "nodeport") == {"dashboard": 1, "api": 0, "postgres": 0, "mosquitto": 0}
    rules = objects(crowd, "ingresses", "nodeport")["web"]["spec"]["rules"]
    backends = {path["backend"]["service"]["name"] for rule in rules for path in rule["http"]["paths"]}
    assert backends == {"dashboard"}


def another_plan(project: DevProject) -> None:
    """Pay for less: a volume never shrinks, so the file says what it has."""
    kept = "".join(f'  {name}: "{size}"\n' for name, size in LARGE.items())
    edit(project, "growing", 'plan: "enterprise"\n', f'plan: "professional"\nstorage:\n{kept}')


def an_upgrade(project: DevProject) -> None:
    """Several go forward at once: one alone is over before anybody can be killed amid it."""
    edit(project, "pinned", 'version: "2.0.10"', f'version: "{NEWEST}"')
    for tenant in UPGRADED:
        edit(project, tenant, f'id: "{tenant}"\n', f'id: "{tenant}"\nversion: "{NEWEST}"\n')


def a_rollback(project: DevProject) -> None:
    """Go back together with a new password: alone it is over before anybody can be killed amid it."""
    edit(project, "pinned", f'version: "{NEWEST}"', 'version: "2.0.9"\nepochs:\n  database: 2')


def one_who_goes_and_one_who_comes_back(project: DevProject) -> None:
    project.iotistic("tenant", "suspend", "managed", "--reason", "invoice unpaid", "--yes")
    project.iotistic("tenant", "resume", "nodeport", "--yes")


def a_rotation(project: DevProject) -> None:
    edit(project, "complete", ROTATED, ROTATED.replace("2", "3"))


@pytest.mark.parametrize(
    "change", [another_plan, an_upgrade, a_rollback, one_who_goes_and_one_who_comes_back, a_rotation]
)
def test_a_run_killed_amid_a_change_is_finished_by_the_next(
    crowd: DevProject, change: Callable[[DevProject], None]
) -> None:
    before = claims(crowd)
    change(crowd)
    kill_in_the_middle(crowd)
    assert "a former run was interrupted" in crowd.iotistic("local", "up").stderr
    clean(crowd)
    assert claims(crowd) == before
    urns = [resource["urn"] for resource in crowd.resources()]
    assert len(urns) == len(set(urns))


def test_after_all_that_everybody_has_what_the_registry_says(crowd: DevProject) -> None:
    assert pods(crowd) == PODS | {"dedicated": 3, "managed": 1}
    assert version(crowd, "pinned") == "2.0.9"
    assert {version(crowd, tenant) for tenant in UPGRADED} == {NEWEST}
    assert asked_for(crowd, "growing") == LARGE


def test_a_claim_that_nobody_wrote_down_is_taken_over(crowd: DevProject) -> None:
    """As when the engine is killed between making it and saying so; or when a broker comes back."""
    before = claims(crowd)
    (urn,) = (
        item["urn"]
        for item in crowd.resources()
        if item["urn"].endswith("::pinned-persistent-volume-claim-postgres-data")
    )
    crowd.shell("pulumi", "state", "delete", urn, "--force", "--yes", "--non-interactive")
    edit(crowd, "dedicated", 'mode: "managed"\n  endpoint: "broker.example"', 'mode: "dedicated"')
    crowd.iotistic("local", "up")
    clean(crowd)
    assert claims(crowd) == before


def test_a_customer_is_removed_once_decommissioned_and_not_before_and_may_come_back(
    crowd: DevProject,
) -> None:
    before = claims(crowd)
    file, record = crowd.registry / "nodeport.yaml", crowd.registry / "_removed.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    record.write_text(
        'schema_version: 1\nremoved:\n  - id: "nodeport"\n    removed_on: "2026-11-20"\n    reason: "x"\n',
        encoding="utf-8",
    )
    refusal = crowd.iotistic("local", "up", expect=2).stderr
    by_hand = crowd.shell("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", expect=1)
    for message in (refusal, by_hand):
        assert "whom the last run left active, not decommissioned" in " ".join(message.split())
    record.unlink()
    file.write_text(text, encoding="utf-8")
    clean(crowd)

    for tenant in ("nodeport", "growing"):
        crowd.iotistic("tenant", "decommission", tenant, "--reason", "left", "--yes")
    crowd.iotistic("local", "up")
    clean(crowd)
    assert claims(crowd) == before
    for tenant in ("nodeport", "growing"):
        last_backups = objects(crowd, "jobs", tenant)
        assert {name: job["status"].get("succeeded") for name, job in last_backups.items()} == {
            "final-backup": 1,
            "final-backup-broker": 1,
        }
        assert set(replicas(crowd, tenant).values()) == {0}

    crowd.iotistic("tenant", "revive", "growing", "--yes")
    early = ("--allow-early-deletion", "--reason", "left", "--yes")
    crowd.iotistic("tenant", "remove", "nodeport", *early)
    crowd.iotistic("local", "up")
    clean(crowd)
    del before["nodeport"]
    assert claims(crowd) == before
    assert set(objects(crowd, "jobs", "growing")) == {"settle"}
    assert pods(crowd)["growing"] == PODS["growing"]
    namespaces = crowd.shell("kubectl", "get", "namespaces", "-oname").split()
    assert "namespace/customer-nodeport" not in namespaces
    assert "namespace/customer-pinned" in namespaces
