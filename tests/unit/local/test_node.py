"""What can be known of the real node without being root."""

from __future__ import annotations

import json
import tarfile
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ops.local.node import cgroups
from ops.local.node.addresses import pick
from ops.local.node.archive import ImageSpec, write_archive, write_layer
from ops.local.node.layout import NODE_NAME, NodeLayout
from ops.local.node.machine import missing_packages, missing_programs, unfit
from ops.local.node.provisioner import Provisioner, volume_of
from ops.local.refusals import refuse_moving_volumes
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class TestMachine:
    def test_only_linux_carries_a_node(self) -> None:
        problem = unfit(platform="darwin", user=0)
        assert problem is not None
        assert "runs darwin, and a real node needs Linux" in problem.what
        assert "make up" in problem.how

    def test_only_root_makes_one(self) -> None:
        problem = unfit(platform="linux", user=1000)
        assert problem is not None
        assert "is not root" in problem.what

    def test_root_on_linux_can(self) -> None:
        assert unfit(platform="linux", user=0) is None

    def test_missing_programs_are_named_by_their_packages(self, tmp_path: Path) -> None:
        there = {"ip", "nsenter", "unshare", "setsid", "dpkg-deb", "ipset", "conntrack"}
        found = missing_packages(lambda name: name if name in there else None, (tmp_path,))
        assert found == ["containerd", "containernetworking-plugins", "iptables", "runc"]
        message = str(missing_programs(found))
        assert "containerd, containernetworking-plugins, iptables, runc" in message

    def test_nothing_is_missing_where_everything_is(self, tmp_path: Path) -> None:
        (tmp_path / "bridge").touch()
        assert missing_packages(lambda name: name, (tmp_path,)) == []


class TestAddresses:
    def test_the_first_free_block_is_taken(self) -> None:
        found = pick([])
        assert found.block == IPv4Network("10.245.0.0/23")
        assert found.pods == IPv4Network("10.245.0.0/24")
        assert (str(found.bridge), str(found.host), str(found.node)) == (
            "10.245.0.1",
            "10.245.1.1",
            "10.245.1.2",
        )

    def test_what_is_in_use_is_left_alone(self) -> None:
        used = [IPv4Network("10.245.0.0/16"), IPv4Network("10.246.0.0/15")]
        assert not any(pick(used).block.overlaps(network) for network in used)
        assert pick(used).block == IPv4Network("172.16.0.0/23")

    def test_a_machine_that_uses_everything_is_told_so(self) -> None:
        with pytest.raises(UsageError, match="use every private address range"):
            pick([IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")])


def test_two_folders_share_no_name_on_the_machine(tmp_path: Path) -> None:
    first, second = NodeLayout(tmp_path / "a"), NodeLayout(tmp_path / "b")
    assert first.interface != second.interface
    assert first.cgroup != second.cgroup
    assert len(first.interface) <= 15


class TestGroups:
    def test_each_hierarchy_of_the_first_version_gets_one(self, tmp_path: Path) -> None:
        for name in ("cpu", "cpuset"):
            (tmp_path / name).mkdir()
            for file in ("cgroup.procs", "tasks"):
                (tmp_path / name / file).touch()
        (tmp_path / "no-hierarchy").mkdir()
        cgroups.make("ours", tmp_path)
        cgroups.make("ours", tmp_path)
        assert cgroups.existing("ours", tmp_path) == [tmp_path / "cpu" / "ours", tmp_path / "cpuset" / "ours"]
        (tmp_path / "cpu" / "ours" / "pods" / "one").mkdir(parents=True)
        cgroups.remove("ours", tmp_path)
        assert cgroups.existing("ours", tmp_path) == []

    def test_the_one_hierarchy_of_the_second_version_gets_one(self, tmp_path: Path) -> None:
        (tmp_path / "cgroup.controllers").touch()
        cgroups.make("ours", tmp_path)
        assert cgroups.existing("ours", tmp_path) == [tmp_path / "ours"]

    def test_a_group_that_cannot_go_is_not_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cgroups, "_PATIENCE_SECONDS", 0.1)
        (tmp_path / "cgroup.controllers").touch()
        cgroups.make("ours", tmp_path)
        (tmp_path / "ours" / "busy").touch()
        with pytest.raises(OSError, match="not empty"):
            cgroups.remove("ours", tmp_path)


def test_an_archive_holds_each_layer_once(tmp_path: Path) -> None:
    base = write_layer(tmp_path / "base.tar", {"etc/": (b"", 0o755), "etc/passwd": (b"x", 0o644)})
    top = write_layer(tmp_path / "top.tar", {"run.sh": (b"#!/bin/sh", 0o755)})
    specs = {
        "example.com/a:1": ImageSpec(layers=[base], entrypoint=["a"]),
        "example.com/b:1": ImageSpec(layers=[base, top], entrypoint=["b"], env={"X": "1"}, user="70:70"),
    }
    write_archive(tmp_path / "image.tar", specs)
    with tarfile.open(tmp_path / "image.tar") as tar:
        names = tar.getnames()
        listing = tar.extractfile("manifest.json")
        assert listing is not None
        manifest = json.load(listing)
        config_file = tar.extractfile(manifest[1]["Config"])
        assert config_file is not None
        config = json.load(config_file)
    assert len([name for name in names if name.endswith(".tar")]) == 2
    assert [entry["RepoTags"] for entry in manifest] == [["example.com/a:1"], ["example.com/b:1"]]
    assert manifest[0]["Layers"] == manifest[1]["Layers"][:1]
    assert config["config"]["Env"] == ["X=1"]
    assert len(config["rootfs"]["diff_ids"]) == 2


def claim(**changes: object) -> dict[str, Any]:
    metadata = {
        "name": "data",
        "namespace": "customer-a",
        "uid": "1",
        "annotations": {"volume.kubernetes.io/selected-node": NODE_NAME},
    }
    spec = {
        "storageClassName": "node",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}, **changes}


