"""What a customer has stored stays, whatever is declared of the customer, and while nothing is served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.names import EDGE_NAMESPACE, INGRESS_NAMESPACE
from tests.node.doubles.images import newer
from tests.node.environment import KEPT, ONLY, TWO
from tests.node.keeping import assert_kept, write
from tests.node.outside import Outside, client_outside
from tests.node.probes import probe_pod
from tests.node.renewals import EDGE_TLS, authority
from tests.node.world import app_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.node.world import World

pytestmark = pytest.mark.node

SUSPENDED = """\
lifecycle:
  state: "suspended"
  reason: "tries whether its data stays"
  since: "2026-11-20"
"""
ASK = """
import json, sys, urllib.error, urllib.request
host, *addresses = sys.argv[1:]
def ask(address):
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers={"Host": host}), timeout=10)
    except urllib.error.HTTPError as refused:
        answer = refused
    return answer.status, answer.read().decode()
print(json.dumps([ask(address) for address in addresses]))
"""


@pytest.fixture(scope="module")
def device(stored: World) -> Iterator[Outside]:
    """A device outside, of every customer."""
    trusted = authority(stored, EDGE_NAMESPACE, EDGE_TLS)
    # The first one's name tells whether the edge is trusted by now, and that one stays.
    with client_outside(stored, "changes", trusted, ["globex", "acme"]) as client:
        yield client


@pytest.fixture(scope="module")
def visitor(world: World) -> Iterator[str]:
    """A pod where the ingress controller stands."""
    pod = probe_pod(INGRESS_NAMESPACE, "visitor", {})
    where = f"--namespace={INGRESS_NAMESPACE}"
    world.apply(pod)
    try:
        world.kubectl("wait", "--for=condition=Ready", "pod/visitor", where, "--timeout=120s")
        yield "pod/visitor"
    finally:
        world.kubectl("delete", "pod/visitor", where, "--wait=false")


@pytest.fixture
def declared(world: World) -> Iterator[tuple[str, str]]:
    """Return acme's file and the stack's configuration as they were. A node that is kept gets all back.

    Customers that have no part in it are to be suspended: their images would be changed as well.
    """
    others = [world.project.registry / f"{tenant}.yaml" for tenant in ONLY if tenant not in TWO]
    before = {file: file.read_text(encoding="utf-8") for file in (*files(world), *others)}
    for file in others:
        file.write_text(before[file] + SUSPENDED, encoding="utf-8")
    tenant, configuration = (before[file] for file in files(world))
    yield tenant, configuration
    for file, text in before.items():
        file.write_text(text, encoding="utf-8")
    if KEPT:
        world.project.iotistic("local", "up")


@pytest.mark.leaves_changes
def test_it_outlives_suspension_an_upgrade_of_its_images_and_a_change_of_plan(
    world: World, device: Outside, visitor: str, declared: tuple[str, str]
) -> None:
    tenant, configuration = declared
    words = write(world, ["acme"])
    references = {name: newer(name) for name in ("postgres", "mosquitto")}
    assert images_of(world).isdisjoint(references.values())
    assert publishes(device)
    assert served(world, visitor, "/")["/"][0] == 200
    use(world, tenant + SUSPENDED, configuration)
    assert_suspended(world, device, visitor)

    overrides = f"  iotistic:imageOverrides: '{json.dumps(references)}'\n"
    use(world, promoted(tenant), configuration + overrides)
    world.wait_ready("acme")
    # It is ready before the edge knows where it is now.
    wait_until(lambda: publishes(device), seconds=60)
    assert served(world, visitor, "/")["/"][0] == 200
    assert set(references.values()) <= images_of(world)
    assert_kept(world, words)


def assert_suspended(world: World, device: Outside, visitor: str) -> None:
    """See that nothing of acme's runs but a page that says so, and that a neighbour is served."""
    assert {app_of(pod) for pod in running(world)} == {"dashboard"}
    refused = device.mqtt("pub", "acme", "-t", "iot/acme/x", "-m", "1")
    assert refused.returncode != 0
    assert "not authorised" not in refused.stderr, "it never got to a broker"
    assert publishes(device, "globex")
    for path, (status, page) in served(world, visitor, "/", "/api/v1/notes", "/ws", "/any/page").items():
        assert (status, "This service is suspended" in page) == (503, True), path
    claims = world.get("persistentvolumeclaims", "--namespace=customer-acme")["items"]
    bound = {claim["metadata"]["name"] for claim in claims if claim["status"]["phase"] == "Bound"}
    assert {"postgres-data", "mosquitto-data"} <= bound


def publishes(device: Outside, tenant: str = "acme") -> bool:
    return device.mqtt("pub", tenant, "-t", f"iot/{tenant}/x", "-m", "1").returncode == 0


def served(world: World, visitor: str, *paths: str) -> dict[str, tuple[int, str]]:
    """Return status and page of paths of acme's host, each from where the declared route leads to."""
    (rule,) = world.get("ingress/web", "--namespace=customer-acme")["spec"]["rules"]
    routes = {item["path"]: item["backend"]["service"] for item in rule["http"]["paths"]}

    def address(path: str) -> str:
        service = routes[max((prefix for prefix in routes if path.startswith(prefix)), key=len)]
        name = f"{service['name']}.customer-acme.svc.cluster.local"
        return f"http://{name}:{service['port']['number']}{path}"

    ask = ("python3", "-c", ASK, rule["host"], *map(address, paths))
    return dict(zip(paths, json.loads(world.run(INGRESS_NAMESPACE, visitor, *ask)), strict=True))


def files(world: World) -> tuple[Path, Path]:
    """Return where acme's file and the stack's configuration are."""
    return world.project.registry / "acme.yaml", world.project.folder / "Pulumi.dev.yaml"


def use(world: World, *texts: str) -> None:
    """Declare what acme's file and the stack's configuration are from now on."""
    for file, text in zip(files(world), texts, strict=True):
        file.write_text(text, encoding="utf-8")
    world.project.iotistic("local", "up")


def promoted(file: str) -> str:
    """Return a tenant's file with a larger plan, on volumes that it can go back with."""
    for old, new in (
        ('plan: "starter"', 'plan: "professional"'),
        ('status: "trialing"', 'status: "active"\n  current_period_end: "2027-11-30"'),
    ):
        assert old in file
        file = file.replace(old, new)
    return file + 'storage:\n  postgres: "10Gi"\n  mosquitto: "1Gi"\n'


def images_of(world: World) -> set[str]:
    return {container["image"] for pod in running(world) for container in pod["spec"]["containers"]}


def running(world: World) -> list[dict[str, Any]]:
    return [pod for pod in world.pods("acme") if pod["status"]["phase"] == "Running"]
