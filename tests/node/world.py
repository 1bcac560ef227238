"""What the tests of the real node do with it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.names import FIELD_MANAGER

if TYPE_CHECKING:
    from ops.local.node.node import RealNode
    from ops.local.node.supervision import PartStatus
    from tests.cluster.dev_project import DevProject


WORKLOADS = {"statefulset": ("postgres", "mosquitto"), "deployment": ("api", "dashboard")}
"""What of a customer runs all the time, by kind."""


@dataclass(frozen=True)
class World:
    """A checkout, its real node, and the customers on it.

    Attributes:
        project: The checkout.
        node: The node.
    """

    project: DevProject
    node: RealNode

    def part(self, name: str) -> PartStatus:
        """Return how a part of the node is."""
        [found] = [part for part in self.node.status() if part.name == name]
        return found

    def pid(self, name: str) -> int:
        """Return the process of a part that runs."""
        pid = self.part(name).pid
        assert pid is not None, name
        return pid

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl on the environment and return what it printed."""
        answer = self.try_kubectl(*arguments, stdin=stdin)
        assert answer.returncode == 0, f"kubectl {' '.join(arguments)}\n{answer.stderr}"
        return answer.stdout

    def try_kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl on the environment, whatever comes of it."""
        return subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, check=False
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of kubectl on the environment."""
        kubectl = self.project.folder / ".tools" / "bin" / "kubectl"
        kubeconfig = self.project.home / "cluster" / "kubeconfig"
        return [str(kubectl), f"--kubeconfig={kubeconfig}", *arguments]

    def apply(self, *objects: dict[str, Any]) -> None:
        """Declare objects as the program does, with its field manager."""
        manager = f"--field-manager={FIELD_MANAGER}"
        self.kubectl(
            "apply", "--server-side", "--force-conflicts", manager, "-f", "-", stdin=as_list(list(objects))
        )

    def get(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return document

    def pods(self, tenant: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get("pods", f"--namespace=customer-{tenant}")["items"]
        return items

    def run(self, namespace: str, target: str, *command: str, stdin: str | None = None) -> str:
        """Run a command in a pod, named or of a workload, and return what it printed."""
        return self.kubectl(
            "exec", f"--namespace={namespace}", "--stdin", target, "--", *command, stdin=stdin
        )

    def succeeds(self, namespace: str, target: str, *command: str) -> bool:
        """Return whether a command in a pod ends with 0."""
        return self.attempt(namespace, target, *command).returncode == 0

    def attempt(self, namespace: str, target: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a pod that may fail."""
        return self.try_kubectl("exec", f"--namespace={namespace}", target, "--", *command)

    def api(self, tenant: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - it is JSON
        """Ask a customer's API, from its own pod, and return the answer."""
        program = (
            "import json, sys, urllib.request as u; path, body = sys.argv[1:]; "
            "data = body.encode() if body else None; "
            "print(u.urlopen(u.Request('http://127.0.0.1:3002' + path, data), timeout=10).read().decode())"
        )
        text = json.dumps(body) if body is not None else ""
        return json.loads(self.run(f"customer-{tenant}", "deploy/api", "python3", "-c", program, path, text))

    def wait_ready(self, tenant: str, seconds: float = 120) -> None:
        """Wait until every workload of a customer is ready."""
        where = (f"--namespace=customer-{tenant}", f"--timeout={seconds:.0f}s")
        for kind, names in WORKLOADS.items():
            self.kubectl("rollout", "status", kind, *names, *where)


def as_list(items: list[dict[str, Any]]) -> str:
    """Return objects as one document for kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def app_of(pod: dict[str, Any]) -> str:
    """Return the app that a pod belongs to, by its label; "None" where it has none."""
    return str(pod["metadata"].get("labels", {}).get("app.kubernetes.io/name"))


def declared(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object as it was declared, without what the API server added."""
    wanted = ("name", "namespace", "labels", "annotations")
    kept = {key: item["metadata"][key] for key in wanted if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": kept, "spec": item["spec"]}
