"""Customers of every kind, and a stack that chooses otherwise, on the real engine and API server.

Each row of the page that says what an edit touches is tried on the engine. Several customers' files are
edited at once, so that one preview tries several rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenants.editing import edit
from tenants.sizing import ALWAYS, OPTIONAL
from tests.cluster.customers import clean, objects, pods, replace, set_aside, touched
from tests.cluster.dev_project import DevProject
from tests.program.edits import CUSTOMER, EDITS, Edit, Effect, effects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenants.splice import Value

pytestmark = pytest.mark.cluster

ROUNDS = 5
"""In how many previews at most the rows about a customer's file are tried."""

CHOICES: dict[str, dict[str, Value]] = {
    "flows": {"plan": "starter", "options.node_red": True},
    "usage": {"plan": "starter", "options.exporter": True},
    "both": {"plan": "professional", "options.node_red": True, "options.exporter": True},
}
"""What files say of options on the plans that do not have all of them."""

REPOSITORY = "s3:https://s3.example/backups"


def seats() -> dict[str, list[Edit]]:
    """Return the rows about a customer's file, one for each round, by whose file is edited."""
    alike: dict[str, list[Edit]] = {}
    for row in EDITS:
        if not row.config:
            alike.setdefault(json.dumps(row.before), []).append(row)
    found: dict[str, list[Edit]] = {}
    for rows in alike.values():
        needed = -(-len(rows) // ROUNDS)
        for number in range(needed):
            found[f"row{len(found)}"] = rows[number::needed]
    return found


SEATS = seats()
BEFORE = CHOICES | {customer: dict(rows[0].before) for customer, rows in SEATS.items()}
"""What each customer's file says besides what the one whose rows these are says, by customer."""

OF_THE_STACK = [row for row in EDITS if row.config]


def declare(project: DevProject, customer: str, values: Mapping[str, Value]) -> None:
    """Write a customer's file: that of the page's customer, with other values."""
    own: dict[str, Value] = {
        "id": customer,
        "customer_id": f"cust_{customer.encode().hex():0>32}",
        "subscription.stripe_customer_id": f"cus_{customer:0>14}",
        "subscription.stripe_subscription_id": f"sub_{customer:0>14}",
    }
    changes = {tuple(key.split(".")): value for key, value in {**own, **values}.items()}
    content = edit(project.registry / f"{CUSTOMER}.yaml", changes).after
    assert content is not None
    (project.registry / f"{customer}.yaml").write_bytes(content)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory, next_licence_private_key: str) -> Iterator[DevProject]:
    """Return an environment with every kind of customer beside its own, and a second key of licences."""
    project = DevProject.clone(tmp_path_factory.mktemp("variants") / "project")
    # All of them take more of a processor than the simulated nodes have.
    set_aside(project, 25)
    for customer, values in BEFORE.items():
        declare(project, customer, values)
    # Nobody kills these runs, and with so many objects most of their time would be writing down each step.
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", "true")
    try:
        project.iotistic("local", "up")
        keys = json.loads(config_of(project)["licencePrivateKeys"]) | {"2": next_licence_private_key}
        project.shell(
            *("pulumi", "config", "set", "--secret", "iotistic:licencePrivateKeys"), stdin=json.dumps(keys)
        )
        yield project
    finally:
        project.iotistic("local", "down", "--yes")
        monkeypatch.undo()


def config_of(project: DevProject) -> dict[str, str]:
    """Return the stack's whole configuration."""
    found = json.loads(project.shell("pulumi", "config", "--show-secrets", "--json"))
    return {key.removeprefix("iotistic:"): item["value"] for key, item in found.items()}


@pytest.fixture(scope="module")
def page(varied: DevProject) -> dict[str, Effect]:
    """What the page says under this stack's configuration, by what the rows are about."""
    return {effect.edit.what: effect for effect in effects(config_of(varied))}


def expected_pods(values: Mapping[str, Value]) -> int:
    """Return how many pods a customer has whose file says this."""
    lifecycle = values.get("lifecycle")
    if isinstance(lifecycle, dict):
        return 1 if lifecycle["state"] == "suspended" else 0
    return len(ALWAYS) + sum(bool(values.get(f"options.{name}")) for name in OPTIONAL)


def everybody_is_ready(project: DevProject) -> None:
    found = pods(project)
    assert {customer: found[customer] for customer in BEFORE} == {
        customer: expected_pods(values) for customer, values in BEFORE.items()
    }


def test_a_customer_of_each_kind_comes_up(varied: DevProject) -> None:
    tried = [{name for name in OPTIONAL if values.get(f"options.{name}")} for values in BEFORE.values()]
    for chosen in ({"node_red"}, {"exporter"}, {"prometheus"}, {"prometheus", "grafana"}):
        assert chosen in tried
    clean(varied)
    everybody_is_ready(varied)


@pytest.mark.parametrize("number", range(max(map(len, SEATS.values()))))
def test_an_edit_touches_what_the_page_says(varied: DevProject, page: dict[str, Effect], number: int) -> None:
    rows = {customer: edits[number] for customer, edits in SEATS.items() if number < len(edits)}
    assert rows
    try:
        for customer, row in rows.items():
            declare(varied, customer, row.file)
        changes = touched(varied)
    finally:
        for customer, row in rows.items():
            declare(varied, customer, row.before)
    expected = {
        customer: page[row.what].operations(CUSTOMER, called=customer) for customer, row in rows.items()
    }
    # Whose row touches nothing is in no preview, and neither is anybody whose file was not edited.
    assert changes == {customer: operations for customer, operations in expected.items() if operations}


@pytest.mark.parametrize("row", OF_THE_STACK, ids=[row.what for row in OF_THE_STACK])
def test_an_edit_of_the_stack_touches_of_each_customer_what_the_page_says(
    varied: DevProject, page: dict[str, Effect], row: Edit
) -> None:
    file = varied.home / "Pulumi.dev.yaml"
    before = file.read_bytes()
    try:
        for key, value in row.config.items():
            varied.shell("pulumi", "config", "set", f"iotistic:{key}", value)
        changes = touched(varied)
    finally:
        file.write_bytes(before)
    for customer in ("acme", "globex", CUSTOMER):
        assert changes[customer] == page[row.what].operations(customer)


def test_everybody_moves_to_a_stack_that_chooses_otherwise(varied: DevProject) -> None:
    """Routes of the Gateway API, brokers that ask the database, and backups that leave the cluster."""
    config = varied.folder / "Pulumi.dev.yaml"
    otherwise = ("routes: gateway", "mqttAuthentication: postgres", f"backupRepository: {REPOSITORY}")
    replace(
        config, "iotistic:backupRepository: volume", "\n  ".join(f"iotistic:{choice}" for choice in otherwise)
    )
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        path = f"iotistic:backupCredentials.{variable}"
        varied.shell("pulumi", "config", "set", "--secret", "--path", path, stdin="of this test")
    varied.iotistic("local", "up")
    clean(varied)
    everybody_is_ready(varied)
    for customer in ("flows", "both", CUSTOMER):
        assert set(objects(varied, "httproutes", customer)) == {"web", "redirect"}
        assert not objects(varied, "ingresses", customer)
        assert "backup-data" not in objects(varied, "pvc", customer)
        assert REPOSITORY in json.dumps(objects(varied, "cronjobs", customer)["backup"])
        broker = objects(varied, "statefulsets", customer)["mosquitto"]["spec"]["template"]["spec"]
        assert [container["name"] for container in broker["initContainers"]] == ["password"]
