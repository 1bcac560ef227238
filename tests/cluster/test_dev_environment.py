"""The dev environment end to end: the real command, engine, provider and API server."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.dev_project import DevProject
from tests.cluster.processes import children_named
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.local.kubeconfig import KubeAccess

pytestmark = pytest.mark.cluster

TENANTS = ["acme", "globex", "initech"]
PODS = 4
OBJECTS = 32
"""Kubernetes objects of one customer."""

FOURTH = """\
# yaml-language-server: $schema=../../schema.json
schema_version: 1
id: "umbrella"
customer_id: "cust_00000000000000000000000000000004"
company_name: "Umbrella"
contact_email: "it@umbrella.example"
plan: "starter"
created: "2026-11-16"
trial:
  ends: "2027-11-30"
subscription:
  status: "trialing"
"""


def test_every_pod_of_every_tenant_is_ready(dev: DevProject) -> None:
    assert [(s["id"], s["pods"], s["ready"]) for s in dev.statuses()] == [
        (tenant, PODS, PODS) for tenant in TENANTS
    ]


def test_every_workload_service_and_route_was_awaited(dev: DevProject) -> None:
    objects = json.loads(
        dev.shell("kubectl", "get", "statefulsets,deployments,services,ingresses", "-A", "-o", "json")
    )["items"]
    ours = [item for item in objects if item["metadata"]["namespace"].startswith("customer-")]
    assert len(ours) == len(TENANTS) * 9
    for item in ours:
        assert "pulumi.com/skipAwait" not in item["metadata"].get("annotations", {})
        if item["kind"] in {"StatefulSet", "Deployment"}:
            assert item["status"]["readyReplicas"] == 1
        if item["kind"] == "Ingress":
            assert item["status"]["loadBalancer"]["ingress"]


def test_the_edge_is_ready_on_nodes_of_its_own_behind_its_services(dev: DevProject) -> None:
    def found(kinds: str) -> list[dict[str, Any]]:
        answer = dev.shell("kubectl", "get", kinds, "--namespace=mqtt-edge", "--output=json")
        items: list[dict[str, Any]] = json.loads(answer)["items"]
        return items

    (deployment,) = found("deployments")
    wanted = deployment["spec"]["replicas"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [deployment["status"][count] for count in counts] == [wanted] * 4
    assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]

    pods = found("pods")
    ready = [
        condition["status"]
        for pod in pods
        for condition in pod["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert ready == ["True"] * wanted
    assert len({pod["spec"]["nodeName"] for pod in pods}) == wanted

    (budget,) = found("poddisruptionbudgets")
    counts = ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")
    assert [budget["status"][count] for count in counts] == [wanted, wanted, wanted - 1, 1]

    services = {item["metadata"]["name"]: item for item in found("services")}
    public, inside = services.pop("mqtt-edge"), services.pop("mqtt-edge-metrics")
    assert not services
    assert public["status"]["loadBalancer"]["ingress"]
    # The API server gives one only to a balancer that asks each node whether it has a pod.
    assert public["spec"]["healthCheckNodePort"]
    assert (inside["spec"]["type"], "nodePort" in inside["spec"]["ports"][0]) == ("ClusterIP", False)
    behind = {
        (item["metadata"]["labels"]["kubernetes.io/service-name"], port["port"]): {
            address
            for endpoint in item["endpoints"]
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        }
        for item in found("endpointslices")
        for port in item["ports"]
    }
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert behind == {("mqtt-edge", 8883): addresses, ("mqtt-edge-metrics", 8404): addresses}


def test_a_node_with_a_pod_of_the_edge_can_be_emptied(dev: DevProject) -> None:
    listing = dev.shell("kubectl", "get", "pods", "--namespace=mqtt-edge", "--output=name")
    name = listing.split()[0].removeprefix("pod/")
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": "mqtt-edge"},
        "deleteOptions": {"dryRun": ["All"]},
    }
    path = f"/api/v1/namespaces/mqtt-edge/pods/{name}/eviction"
    answer = dev.shell("kubectl", "create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))
    assert json.loads(answer)["status"] == "Success"


def test_the_private_authority_and_its_certificates_are_declared(dev: DevProject) -> None:
    found = json.loads(dev.shell("kubectl", "get", "clusterissuers,certificates", "-A", "-o", "json"))[
        "items"
    ]
    names = {(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in found}
    assert {
        ("ClusterIssuer", None, "iotistic-self-signed"),
        ("Certificate", "cert-manager", "iotistic-ca"),
        ("ClusterIssuer", None, "iotistic-ca"),
        ("Certificate", "ingress", "iotistic-wildcard-tls"),
        ("Certificate", "mqtt-edge", "mqtt-edge-tls"),
    } <= names
    issuers = {name for kind, _, name in names if kind == "ClusterIssuer"}
    asked = {item["spec"]["issuerRef"]["name"] for item in found if item["kind"] == "Certificate"}
    assert asked <= issuers


@pytest.mark.parametrize(
    "file", ["certificates-*.yaml", "gateway.yaml", "traefik.yaml", "ingress-nginx.yaml"]
)
def test_the_api_server_takes_the_objects_of_every_mode(dev: DevProject, file: str) -> None:
    for path in sorted((Path.cwd() / "tests" / "golden" / "platform").glob(file)):
        said = dev.shell(
            "kubectl", "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(path)
        )
        assert said.count("serverside-applied (server dry run)") >= 1


def test_a_shell_that_speaks_of_an_environment_that_is_gone_keeps_no_other_from_coming_up(
    dev: DevProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after ``eval "$(iotistic local env)"`` and ``make down`` in another checkout."""
    monkeypatch.setenv("PULUMI_OPTION_CWD", str(tmp_path / "gone"))
    assert "Nothing changed." in dev.iotistic("local", "up").stderr


