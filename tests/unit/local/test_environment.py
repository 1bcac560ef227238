from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ops.cli.app import app
from ops.local import inventory
from ops.local.environment import Environment
from ops.local.inventory import Inventory
from ops.local.kube_command import KubectlError
from ops.local.kubeconfig import KubeAccess
from ops.local.refusals import refuse_orphans
from ops.local.stack import holds_resources, is_stale, restore_cut_off
from ops.local.target import Target
from ops.local.tools import Toolbox
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def answering(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: list[dict[str, Any]] | KubectlError
) -> Inventory:
    """Return the inventory of a cluster that answers every question so."""

    def kubectl(*_: object) -> str:
        if isinstance(answer, KubectlError):
            raise answer
        return json.dumps({"items": answer})

    monkeypatch.setattr(inventory, "kubectl", kubectl)
    return Inventory(
        Toolbox(bin_dir=tmp_path, binaries={}), KubeAccess(tmp_path / "kubeconfig", "kind-test", "https://x")
    )


def kubeconfig_of_a_lab(folder: Path) -> Path:
    """Write a kubeconfig whose one context is kind-lab, and return it."""
    document = {
        "contexts": [{"name": "kind-lab", "context": {"cluster": "lab"}}],
        "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [],
    }
    path = folder / "config"
    path.write_text(json.dumps(document))
    return path


def test_each_cluster_has_a_folder_of_its_own() -> None:
    folders = [Target.of(context).folder.name for context in (None, "kind-a", "kind/a", "Kind-A")]
    assert folders[0] == "dev"
    assert len(set(folders)) == len(folders)
    assert all(folder.replace("-", "").isalnum() for folder in folders)


def test_customers_without_a_state_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = answering(monkeypatch, tmp_path, [{"metadata": {"name": "customer-acme"}}])
    with pytest.raises(UsageError, match="customer-acme"):
        refuse_orphans(found)


def test_an_empty_cluster_is_fine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = answering(monkeypatch, tmp_path, [])
    refuse_orphans(found)
    assert found.tenant_namespaces() == []


def test_a_cluster_that_does_not_answer_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = answering(monkeypatch, tmp_path, KubectlError("connection refused"))
    with pytest.raises(UsageError, match="cluster kind-test: connection refused"):
        found.tenant_pods()


def test_without_a_default_storage_class_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = answering(monkeypatch, tmp_path, [{"metadata": {"name": "slow"}}, {"metadata": {"name": "fast"}}])
    with pytest.raises(UsageError, match="there are: slow, fast"):
        found.default_storage_class()


def test_the_default_storage_class_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    classes: list[dict[str, Any]] = [
        {"metadata": {"name": "slow"}},
        {"metadata": {"name": "fast", "annotations": annotations}},
    ]
    assert answering(monkeypatch, tmp_path, classes).default_storage_class() == "fast"


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [({}, None), ({"nginx": False}, "nginx"), ({"nginx": False, "traefik": True}, "traefik")],
)
def test_the_ingress_class_is_the_default_or_the_only_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, classes: dict[str, bool], chosen: str | None
) -> None:
    default = {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    items = [{"metadata": {"name": name, **(default if main else {})}} for name, main in classes.items()]
    assert answering(monkeypatch, tmp_path, items).ingress_class() == chosen


def test_two_ingress_classes_without_a_default_are_no_choice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    items: list[dict[str, Any]] = [{"metadata": {"name": name}} for name in ("nginx", "traefik")]
    assert answering(monkeypatch, tmp_path, items).ingress_class() is None


def test_pods_are_counted_by_customer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def pod(tenant: str, ready: str) -> dict[str, Any]:
        return {
            "metadata": {"labels": {"iotistic.io/tenant": tenant}},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }

    done = pod("acme", "False")
    done["status"]["phase"] = "Succeeded"
    pods = [pod("acme", "True"), pod("acme", "False"), pod("globex", "True"), done]
    assert answering(monkeypatch, tmp_path, pods).tenant_pods() == {
        "acme": [True, False],
        "globex": [True],
    }


def test_a_lock_is_stale_once_its_process_is_gone(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"pid": os.getpid()}))
    assert not is_stale(lock)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    lock.write_text(json.dumps({"pid": child}))
    assert is_stale(lock)