class TestVolumes:
    @staticmethod
    def run(folder: Path, claims: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> list[httpx.Request]:
        """Run one round against an API server with these objects, and return what it was asked to change."""
        changes: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                found = claims if request.url.path.endswith("claims") else volumes
                return httpx.Response(200, json={"items": found})
            changes.append(request)
            return httpx.Response(200, json={})

        with httpx.Client(base_url="https://api", transport=httpx.MockTransport(answer)) as api:
            Provisioner(api, folder).round()
        return changes

    def test_a_claim_that_was_given_this_node_gets_a_folder(self, tmp_path: Path) -> None:
        [request] = self.run(tmp_path, [claim()], [])
        volume = json.loads(request.content)
        assert volume["spec"]["claimRef"]["uid"] == "1"
        assert volume["spec"]["local"]["path"] == str(tmp_path / "pvc-1")
        assert (tmp_path / "pvc-1").is_dir()

    def test_claims_of_other_nodes_and_classes_are_left_alone(self, tmp_path: Path) -> None:
        elsewhere = claim()
        elsewhere["metadata"]["annotations"] = {}
        other = claim()
        other["spec"]["storageClassName"] = "standard"
        assert self.run(tmp_path, [elsewhere, other], []) == []
        assert list(tmp_path.iterdir()) == []

    def test_a_volume_grows_with_its_claim(self, tmp_path: Path) -> None:
        volume = {**volume_of(claim(), tmp_path), "status": {"phase": "Bound"}}
        bigger = claim(status={"phase": "Bound", "capacity": {"storage": "1Gi"}})
        bigger["spec"]["resources"]["requests"]["storage"] = "2Gi"
        paths = [request.url.path for request in self.run(tmp_path, [bigger], [volume])]
        assert paths == [
            "/api/v1/persistentvolumes/pvc-1",
            "/api/v1/namespaces/customer-a/persistentvolumeclaims/data/status",
        ]

    def test_the_folder_goes_with_its_claim_and_not_before(self, tmp_path: Path) -> None:
        volume = {**volume_of(claim(), tmp_path), "status": {"phase": "Bound"}}
        (tmp_path / "pvc-1").mkdir()
        assert self.run(tmp_path, [], [volume]) == []
        assert (tmp_path / "pvc-1").exists()
        volume["status"] = {"phase": "Released"}
        [request] = self.run(tmp_path, [], [volume])
        assert (request.method, request.url.path) == ("DELETE", "/api/v1/persistentvolumes/pvc-1")
        assert not (tmp_path / "pvc-1").exists()


def test_customers_on_simulated_nodes_are_not_moved(tmp_path: Path) -> None:
    refuse_moving_volumes(node=True, stack=True, folder=tmp_path)
    refuse_moving_volumes(node=False, stack=False, folder=tmp_path)
    with pytest.raises(UsageError, match="already runs on simulated nodes"):
        refuse_moving_volumes(node=False, stack=True, folder=tmp_path)
