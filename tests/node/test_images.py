"""What pods run: images that stand in for published ones, and doubles that start nowhere else."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ops.local.node import debian
from ops.local.node.commands import NodeError, which
from tests.node.doubles.images import PROBE, REDIS, doubles, newer
from tests.node.probes import probe_pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.node.world import World

pytestmark = pytest.mark.node


def test_every_double_refuses_to_start_outside_a_cluster_of_the_tests(world: World) -> None:
    """A container of the same image and no pod: the cluster's names are unknown to it."""
    references = sorted(doubles())
    with ThreadPoolExecutor(len(references)) as pool:
        said = dict(zip(references, pool.map(lambda name: refusal(world, name), references), strict=True))
    assert len(said) == 4
    for reference, words in said.items():
        assert "a double for tests, and here is no test cluster" in words, reference


def test_an_image_is_unpacked_before_a_container_needs_it(world: World) -> None:
    """Of containers that start together each would unpack the layer that all images share."""
    answer = world.node.namespaces.run(which("ctr"), "--namespace=k8s.io", "images", "check")
    unpacked = {line.split()[0]: line.split()[-1] for line in answer.splitlines()[1:]}
    assert [unpacked[newer(name)] for name in ("postgres", "mosquitto")] == ["true", "true"]


PINNED = "docker.io/iotistic/pinned:test"


def test_a_loaded_image_is_found_by_its_digest(world: World, tmp_path: Path) -> None:
    """A pod that pins the content names tag and digest; the runtime looks for the digest alone."""
    ctr = partial(world.node.namespaces.run, which("ctr"), "--namespace=k8s.io", "images", network=False)
    ctr("tag", "--force", PROBE, PINNED)
    archive = tmp_path / "pinned.tar"
    ctr("export", str(archive), PINNED)
    ctr("remove", PINNED)
    assert world.node.images.load(archive) == [PINNED]
    [digest] = [line.split()[2] for line in ctr("list").splitlines() if line.startswith(f"{PINNED} ")]
    pod = probe_pod("customer-globex", "pinned", {})
    pod["spec"]["containers"][0] |= {"image": f"{PINNED}@{digest}", "imagePullPolicy": "IfNotPresent"}
    world.apply(pod)
    try:
        ready = ("--for=condition=Ready", "pod/pinned", "--namespace=customer-globex", "--timeout=60s")
        world.kubectl("wait", *ready)
    finally:
        world.kubectl("delete", "pod/pinned", "--namespace=customer-globex", "--wait=false")


def test_an_update_of_a_package_makes_images_anew() -> None:
    versions = debian.versions(("busybox-static",))
    assert len(versions) == 1, "it depends on nothing"
    assert versions[0].startswith("busybox-static 1:1.")


def refusal(world: World, reference: str) -> str:
    """Start a container outside of the cluster, which has to fail, and return what it said."""
    name = f"alone-{uuid.uuid4().hex[:8]}"
    # In the node's own control group, which goes with it.
    run = ("--namespace=k8s.io", "run", "--rm", f"--cgroup=/{world.node.layout.cgroup}/{name}")
    with pytest.raises(NodeError) as caught:
        world.node.namespaces.run(which("ctr"), *run, reference, name)
    return str(caught.value)


def test_redis_keeps_to_the_contract_of_its_image(world: World) -> None:
    """It runs under "restricted" with its data in /data, and answers other pods on its port."""
    pod = probe_pod("customer-globex", "redis", {})
    pod["spec"]["securityContext"] |= {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999}
    [container] = pod["spec"]["containers"]
    container |= {
        "image": REDIS,
        "args": ["--appendonly", "yes"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    world.apply(pod)
    try:
        world.kubectl(
            "wait", "--for=condition=Ready", "pod/redis", "--namespace=customer-globex", "--timeout=120s"
        )
        address = world.get("pod/redis", "--namespace=customer-globex")["status"]["podIP"]
        ask = ["redis-cli", "-h", address]
        assert world.run("customer-globex", "pod/redis", *ask, "set", "key", "value").strip() == "OK"
        assert "appendonlydir" in world.run("customer-globex", "pod/redis", "ls", "/data")
    finally:
        world.kubectl("delete", "pod/redis", "--namespace=customer-globex", "--wait=false")