def test_a_lock_whose_writing_was_cut_short_is_stale(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text("")
    assert is_stale(lock)


@pytest.mark.parametrize(
    ("state", "copy", "after"),
    [
        ("", "the copy", "the copy"),
        ("", None, ""),
        ("the state", "the copy", "the state"),
        (None, "the copy", None),
        (None, None, None),
    ],
)
def test_a_state_that_was_cut_off_is_the_engines_copy_again(
    tmp_path: Path, state: str | None, copy: str | None, after: str | None
) -> None:
    file, beside = tmp_path / "dev.json", tmp_path / "dev.json.bak"
    for path, text in ((file, state), (beside, copy)):
        if text is not None:
            path.write_text(text)
    restore_cut_off(file)
    assert (file.read_text() if file.exists() else None) == after
    assert (beside.read_text() if beside.exists() else None) == copy


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (None, False),
        ('{"checkpoint": {"stack": "dev"}}', False),
        ('{"checkpoint": {"stack": "dev", "latest": {"manifest": {}}}}', False),
        ('{"checkpoint": {"latest": {"resources": [{"urn": "urn:pulumi:dev"}]}}}', True),
        ("", True),
    ],
    ids=["no state", "never run", "only opened", "with customers", "cut off"],
)
def test_a_stack_that_was_only_opened_holds_nothing(tmp_path: Path, text: str | None, *, held: bool) -> None:
    state = tmp_path / "dev.json"
    if text is not None:
        state.write_text(text)
    assert holds_resources(state) is held


@pytest.mark.parametrize(
    ("started", "said"), [(["relay", "kubelet"], "Started of the real node: relay, kubelet.\n"), ([], "")]
)
def test_what_of_a_node_was_started_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: list[str], said: str
) -> None:
    monkeypatch.setattr("ops.local.target.HOME", tmp_path)
    monkeypatch.setattr("ops.local.environment.HOME", tmp_path)
    monkeypatch.setattr("ops.local.environment.machine.prepare", lambda _: None)
    monkeypatch.setattr("ops.local.environment.tools.ensure", lambda *_, **__: Toolbox(tmp_path, {}))
    access = KubeAccess(tmp_path / "kubeconfig", "iotistic-dev", "https://127.0.0.1:1")
    monkeypatch.setattr("ops.local.environment.EmbeddedCluster.up", lambda _: access)
    monkeypatch.setattr("ops.local.environment.RealNode.up", lambda _: started)
    heard = io.StringIO()
    assert Environment(target=Target.of(None), console=Console(file=heard)).start_node() == started
    assert heard.getvalue() == said


def test_nothing_up_is_said_with_status_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ops.local.target.HOME", tmp_path)
    for command, status in (("status", 1), ("down", 0)):
        assert CliRunner().invoke(app, ["local", command]).exit_code == status


def test_a_context_that_does_not_exist_lists_those_that_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_of_a_lab(tmp_path)))
    result = CliRunner().invoke(app, ["local", "up", "--cluster", "kind-lap"])
    assert result.exit_code == 2
    assert "kind-lab" in result.output


def test_without_a_terminal_or_a_yes_nothing_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig_of_a_lab(tmp_path)))
    monkeypatch.setattr("ops.local.target.HOME", tmp_path / "home")
    result = CliRunner().invoke(app, ["local", "up", "--cluster", "kind-lab"])
    assert result.exit_code == 2
    assert "kind-lab at https://127.0.0.1:1" in result.output
    assert not (tmp_path / "home").exists()
