"""Three ways of bringing the same customers to a cluster: this program, a Helm release each, and kubectl.

Each ends when every workload of its customers is ready. The objects are the same ones; what
differs is who compares them with what runs, and who knows what is gone.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.hazmat.primitives.asymmetric import rsa

from infra.customer.instance import manifests
from infra.customer.model import Credentials, Instance
from infra.images import load_images
from ops.local.kube_command import kubectl
from tenants.facts import EnvironmentFacts
from tenants.key_ring import KeyRing
from tenants.keys import SigningKey
from tenants.plans import load_plans
from tenants.registry import load_registry
from tests.program.instances import SURROUNDINGS, as_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.component import Manifest
    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox
    from tests.cluster.dev_project import DevProject

OURS: Final = "pulumi up"
HELM: Final = "helm, a release each"
KUBECTL: Final = "kubectl apply"

ENVIRONMENT: Final = "dev"
AT_ONCE: Final = 4
"""Helm runs at a time: one run is mostly start and waiting."""

PARALLEL: Final = 64
"""Operations of the engine at a time, as ``make up`` has them."""

PAID_UNTIL: Final = "2027-12-31"
PAID_LONGER: Final = "2028-01-31"
"""What a change is: a longer licence, so the API's Secret and Deployment and a rule change."""

MOST_SECONDS: Final = 1_800

_CHART: Final = "apiVersion: v2\nname: customer\nversion: 1.0.0\n"
_TEMPLATE: Final = '{{ .Files.Get "objects.yaml" }}'
"""A file of the chart is put in as it is: braces of a customer's own files are none of Helm's."""


def customer_file(customer: str, number: int, *, paid_until: str) -> str:
    """Return a small customer's file."""
    return f"""# yaml-language-server: $schema=../../schema.json
schema_version: 1
id: "{customer}"
customer_id: "cust_{number:032x}"
company_name: "Company {number}"
contact_email: "ops@{customer}.example"
plan: "starter"
created: "2026-11-16"
subscription:
  status: "active"
  current_period_end: "{paid_until}"
"""


def write_customers(folder: Path, prefix: str, count: int, *, changed: int = 0) -> None:
    """Write a fleet's files, the first ones as they are after a change."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        customer = f"{prefix}-{number:03}"
        paid_until = PAID_LONGER if number <= changed else PAID_UNTIL
        text = customer_file(customer, number, paid_until=paid_until)
        (folder / f"{customer}.yaml").write_text(text, encoding="utf-8")


class Renderer:
    """Makes customers' objects from their files as the program does, with secrets of its own."""

    def __init__(self, root: Path) -> None:
        self._plans = load_plans(root / "tenants/plans.yaml")
        self._keys = KeyRing({1: SigningKey(rsa.generate_private_key(65537, 2048))})
        self._images = load_images()

    def objects(self, registry: Path) -> dict[str, list[Manifest]]:
        """Return the objects of each customer in a registry."""
        facts = EnvironmentFacts(domain=SURROUNDINGS.domain)
        found = load_registry(registry, environment=ENVIRONMENT, plans=self._plans, facts=facts)
        return {
            tenant.id: manifests(
                Instance(
                    tenant=tenant,
                    surroundings=SURROUNDINGS,
                    images=self._images,
                    credentials=Credentials.issue(tenant, master_key=bytes(32), licence_keys=self._keys),
                )
            )
            for tenant in found.tenants
        }


class Way(Protocol):
    """A way of bringing a fleet to the cluster.

    Attributes:
        name: What it is called in the results.
        prefix: What its customers' names begin with: each way has customers of its own.
    """

    name: str
    prefix: str

    def prepare(self, count: int, *, changed: int) -> None:
        """Write down what is wanted; not timed."""

    def bring(self) -> None:
        """Make it so, and return when every workload is ready."""


@dataclass
class Program:
    """This program: one stack for the platform and all customers, as ``make up`` runs it."""

    project: DevProject
    name: str = OURS
    prefix: str = "program"

    def prepare(self, count: int, *, changed: int) -> None:
        """Write the customers' files."""
        write_customers(self.project.registry, self.prefix, count, changed=changed)

    def bring(self) -> None:
        """Run the engine."""
        self.project.shell(
            "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", f"--parallel={PARALLEL}"
        )


@dataclass
class Releases:
    """A Helm release for each customer, all of them each time: nobody says which ones changed."""

    toolbox: Toolbox
    access: KubeAccess
    renderer: Renderer
    folder: Path
    name: str = HELM
    prefix: str = "helm"

    def prepare(self, count: int, *, changed: int) -> None:
        """Write a chart for each customer."""
        write_customers(self.folder / "registry" / ENVIRONMENT, self.prefix, count, changed=changed)
        for customer, objects in self.renderer.objects(self.folder / "registry").items():
            write_chart(self.folder / "charts" / customer, objects)

    def bring(self) -> None:
        """Run Helm for all customers, a few at a time."""
        charts = sorted((self.folder / "charts").iterdir())
        with ThreadPoolExecutor(AT_ONCE) as runs:
            list(runs.map(self._upgrade, charts))
        # Not by its own option, which never ends: it waits for volumes that nobody mounts before night.
        await_workloads(self.toolbox, self.access)

    def _upgrade(self, chart: Path) -> None:
        command = [
            str(self.toolbox.path("helm")),
            f"--kubeconfig={self.access.kubeconfig}",
            f"--kube-context={self.access.context}",
            "upgrade",
            "--install",
            "--namespace=default",
            chart.name,
            str(chart),
        ]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the project's own binary


@dataclass
class Applied:
    """All objects of all customers in one call of kubectl, which deletes nothing and knows no order."""

    toolbox: Toolbox
    access: KubeAccess
    renderer: Renderer
    folder: Path
    name: str = KUBECTL
    prefix: str = "kubectl"

    def prepare(self, count: int, *, changed: int) -> None:
        """Write all objects to one file."""
        write_customers(self.folder / "registry" / ENVIRONMENT, self.prefix, count, changed=changed)
        found = self.renderer.objects(self.folder / "registry")
        (self.folder / "objects.json").write_text(as_list(found), encoding="utf-8")

    def bring(self) -> None:
        """Apply the file and wait for the workloads."""
        file = self.folder / "objects.json"
        arguments = ("apply", "--server-side", "--field-manager=bench", f"--filename={file}")
        kubectl(self.toolbox, self.access, *arguments)
        await_workloads(self.toolbox, self.access)


def await_workloads(toolbox: Toolbox, access: KubeAccess) -> None:
    """Wait until every workload of every customer has its pod."""
    kubectl(
        toolbox,
        access,
        "wait",
        "deployments,statefulsets",
        "--all-namespaces",
        "--selector=iotistic.io/tenant",
        "--for=jsonpath={.status.readyReplicas}=1",
        f"--timeout={MOST_SECONDS}s",
    )


def as_list(customers: Mapping[str, list[Manifest]]) -> str:
    """Return all customers' objects as one list."""
    items = [item for objects in customers.values() for item in objects]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def write_chart(folder: Path, objects: list[Manifest]) -> None:
    """Write a chart that holds a customer's objects as they are."""
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(_CHART, encoding="utf-8")
    (folder / "templates" / "objects.yaml").write_text(_TEMPLATE, encoding="utf-8")
    (folder / "objects.yaml").write_text(as_yaml(objects), encoding="utf-8")