def test_preview_and_refresh_are_clean_and_a_second_up_changes_nothing(dev: DevProject) -> None:
    dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    dev.shell("pulumi", "refresh", "--preview-only", "--expect-no-changes", "--non-interactive")
    again = dev.iotistic("local", "up")
    assert "Nothing changed." in again.stderr
    # The engine's own logs would hold every property, and cost half of its time.
    assert (dev.home / "pulumi-home" / "logs").is_file()


def test_nothing_is_written_beside_the_committed_files(dev: DevProject) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        assert (dev.folder / name).read_bytes() == (Path.cwd() / name).read_bytes()


def test_a_fourth_file_changes_only_that_tenants_resources(dev: DevProject) -> None:
    file = dev.registry / "umbrella.yaml"
    file.write_text(FOURTH, encoding="utf-8")
    try:
        changes = dev.preview()
    finally:
        file.unlink()
    # The stack itself is named for the output that lists the tenants.
    names = [name for name in changes.pop("create") if name != "umbrella"]
    assert len(names) == OBJECTS
    assert all(name.startswith("umbrella-") for name in names)
    assert changes in ({}, {"update": ["iotistic-dev"]})


def test_an_edit_changes_only_its_own_tenant_and_rolls_only_what_reads_it(dev: DevProject) -> None:
    file = dev.registry / "globex.yaml"
    before = file.read_text(encoding="utf-8")
    file.write_text(
        before.replace('current_period_end: "2027-12-31"', 'current_period_end: "2028-01-31"'),
        encoding="utf-8",
    )
    try:
        assert dev.preview() == {
            "update": ["globex-deployment-api", "globex-prometheus-rule-instance", "globex-secret-api"]
        }
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_file_that_vanished_is_refused_and_nothing_is_touched(dev: DevProject) -> None:
    file = dev.registry / "acme.yaml"
    before = file.read_text(encoding="utf-8")
    file.unlink()
    try:
        refusal = dev.iotistic("local", "up", expect=2).stderr
        by_hand = dev.shell("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", expect=1)
    finally:
        file.write_text(before, encoding="utf-8")
    for message in (refusal, by_hand):
        flat = " ".join(message.split())
        assert (
            "tenants/registry/dev/acme.yaml: the file is missing, but the customer 'acme' is running" in flat
        )
        assert "git checkout -- tenants/registry/dev/acme.yaml" in flat
    assert [s["ready"] for s in dev.statuses()] == [PODS] * len(TENANTS)
    dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def test_the_api_server_refuses_a_privileged_pod(dev: DevProject) -> None:
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "intruder", "namespace": "customer-acme"},
        "spec": {
            "containers": [{"name": "x", "image": "x:1", "securityContext": {"privileged": True}}],
        },
    }
    answer = dev.shell("kubectl", "create", "-f", "-", expect=1, stdin=json.dumps(pod))
    assert "violates PodSecurity" in answer
    assert "privileged" in answer


