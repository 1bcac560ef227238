"""What happens when the control plane does not start; that it does is shown with the real one."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local import cluster
from ops.local.control_plane import ControlPlane, ControlPlaneError
from ops.local.tools import Toolbox

if TYPE_CHECKING:
    from pathlib import Path

BINARIES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kwokctl",
    "kubectl",
)


@pytest.fixture
def toolbox(tmp_path: Path) -> Toolbox:
    """Return binaries that all fail."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in BINARIES:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} is broken' >&2\nexit 1\n")
        (folder / name).chmod(0o755)
    return Toolbox(folder, {name: folder / name for name in BINARIES})


def test_a_failing_kwokctl_is_quoted_and_the_next_try_starts_anew(toolbox: Toolbox, tmp_path: Path) -> None:
    plane = ControlPlane("broken", tmp_path / "cluster", toolbox)
    for _ in range(2):
        with pytest.raises(ControlPlaneError, match=r"kwokctl create cluster failed.*\nkwokctl is broken"):
            plane.start()
    record = json.loads((tmp_path / "cluster" / "control-plane.json").read_text())
    assert record["made_from"] is None
    assert len(set(record["ports"].values())) == 6
    assert plane.access() is None


def test_etcd_and_all_else_are_told_to_stay_on_the_loopback_address(toolbox: Toolbox, tmp_path: Path) -> None:
    with pytest.raises(ControlPlaneError):
        ControlPlane("broken", tmp_path / "cluster", toolbox).start()
    config, _, stages = (tmp_path / "cluster" / "kwokctl.yaml").read_text().partition("\n---\n")
    assert json.loads(config)["options"]["bindAddress"] == "127.0.0.1"
    assert "kind: Stage" in stages


def test_an_api_server_that_does_not_get_ready(
    toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "cluster"
    certificates = directory / "kwok" / "clusters" / "deaf" / "pki"
    # This kwokctl pretends that all went well.
    toolbox.path("kwokctl").write_text(
        f"#!/bin/sh\nmkdir -p {certificates}; cd {certificates}; touch ca.crt admin.crt admin.key\n"
    )
    monkeypatch.setattr(cluster, "_READY_SECONDS", 0.1)
    monkeypatch.setattr(cluster, "ensure_crds", lambda **_: [])
    embedded = cluster.EmbeddedCluster("deaf", directory, toolbox, Console(file=io.StringIO()))
    with pytest.raises(ControlPlaneError, match=r"not ready after 0\.1 s.*kubectl is broken"):
        embedded.up()
    assert embedded.status().ready is False
    embedded.down()
    assert not directory.exists()
