"""Objects that nobody declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ops.automation.access import cluster_of
from ops.automation.undeclared import ObjectKey, declared_objects, undeclared
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

STATE = [
    {"type": "pulumi:pulumi:Stack"},
    {"type": "iotistic:customer:CustomerInstance"},
    {"type": "kubernetes:core/v1:Namespace", "id": "customer-acme"},
    {"type": "kubernetes:core/v1:Service", "id": "customer-acme/api"},
    {"type": "kubernetes:cert-manager.io/v1:Certificate", "id": "customer-acme/broker-tls"},
]


def item(kind: str, name: str, *, api: str = "v1", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - of any kind
    where = {} if kind == "Namespace" else {"namespace": "customer-acme"}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **where, **metadata}}


CERTIFICATE = item("Certificate", "broker-tls", api="cert-manager.io/v1")
OURS = [item("Namespace", "customer-acme"), item("Service", "api"), CERTIFICATE]


def names(*items: dict[str, Any]) -> list[str]:
    return [f"{key.kind}/{key.name}" for key in undeclared([*OURS, *items], declared=declared_objects(STATE))]


def test_the_state_says_what_is_declared() -> None:
    assert declared_objects(STATE) == {
        ObjectKey("", "Namespace", "", "customer-acme"),
        ObjectKey("", "Service", "customer-acme", "api"),
        ObjectKey("cert-manager.io", "Certificate", "customer-acme", "broker-tls"),
    }
    assert names() == []


def test_what_somebody_put_there_is_named() -> None:
    assert names(
        item("Service", "backdoor"), item("Namespace", "customer-stray"), item("Ingress", "api", api="x/v1")
    ) == ["Namespace/customer-stray", "Service/backdoor", "Ingress/api"]


@pytest.mark.parametrize(
    "made",
    [
        item("ServiceAccount", "default"),
        item("ConfigMap", "kube-root-ca.crt"),
        item("Event", "api.1"),
        item("EndpointSlice", "api-x", api="discovery.k8s.io/v1"),
        item("Pod", "api-x", ownerReferences=[{"kind": "ReplicaSet", "name": "api"}]),
        item("Secret", "tls", annotations={"cert-manager.io/certificate-name": "broker-tls"}),
    ],
)
def test_what_a_controller_made_is_none_of_it(made: dict[str, Any]) -> None:
    assert names(made) == []


def test_a_secret_cannot_hide_behind_a_certificate_that_is_not_there() -> None:
    assert names(item("Secret", "x", annotations={"cert-manager.io/certificate-name": "other"})) == [
        "Secret/x"
    ]


def provider(kubeconfig: object) -> list[dict[str, Any]]:
    inputs = {"kubeconfig": kubeconfig, "context": "c", "__internal": {}}
    return [{"type": "pulumi:pulumi:Stack"}, {"type": "pulumi:providers:kubernetes", "inputs": inputs}]


def test_a_cluster_is_reached_as_the_provider_reaches_it(tmp_path: Path) -> None:
    by_path = cluster_of(provider("/somewhere/kubeconfig"), stack="dev", folder=tmp_path)
    assert (str(by_path.kubeconfig), by_path.context) == ("/somewhere/kubeconfig", "c")
    hidden = {"4dabf18193072939515e22adb298388d": "x", "plaintext": '"{\\"kind\\": \\"Config\\"}"'}
    by_content = cluster_of(provider(hidden), stack="dev", folder=tmp_path)
    assert by_content.kubeconfig.read_text(encoding="utf-8") == '{"kind": "Config"}'
    assert by_content.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_a_stack_that_was_never_up_has_no_cluster_to_look_into(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its state names no cluster"):
        cluster_of([{"type": "pulumi:pulumi:Stack"}], stack="dev", folder=tmp_path)