def test_our_own_pods_pass_restricted_without_a_warning(dev: DevProject) -> None:
    for tenant in TENANTS:
        answer = dev.shell(
            "kubectl",
            "label",
            "--dry-run=server",
            "--overwrite",
            f"namespace/customer-{tenant}",
            "pod-security.kubernetes.io/enforce=restricted",
            "check=again",
        )
        assert "violate" not in answer


def test_a_namespace_says_when_its_pods_violate(dev: DevProject) -> None:
    """The former test can fail: the same question about pods that do violate is answered so."""
    answer = dev.shell(
        "kubectl",
        "create",
        "--dry-run=server",
        "deployment",
        "lax",
        "--image=x:1",
        "--namespace=customer-acme",
    )
    assert "would violate PodSecurity" in answer


def test_licences_verify_in_a_second_implementation(dev: DevProject) -> None:
    public_key = (dev.home / "secrets" / "licence-public.pem").read_text(encoding="utf-8")
    plans = {"acme": "starter", "globex": "professional", "initech": "enterprise"}
    for tenant, plan in plans.items():
        secret = json.loads(dev.shell("kubectl", "get", "secret", "api", f"-ncustomer-{tenant}", "-ojson"))[
            "data"
        ]
        assert base64.b64decode(secret["licence-public-key"]).decode().strip() == public_key.strip()
        claims = verified_by_node(base64.b64decode(secret["licence"]).decode(), public_key)
        assert claims["plan"] == plan
        assert re.fullmatch(r"cust_[0-9a-f]{32}", claims["customerId"])
        assert claims["features"]["maxDevices"] > 0
        assert claims["limits"] is not None
        assert claims["issuedAt"] == claims["iat"] < claims["exp"] == claims["expiresAt"]


def test_a_changed_licence_does_not_verify(dev: DevProject) -> None:
    public_key = (dev.home / "secrets" / "licence-public.pem").read_text(encoding="utf-8")
    data = json.loads(dev.shell("kubectl", "get", "secret", "api", "-ncustomer-acme", "-ojson"))["data"]
    header, _payload, signature = base64.b64decode(data["licence"]).decode().split(".")
    forged = base64.urlsafe_b64encode(b'{"plan":"enterprise"}').decode().rstrip("=")
    with pytest.raises(subprocess.CalledProcessError):
        verified_by_node(f"{header}.{forged}.{signature}", public_key)


