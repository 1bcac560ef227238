"""How long containers may take to start before they are stopped and started anew."""

from __future__ import annotations

import pytest

from infra.customer.instance import manifests
from infra.customer.postgres import START_SECONDS
from tenants.sizing import OPTIONAL
from tests.program.instances import instance_of, with_options
from tests.program.variants import PLANS

SERVERS = {"Deployment", "StatefulSet"}


def test_only_a_database_may_recover_for_an_hour_and_its_hook_waits_as_long() -> None:
    objects = manifests(with_options("initech", *OPTIONAL))
    seconds = {
        (item["metadata"]["name"], container["name"]): probe["periodSeconds"] * probe["failureThreshold"]
        for item in objects
        if item["kind"] in SERVERS
        for container in item["spec"]["template"]["spec"]["containers"]
        if (probe := container.get("startupProbe"))
    }
    assert seconds.pop(("postgres", "postgres")) == START_SECONDS == 3600
    assert len(seconds) > 6
    assert set(seconds.values()) == {120}
    (files,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert f'[ "$seconds" -lt {START_SECONDS} ] || ' in files["roles.sh"]


def test_a_database_is_asked_by_a_name_that_it_knows_and_inside_its_pod() -> None:
    """Without a name pg_isready asks as the user that it runs as."""
    (server,) = (
        container
        for item in manifests(instance_of("acme"))
        if (item["kind"], item["metadata"]["name"]) == ("StatefulSet", "postgres")
        for container in item["spec"]["template"]["spec"]["containers"]
        if container["name"] == "postgres"
    )
    asked = ["pg_isready", "--quiet", "--host=127.0.0.1", "--port=5432", "--username=postgres"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["exec"]["command"] == asked


@pytest.mark.parametrize("plan", PLANS)
def test_who_pays_more_comes_first_where_room_is_short(plan: str) -> None:
    pods = [
        item["spec"].get("jobTemplate", item)["spec"]["template"]["spec"]
        for item in manifests(with_options(PLANS[plan], "exporter", "node_red"))
        if item["kind"] in {*SERVERS, "Job", "CronJob"}
    ]
    assert len(pods) > 6
    assert {pod["priorityClassName"] for pod in pods} == {f"iotistic-{plan}"}
