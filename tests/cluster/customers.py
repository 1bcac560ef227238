"""What is asked of customers on the real engine and API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops.local.overrides import CPU_PERCENT_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.dev_project import DevProject


def replace(file: Path, old: str, new: str) -> None:
    """Replace a text that is in a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def set_aside(project: DevProject, percent: int) -> None:
    """Let the stack set aside less of the plans' processor: many customers on few processors."""
    first = "config:\n"
    replace(project.folder / "Pulumi.dev.yaml", first, f"{first}  {CPU_PERCENT_KEY}: {percent}\n")


def clean(project: DevProject) -> None:
    """See that another run would change nothing."""
    project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def pods(project: DevProject) -> dict[str, int]:
    """Return how many pods each tenant has; all of them are ready."""
    statuses = project.statuses()
    assert all(status["pods"] == status["ready"] for status in statuses)
    return {status["id"]: status["pods"] for status in statuses}


def objects(project: DevProject, kind: str, tenant: str) -> dict[str, dict[str, Any]]:
    """Return a tenant's objects of a kind by name."""
    items = json.loads(project.shell("kubectl", "get", kind, f"-ncustomer-{tenant}", "-ojson"))["items"]
    return {item["metadata"]["name"]: item for item in items}


def touched(project: DevProject) -> dict[str, dict[str, list[str]]]:
    """Return what a preview would do: objects by tenant and operation."""
    found: dict[str, dict[str, list[str]]] = {}
    for operation, names in project.preview().items():
        for name in names:
            tenant, _, rest = name.partition("-")
            found.setdefault(tenant, {}).setdefault(operation, []).append(rest)
    return found
