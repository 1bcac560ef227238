from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from ops.local import existing
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def kubeconfig(path: Path, *names: str, **changes: Any) -> Path:  # noqa: ANN401 - any part of a kubeconfig
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0] if names else "",
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-c", "user": f"{name}-u", "namespace": "mine"}}
            for name in names
        ],
        "clusters": [
            {"name": f"{name}-c", "cluster": {"server": f"https://{name}.test:6443"}} for name in names
        ],
        "users": [{"name": f"{name}-u", "user": {"token": f"token of {name}"}} for name in names],
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as out:
        YAML().dump(document, out)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path


def test_the_default_file_is_used_unless_another_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(home / ".kube" / "config", "kind")
    assert existing.describe("kind") == "kind at https://kind.test:6443"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(home / "other", "minikube")))
    assert existing.describe("minikube") == "minikube at https://minikube.test:6443"
    with pytest.raises(UsageError):
        existing.describe("kind")


def test_several_files_are_merged_and_the_first_to_name_one_wins(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kubeconfig(home / "first", "kind", clusters=[])
    server = {"server": "https://other.test"}
    second = kubeconfig(
        home / "second",
        "kind",
        "k3s",
        clusters=[{"name": name, "cluster": server} for name in ("kind-c", "k3s-c")],
    )
    third = kubeconfig(home / "third", "kind")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{home}/missing::{second}:{third}")
    assert existing.describe("kind") == "kind at https://other.test"
    assert existing.describe("k3s") == "k3s at https://other.test"


def test_an_unknown_context_lists_those_that_exist(home: Path) -> None:
    kubeconfig(home / ".kube" / "config", "kind-dev", "docker-desktop")
    with pytest.raises(UsageError) as caught:
        existing.describe("docker")
    [problem] = caught.value.problems
    assert problem.where == "CLUSTER=docker"
    assert str(home / ".kube" / "config") in problem.what
    assert "(docker-desktop, kind-dev)" in problem.how


def test_no_kubeconfig_at_all(home: Path) -> None:
    with pytest.raises(UsageError, match="none at all"):
        existing.access("kind", home / "out")
    assert not (home / "out").exists()


@pytest.mark.parametrize("clusters", [[], None, [{"name": "kind-c"}], [{"name": "kind-c", "cluster": {}}]])
def test_a_context_without_a_cluster(home: Path, clusters: object) -> None:
    kubeconfig(home / ".kube" / "config", "kind", clusters=clusters)
    with pytest.raises(UsageError, match="its cluster 'kind-c' is not in the file, or has no server"):
        existing.describe("kind")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"- a\n- b\n", "it is not a mapping"),
        (b"", "it is not a mapping"),
        (b"a: [", "while parsing"),
        (b"a: \xff", "invalid"),
        (b"contexts: 7\n", "contexts is not a list"),
        (b"contexts: [{context: {}}]\n", "contexts has an entry without a name"),
        (b"users: [kind]\n", "users has an entry without a name"),
        (b"contexts: [{name: kind, context: text}]\n", "context of kind is not a mapping"),
    ],
)
def test_a_file_that_is_no_kubeconfig(home: Path, text: bytes, reason: str) -> None:
    file = home / ".kube" / "config"
    file.parent.mkdir()
    file.write_bytes(text)
    with pytest.raises(UsageError) as caught:
        existing.describe("kind")
    [problem] = caught.value.problems
    assert problem.where == str(file)
    assert reason in problem.what


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / ".kube" / "config").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read as a kubeconfig"):
        existing.describe("kind")


def test_the_copy_stands_alone(home: Path) -> None:
    (home / ".kube").mkdir()
    for name in ("ca.crt", "client.crt", "client.key"):
        (home / ".kube" / name).write_text(f"content of {name}")
    absolute = str(home / ".kube" / "client.key")
    kubeconfig(
        home / ".kube" / "config",
        "kind",
        "secret",
        clusters=[
            {"name": "kind-c", "cluster": {"server": "https://kind.test", "certificate-authority": "ca.crt"}}
        ],
        users=[
            {"name": "kind-u", "user": {"client-certificate": "client.crt", "client-key": absolute}},
            {"name": "secret-u", "user": {"token": "of somebody else"}},
        ],
    )
    access = existing.access("kind", home / "deep" / "out")
    assert (access.context, access.server) == ("kind", "https://kind.test")
    assert access.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert "of somebody else" not in access.kubeconfig.read_text()

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    assert json.loads(access.kubeconfig.read_text()) == {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kind",
        "contexts": [
            {"name": "kind", "context": {"cluster": "kind", "user": "kind", "namespace": "mine"}},
        ],
        "clusters": [
            {
                "name": "kind",
                "cluster": {
                    "server": "https://kind.test",
                    "certificate-authority-data": encoded("content of ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": "kind",
                "user": {
                    "client-certificate-data": encoded("content of client.crt"),
                    "client-key-data": encoded("content of client.key"),
                },
            }
        ],
    }


def test_commands_that_fetch_a_token_are_kept_and_no_namespace_is_made_up(home: Path) -> None:
    command = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": ["eks"]}}
    kubeconfig(
        home / ".kube" / "config",
        "eks",
        contexts=[{"name": "eks", "context": {"cluster": "eks-c", "user": "eks-u"}}],
        users=[{"name": "eks-u", "user": command}],
    )
    document = json.loads(existing.access("eks", home / "out").kubeconfig.read_text())
    assert document["users"][0]["user"] == command
    assert "namespace" not in document["contexts"][0]["context"]


def test_a_missing_certificate_is_named(home: Path) -> None:
    kubeconfig(
        home / ".kube" / "config",
        "kind",
        users=[{"name": "kind-u", "user": {"client-key": "gone.key"}}],
    )
    with pytest.raises(UsageError) as caught:
        existing.access("kind", home / "out")
    assert caught.value.problems[0].where == str(home / ".kube" / "gone.key")


def test_a_missing_certificate_of_another_context_does_no_harm(home: Path) -> None:
    kubeconfig(
        home / ".kube" / "config",
        "kind",
        "stale",
        users=[
            {"name": "kind-u", "user": {"token": "t"}},
            {"name": "stale-u", "user": {"client-key": "gone.key"}},
        ],
    )
    assert existing.access("kind", home / "out").context == "kind"
