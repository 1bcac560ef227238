"""The embedded cluster does what its users count on, for real."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ops.local import processes
from ops.local.cluster import EmbeddedCluster
from ops.local.crds import ensure_crds
from ops.local.kube_command import KubectlError
from ops.local.kube_command import kubectl as run_kubectl
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

pytestmark = pytest.mark.cluster

Kubectl = "Callable[..., str]"
WORKLOADS = (Path(__file__).parent / "workloads.yaml").read_text(encoding="utf-8")
ROOT = Path(__file__).resolve().parents[2]


def get(kubectl: Callable[..., str], *arguments: str) -> Any:  # noqa: ANN401 - whatever the API answers
    return json.loads(kubectl("get", *arguments, "--output=json"))


@pytest.fixture
def namespace(kubectl: Callable[..., str], request: pytest.FixtureRequest) -> Iterator[str]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


class TestShared:
    def test_every_kind_of_workload_gets_ready_within_seconds(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        here = f"--namespace={namespace}"
        kubectl("apply", "--server-side", here, "--filename=-", stdin=WORKLOADS)
        kubectl("rollout", "status", here, "deployment/web", "--timeout=30s")
        kubectl("rollout", "status", here, "statefulset/database", "--timeout=30s")
        kubectl("wait", here, "--for=condition=Complete", "job/migration", "--timeout=30s")
        address = "--for=jsonpath={.status.loadBalancer.ingress[0].ip}"
        kubectl("wait", here, address, "service/web", "ingress/web", "--timeout=10s")

    def test_volumes_are_bound_for_three_tenants_with_three_claims_and_grow(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        here = f"--namespace={namespace}"
        kubectl("apply", "--server-side", here, "--filename=-", stdin=WORKLOADS)
        kubectl("scale", here, "statefulset/database", "--replicas=9")
        kubectl("rollout", "status", here, "statefulset/database", "--timeout=60s")
        claims = get(kubectl, here, "persistentvolumeclaims")["items"]
        assert [claim["status"]["phase"] for claim in claims] == ["Bound"] * 9
        assert {claim["spec"]["storageClassName"] for claim in claims} == {"standard"}

        larger = json.dumps({"spec": {"resources": {"requests": {"storage": "20Gi"}}}})
        kubectl("patch", here, "pvc/data-database-0", f"--patch={larger}")
        kubectl(
            "wait",
            here,
            "--for=jsonpath={.status.capacity.storage}=20Gi",
            "pvc/data-database-0",
            "--timeout=10s",
        )
        volume = get(kubectl, here, "pvc/data-database-0")["spec"]["volumeName"]
        assert get(kubectl, f"persistentvolume/{volume}")["spec"]["capacity"]["storage"] == "20Gi"

        kubectl("delete", here, "statefulset/database", "pvc/data-database-0")
        kubectl("wait", "--for=delete", f"persistentvolume/{volume}", "--timeout=10s")

    def test_nodes_are_ready_and_sized_like_those_in_production(self, kubectl: Callable[..., str]) -> None:
        nodes = get(kubectl, "nodes", "--selector=topology.kubernetes.io/region=local")["items"]
        sizes = [
            {key: node["status"]["allocatable"][key] for key in ("cpu", "memory", "pods")} for node in nodes
        ]
        assert sizes == [{"cpu": "4", "memory": "16Gi", "pods": "110"}] * 3
        assert len({node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}) == 3

    def test_pods_and_services_have_addresses_of_their_own(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        here = f"--namespace={namespace}"
        kubectl("apply", "--server-side", here, "--filename=-", stdin=WORKLOADS)
        kubectl("rollout", "status", here, "deployment/web", "--timeout=30s")
        assert get(kubectl, here, "service/web")["spec"]["clusterIP"].startswith("10.0.")
        pods = get(kubectl, here, "pods", "--selector=app=web")["items"]
        addresses = {pod["status"]["podIP"] for pod in pods}
        assert len(addresses) == 2
        assert all(address.startswith("10.244.") for address in addresses)

    def test_there_are_addresses_for_more_services_than_a_small_range_has(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        services = {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": f"s{number}"},
                    "spec": {"ports": [{"port": 80}]},
                }
                for number in range(260)
            ],
        }
        kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(services))

    @pytest.mark.parametrize(
        "definition",
        [
            "certificates.cert-manager.io",
            "clusterissuers.cert-manager.io",
            "servicemonitors.monitoring.coreos.com",
            "prometheusrules.monitoring.coreos.com",
            "httproutes.gateway.networking.k8s.io",
        ],
    )
    def test_definitions_are_established(self, kubectl: Callable[..., str], definition: str) -> None:
        conditions = get(kubectl, f"crd/{definition}")["status"]["conditions"]
        assert {"Established": "True"}.items() <= {
            item["type"]: item["status"] for item in conditions
        }.items()

    def test_a_pod_that_breaks_the_rules_is_refused(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
            kubectl("run", "root", f"--namespace={namespace}", "--image=busybox", "--privileged")

    def test_a_node_that_is_not_simulated_is_left_alone(
        self, kubectl: Callable[..., str], namespace: str
    ) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "real"}}
        kubectl("create", "--filename=-", stdin=json.dumps(node))
        overrides = json.dumps({"spec": {"nodeName": "real", "tolerations": [{"operator": "Exists"}]}})
        try:
            here = "--namespace=default"
            kubectl("run", "real", here, "--image=busybox", f"--overrides={overrides}")
            kubectl("run", namespace, here, "--image=busybox")
            kubectl("wait", here, "--for=condition=Ready", f"pod/{namespace}", "--timeout=10s")
            assert get(kubectl, here, "pod/real")["status"]["phase"] == "Pending"
            assert "capacity" not in get(kubectl, "node/real")["status"]
        finally:
            kubectl("delete", "node/real")
            kubectl("delete", here, "--force", "pod/real", f"pod/{namespace}")

    @pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists sockets in a file")
    def test_nothing_listens_beyond_this_machine(self, cluster: KubeAccess) -> None:
        record = json.loads((cluster.kubeconfig.parent / "control-plane.json").read_text())
        listening = [
            fields[1].split(":")
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for fields in map(str.split, Path(table).read_text().splitlines()[1:])
            if fields[3] == "0A"
        ]
        ports = set(record["ports"].values())
        hosts = [host for host, port in listening if int(port, 16) in ports]
        assert hosts == ["0100007F"] * 6

    def test_the_administrators_key_is_readable_by_its_owner_only(self, cluster: KubeAccess) -> None:
        assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def own(toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedCluster]:
    """Return a cluster that a test may break, beside the shared one, with few definitions to be quick."""
    few = [folder for folder in ensure_crds(console=Console()) if "cert-manager" in folder.name]
    monkeypatch.setattr("ops.local.cluster.ensure_crds", lambda **_: few)
    embedded = EmbeddedCluster("own", tmp_path / "own", toolbox, Console(), nodes=1)
    yield embedded
    embedded.down()


def bound(toolbox: Toolbox, access: KubeAccess) -> Callable[..., str]:
    return functools.partial(run_kubectl, toolbox, access)


def kill(embedded: EmbeddedCluster) -> None:
    processes.end(embedded.status().running.values(), patience=0)


class TestLifecycle:
    def test_up_twice_changes_nothing_and_takes_no_time(self, own: EmbeddedCluster) -> None:
        first = own.up()
        before = own.status()
        started = time.monotonic()
        assert own.up() == first
        assert time.monotonic() - started < 2
        assert own.status() == before
        assert before.ready

    def test_down_leaves_nothing(self, own: EmbeddedCluster, toolbox: Toolbox, tmp_path: Path) -> None:
        own.up()
        directory = str(tmp_path / "own")
        own.down()
        own.down()
        assert not (tmp_path / "own").exists()
        assert processes.find(lambda command: command[0].startswith(directory)) == {}
        status = own.status()
        assert (status.access, status.running, status.ready) == (None, {}, False)
        with pytest.raises(UsageError, match="it does not exist"):
            _ = own.access
        assert toolbox.path("etcd").exists()

    def test_data_and_address_outlive_all_processes(self, own: EmbeddedCluster, toolbox: Toolbox) -> None:
        access = own.up()
        kubectl = bound(toolbox, access)
        kubectl("create", "configmap", "kept", "--from-literal=answer=42")
        kill(own)
        assert own.status().ready is False
        assert own.up() == access
        assert get(kubectl, "configmap/kept")["data"] == {"answer": "42"}
        kubectl("run", "again", "--image=busybox")
        kubectl("wait", "--for=condition=Ready", "pod/again", "--timeout=15s")

    def test_one_dead_component_is_started_again(self, own: EmbeddedCluster) -> None:
        own.up()
        before = own.status().running
        processes.end([before["kube-scheduler"]], patience=0)
        own.up()
        after = own.status().running
        assert after.keys() == before.keys()
        assert {name for name in before if before[name] != after[name]} == {"kube-scheduler"}

    def test_a_process_id_that_is_somebody_elses_by_now_is_not_believed(
        self, own: EmbeddedCluster, tmp_path: Path
    ) -> None:
        own.up()
        kill(own)
        stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        try:
            notes = list((tmp_path / "own").glob("kwok/clusters/own/pids/*.pid"))
            assert len(notes) == 5
            for note in notes:
                note.write_text(str(stranger.pid))
            own.up()
            assert len(own.status().running) == 5
            own.down()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_other_settings_remake_the_control_plane_and_keep_its_data(
        self, own: EmbeddedCluster, toolbox: Toolbox, tmp_path: Path
    ) -> None:
        access = own.up()
        kubectl = bound(toolbox, access)
        kubectl("create", "configmap", "kept")
        record = tmp_path / "own" / "control-plane.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), "made_from": "an older version"}))
        assert own.up() == access
        assert get(kubectl, "configmap/kept")["metadata"]["name"] == "kept"

    def test_a_taken_port_is_named(self, own: EmbeddedCluster, tmp_path: Path) -> None:
        own.up()
        kill(own)
        chosen = json.loads((tmp_path / "own" / "control-plane.json").read_text())["ports"]
        with socket.create_server(("127.0.0.1", chosen["etcdPort"])):
            with pytest.raises(UsageError) as caught:
                own.up()
            assert own.status().running == {}
        [problem] = caught.value.problems
        assert problem.where == f"port {chosen['etcdPort']} on 127.0.0.1"
        assert "etcd of the cluster own needs it" in problem.what
        own.up()
        assert own.status().ready

    @pytest.mark.parametrize("seconds", [0.5, 1.5, 3.0, 5.0])
    def test_an_up_that_was_killed_is_finished_by_the_next(
        self, own: EmbeddedCluster, toolbox: Toolbox, tmp_path: Path, seconds: float
    ) -> None:
        program = (
            "import sys; from pathlib import Path; from rich.console import Console\n"
            "from ops.local.cluster import EmbeddedCluster; from ops.local.tools import ensure\n"
            "toolbox = ensure(console=Console()); print('go', flush=True)\n"
            "EmbeddedCluster('own', Path(sys.argv[1]), toolbox, Console(), nodes=1).up()\n"
        )
        run = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "own")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(seconds)
            os.kill(run.pid, signal.SIGKILL)
        kubectl = bound(toolbox, own.up())
        assert own.status().ready
        assert len(own.status().running) == 5
        kubectl("run", "alive", "--image=busybox")
        kubectl("wait", "--for=condition=Ready", "pod/alive", "--timeout=15s")
        get(kubectl, "crd/certificates.cert-manager.io")