def test_secrets_are_private_files_and_nowhere_in_clear(dev: DevProject) -> None:
    folder = dev.home / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    values = {file.name: file.read_bytes().strip() for file in folder.iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    del values["licence-public.pem"]
    # The key's own text would be wrapped or escaped elsewhere: look for a line of it.
    values["licence-private.pem"] = values["licence-private.pem"].splitlines()[5]
    secrets = json.loads(dev.shell("kubectl", "get", "secrets", "-A", "-o", "json"))["items"]
    for item in secrets:
        if item["metadata"]["namespace"].startswith("customer-"):
            for key, value in item["data"].items():
                # Former passwords are none at first.
                if key != "licence-public-key" and value:
                    name = f"{item['metadata']['namespace']}/{item['metadata']['name']}/{key}"
                    values[name] = base64.b64decode(value)
    assert len(values) > 15
    places = [
        file
        for file in dev.home.rglob("*")
        if file.is_file() and folder not in file.parents and "etcd" not in file.parts
    ]
    assert any(file.name == "dev.json" for file in places)
    for file in places:
        content = file.read_bytes()
        for name, value in values.items():
            assert value not in content, f"{name} stands in clear in {file}"
            assert base64.b64encode(value) not in content, f"{name} stands encoded in {file}"


def test_lost_secrets_are_refused_and_never_made_anew(dev: DevProject) -> None:
    folder = dev.home / "secrets"
    aside = folder.with_name("aside")
    folder.rename(aside)
    try:
        refusal = dev.iotistic("local", "up", expect=2).stderr
        assert not folder.exists()
    finally:
        aside.rename(folder)
    assert refusal.count("the secret is missing") == 4
    assert "make down" in refusal
    dev.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def test_a_registry_with_mistakes_is_refused_before_anything_runs(dev: DevProject) -> None:
    file = dev.registry / "wrong.yaml"
    file.write_text('schema_version: 1\nid: "wrong"\nplan: "gold"\ncolour: "red"\n', encoding="utf-8")
    try:
        refusal = dev.iotistic("local", "up", expect=2).stderr
    finally:
        file.unlink()
    assert "gold" in refusal
    assert "colour" in refusal


def test_a_cluster_of_ones_own_is_used_and_left_as_it_was(
    cluster: KubeAccess, kubectl: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    project = DevProject.clone(tmp_path / "project")
    chosen = (f"--cluster={cluster.context}", "--yes")
    before = kubectl("get", "namespaces", "--output=name")
    up = project.iotistic("local", "up", *chosen)
    assert "routes are declared, but nothing serves them yet" in up.stderr
    assert [s["ready"] for s in project.statuses(chosen[0])] == [PODS] * len(TENANTS)
    project.iotistic("local", "down", *chosen)
    assert kubectl("get", "namespaces", "--output=name") == before


def test_a_run_that_was_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    project = DevProject.clone(tmp_path / "project")
    try:
        first = project.popen("local", "up")
        state = project.home / "state" / ".pulumi" / "stacks" / "iotistic" / "dev.json"
        wait_until(lambda: urns_in(state) > 30, seconds=180)
        engines = children_named("pulumi", of=first.pid)
        assert engines, "no engine is running"
        for pid in engines:
            os.kill(pid, signal.SIGKILL)
        first.communicate()
        assert first.returncode == 1
        locks = list((project.home / "state" / ".pulumi" / "locks").rglob("*.json"))
        assert locks, "the engine was not killed in the middle of its work"

        second = project.iotistic("local", "up")
        assert "a former run was interrupted" in second.stderr
        urns = [resource["urn"] for resource in project.resources()]
        assert len(urns) == len(set(urns))
        assert sum("CustomerInstance$kubernetes:" in urn for urn in urns) == len(TENANTS) * OBJECTS
        assert [s["ready"] for s in project.statuses()] == [PODS] * len(TENANTS)
        project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")
        project.shell("pulumi", "refresh", "--preview-only", "--expect-no-changes", "--non-interactive")
    finally:
        project.iotistic("local", "down", "--yes")
    assert not project.home.exists()


def urns_in(state: Path) -> int:
    """Count the resources in a state file, which is gone for a moment whenever the engine writes it."""
    try:
        return state.read_text().count('"urn"')
    except FileNotFoundError:
        return 0


def verified_by_node(token: str, public_key: str) -> dict[str, Any]:
    """Return the claims of a licence that Node.js's own crypto has verified."""
    node = shutil.which("node")
    assert node is not None, "a second implementation is needed to verify licences: install nodejs"
    program = """
        const [token, key] = [process.env.TOKEN, process.env.KEY];
        const [header, payload, signature] = token.split('.');
        const { alg } = JSON.parse(Buffer.from(header, 'base64url'));
        const data = Buffer.from(header + '.' + payload);
        const good = require('crypto').verify('RSA-SHA256', data, key, Buffer.from(signature, 'base64url'));
        if (alg !== 'RS256' || !good) process.exit(1);
        process.stdout.write(Buffer.from(payload, 'base64url'));
    """
    answer = subprocess.run(
        [node, "--eval", program],
        env={**os.environ, "TOKEN": token, "KEY": public_key},
        capture_output=True,
        check=True,
    )
    claims: dict[str, Any] = json.loads(answer.stdout)
    return claims
