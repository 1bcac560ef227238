"""Customers that really run: ready, reachable with their own credentials, and by nobody else's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from ops.local.node.layout import NODE_NAME
from tests.node.devices import account, mqtt, with_device
from tests.node.environment import ONLY, TWO
from tests.node.probes import probe_pod
from tests.node.world import WORKLOADS, app_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

READ = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())
"""
LOG_IN = """
import sys, psycopg2
role, password = sys.argv[1:]
there = psycopg2.connect(host='postgres', dbname='iotistic', user=role, password=password, connect_timeout=20)
there.cursor().execute('SELECT 1')
"""


def test_customers_of_different_plans_are_ready_on_the_real_node(world: World) -> None:
    for tenant in TWO:
        pods = {app_of(pod): pod for pod in world.pods(tenant)}
        # Whatever else is there runs for a while only, or belongs to a test beside this one.
        own = [pods[name] for names in WORKLOADS.values() for name in names]
        assert {pod["spec"]["nodeName"] for pod in own} == {NODE_NAME}
        containers = [status for pod in own for status in pod["status"]["containerStatuses"]]
        assert len(containers) >= len(own)
        assert all(status["ready"] for status in containers)
    plans = {status["id"]: status["plan"] for status in world.project.statuses()}
    assert plans.keys() == set(ONLY)
    assert plans["globex"] != plans["acme"]


def test_preview_is_clean_afterwards(world: World) -> None:
    world.project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def test_the_api_reaches_its_own_database_and_not_the_neighbours(world: World) -> None:
    for tenant in TWO:
        world.api(tenant, "/api/v1/notes", {"text": f"written by {tenant}"})
    for tenant in TWO:
        answer = world.api(tenant, "/api/v1/notes")
        assert answer["customer"] == tenant
        assert f"written by {tenant}" in answer["notes"]
        assert not any(other in note for note in answer["notes"] for other in TWO if other != tenant)


def test_no_password_of_one_customer_opens_the_neighbours_database(world: World) -> None:
    """Even past the network: from the neighbour's own database pod."""
    own, other = (secret(world, tenant, "api-password") for tenant in ("globex", "acme"))
    database = ("customer-globex", "statefulset/postgres")
    assert log_in(world, database, "127.0.0.1", "iotistic", own).returncode == 0
    refused = log_in(world, database, "127.0.0.1", "iotistic", other)
    assert 'password authentication failed for user "iotistic"' in refused.stderr


def test_over_the_network_the_database_knows_its_roles_and_never_the_superuser(world: World) -> None:
    """With the passwords that are right, from the one pod that reaches it."""
    assert log_in_from_api(world, "iotistic", secret(world, "acme", "api-password")).returncode == 0
    superuser = log_in_from_api(world, "postgres", secret(world, "acme", "superuser-password"))
    assert "pg_hba.conf rejects connection for host" in superuser.stderr
    assert 'user "postgres"' in superuser.stderr
    nobody = log_in_from_api(world, "nobody", secret(world, "acme", "superuser-password"))
    assert 'password authentication failed for user "nobody"' in nobody.stderr


def secret(world: World, tenant: str, key: str) -> str:
    """Return a password of a customer's database."""
    data = world.get("secret/database", f"--namespace=customer-{tenant}")["data"]
    return base64.b64decode(data[key]).decode()


def log_in(
    world: World, client: tuple[str, str], host: str, role: str, password: str
) -> subprocess.CompletedProcess[str]:
    """Ask a database for something, as a role, from a pod."""
    options = ("--no-psqlrc", f"--host={host}", f"--username={role}", "--dbname=iotistic")
    return world.attempt(*client, "env", f"PGPASSWORD={password}", "psql", *options, "--command=SELECT 1")


def log_in_from_api(world: World, role: str, password: str) -> subprocess.CompletedProcess[str]:
    """Ask acme's database for something, as a role, from the API's pod, which has no psql."""
    return world.attempt("customer-acme", "deploy/api", "python3", "-c", LOG_IN, role, password)


def test_monitoring_reads_by_the_services_that_database_and_broker_are_up(world: World) -> None:
    """From its namespace, at the port called "metrics": what alerts are made from."""
    where = ("monitoring", "pod/reader")
    world.apply(probe_pod("monitoring", "reader", {}))
    try:
        wait = ("--for=condition=Ready", "pod/reader", "--namespace=monitoring", "--timeout=120s")
        world.kubectl("wait", *wait)
        for tenant in TWO:
            for service, metric in (("postgres", "pg_up"), ("mosquitto", "broker_up")):
                spec = world.get(f"service/{service}", f"--namespace=customer-{tenant}")["spec"]
                (port,) = (port["port"] for port in spec["ports"] if port["name"] == "metrics")
                url = f"http://{service}.customer-{tenant}.svc.cluster.local:{port}/metrics"
                metrics = world.run(*where, "python3", "-c", READ, url).splitlines()
                assert f"{metric} 1" in metrics, url
    finally:
        world.kubectl("delete", "pod/reader", "--namespace=monitoring", "--wait=false")


# A device publishes where the edge stands, by MQTT, with its own customer's credentials.


@pytest.fixture(scope="module")
def devices(world: World) -> Iterator[World]:
    """A world in which each customer has one device, and the edge's namespace a client."""
    with with_device(world, "device", TWO):
        yield world


def test_a_message_with_the_right_credentials_arrives(devices: World) -> None:
    for tenant in TWO:
        topic = f"iot/{tenant}/temperature"
        sent = mqtt(devices, "device", "pub", tenant, topic, "-r", "-m", "21.5")
        assert sent.returncode == 0, sent.stderr
        got = mqtt(devices, "device", "sub", tenant, topic, "-C", "1", "-W", "10")
        assert got.stdout.strip() == "21.5", got.stderr


def test_another_customers_credentials_are_refused(devices: World) -> None:
    refused = mqtt(devices, "device", "pub", "globex", "iot/globex/x", "-m", "1", credentials=account("acme"))
    assert refused.returncode != 0
    assert "not authorised" in refused.stderr


def test_a_wrong_password_and_no_password_are_refused(devices: World) -> None:
    wrong = mqtt(devices, "device", "pub", "acme", "iot/acme/x", "-m", "1", credentials=("device-acme", "x"))
    assert "not authorised" in wrong.stderr
    host = ["-h", "mosquitto.customer-acme.svc.cluster.local", "-t", "x", "-m", "1"]
    assert not devices.succeeds("mqtt-edge", "pod/device", "mosquitto_pub", *host)


def test_a_topic_of_others_is_never_delivered(devices: World) -> None:
    for topic, text in (("iot/elsewhere/own", "leaked"), ("iot/acme/own", "own")):
        mqtt(devices, "device", "pub", "acme", topic, "-r", "-m", text)
    # The broker sends what it retains in the order that it was asked in: what is refused would come first.
    both = ("-t", "iot/acme/own", "-C", "1", "-W", "10")
    got = mqtt(devices, "device", "sub", "acme", "iot/elsewhere/own", *both)
    assert got.stdout.split() == ["own"]
