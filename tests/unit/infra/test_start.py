"""How long containers may take to start before they are stopped and started anew."""

from __future__ import annotations

from infra.customer.instance import manifests
from infra.customer.postgres import START_SECONDS
from tenants.sizing import OPTIONAL
from tests.program.instances import with_options

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
