"""A change and its preview, a cluster and its drift: the exact comments, on the real engine and API server.

The change is made in a clone of a bare repository, as a pull request is. After a change of what
the comments say, rewrite them: UPDATE_GOLDEN=1 pytest -m cluster tests/cluster/test_automation.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.dev_project import PYTHON
from tests.cluster.test_dev_environment import FOURTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.dev_project import DevProject

pytestmark = pytest.mark.cluster

COMMENTS = Path(__file__).parents[1] / "golden" / "comments"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607 - git of this machine


@contextmanager
def cloned(project: DevProject, origin: Path) -> Iterator[None]:
    """Make the environment's checkout a clone of a bare repository, on a branch for a change."""
    bare = origin / "project.git"
    git(origin, "init", "--quiet", "--bare", str(bare))
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    git(project.folder, "remote", "add", "origin", str(bare))
    git(project.folder, "add", ".")
    git(project.folder, "commit", "--quiet", "--message=what runs")
    git(project.folder, "push", "--quiet", "origin", "main")
    git(project.folder, "switch", "--quiet", "--create=change")
    yield
    shutil.rmtree(project.folder / ".git")


@pytest.fixture(scope="module")
def clone(dev: DevProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProject]:
    """The environment's checkout as such a clone."""
    with cloned(dev, tmp_path_factory.mktemp("origin")):
        yield dev


def ci(project: DevProject, *arguments: str, expect: int, keep: str = "1") -> str:
    """Run ``iotistic ci`` as a workflow does, and return what it printed as a result.

    Args:
        project: The checkout.
        arguments: What follows ``ci``.
        expect: The exit status.
        keep: Which output: 1 for results, 2 for progress, warnings and errors.
    """
    script = {"1": 'exec "$@" 2>/dev/null', "2": 'exec "$@" >/dev/null'}[keep]
    command = ("/bin/bash", "-c", script, "bash", str(PYTHON), "-m", "ops.cli", "ci", *arguments)
    return project.shell(*command, expect=expect)


def preview(project: DevProject, *, expect: int) -> str:
    return ci(project, "preview", "--base=origin/main", "--stack=dev", "--today=2026-11-23", expect=expect)


def test_a_change_that_adds_a_tenant(clone: DevProject, golden: Callable[[Path, str], None]) -> None:
    file = clone.registry / "umbrella.yaml"
    file.write_text(FOURTH, encoding="utf-8")
    try:
        assert ci(clone, "stacks", "--base=origin/main", expect=0) == "dev\n"
        comment = preview(clone, expect=0)
    finally:
        file.unlink()
    golden(COMMENTS / "adds-a-tenant.md", comment)


def test_a_change_that_removes_a_tenant_is_refused(
    clone: DevProject, golden: Callable[[Path, str], None]
) -> None:
    file = clone.registry / "acme.yaml"
    before = file.read_text(encoding="utf-8")
    file.unlink()
    try:
        comment = preview(clone, expect=1)
    finally:
        file.write_text(before, encoding="utf-8")
    golden(COMMENTS / "removes-a-tenant.md", comment)


def test_a_stack_that_the_backend_does_not_have_fails_by_name(clone: DevProject) -> None:
    comment = ci(clone, "preview", "--base=origin/main", "--stack=prod", expect=1)
    assert "## Stack `prod`: failed" in comment
    assert "the backend that this shell uses has no stack of that name" in comment


def test_drifted_and_undeclared_objects_are_found_and_named(
    clone: DevProject, golden: Callable[[Path, str], None], tmp_path: Path
) -> None:
    assert ci(clone, "drift", "--stack=dev", expect=0) == "dev: what runs is what is declared\n"
    where = "--namespace=customer-globex"
    clone.shell("kubectl", where, "scale", "deployment/api", "--replicas=3")
    clone.shell("kubectl", where, "create", "configmap", "stray", "--from-literal=left=behind")
    clone.shell("kubectl", "create", "namespace", "customer-stray")
    try:
        issue = ci(clone, "drift", "--stack=dev", "--markdown", f"--reports={tmp_path}", expect=1)
    finally:
        clone.shell("kubectl", "delete", "namespace", "customer-stray")
        clone.shell("kubectl", where, "delete", "configmap", "stray")
        clone.shell("kubectl", where, "scale", "deployment/api", "--replicas=1")
    golden(COMMENTS / "drift.md", issue)
    report = json.loads((tmp_path / "dev.json").read_text(encoding="utf-8"))
    assert {one["name"] for one in report["undeclared"]} == {"customer-globex/stray", "customer-stray"}


def counted(report: str) -> dict[str, int]:
    """What ``ci up`` prints: the number of resources by operation, in one line."""
    (line,) = report.splitlines()
    return {operation: int(count) for count, operation in (part.split() for part in line.split(", "))}


@contextmanager
def edited(project: DevProject, tenant: str, old: str, new: str) -> Iterator[None]:
    """Have another text in a tenant's file for a while."""
    file = project.registry / f"{tenant}.yaml"
    before = file.read_text(encoding="utf-8")
    assert old in before
    file.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")


def test_an_update_makes_one_change_and_says_how_much_it_did(clone: DevProject) -> None:
    where = (
        "get",
        "deployment/api",
        "--namespace=customer-globex",
        "--output=jsonpath={.metadata.generation}",
    )
    generation = clone.shell("kubectl", *where)
    all_of_it = counted(ci(clone, "up", "dev", expect=0))
    assert set(all_of_it) == {"same"}, "nothing to do"
    with edited(clone, "globex", 'current_period_end: "2027-12-31"', 'current_period_end: "2028-01-31"'):
        report = counted(ci(clone, "up", "dev", expect=0))
    assert report == {"update": 3, "same": all_of_it["same"] - 3}
    assert clone.shell("kubectl", *where) != generation, "it was carried out, not only reported"
    assert ci(clone, "drift", "--stack=dev", expect=0) == "dev: what runs is what is declared\n"
    assert counted(ci(clone, "up", "dev", expect=0)) == report, "and back"


def test_an_update_that_would_delete_a_customer_is_refused_and_does_nothing(clone: DevProject) -> None:
    namespace = ("get", "namespace", "customer-acme", "--output=jsonpath={.metadata.uid} {.status.phase}")
    before = clone.shell("kubectl", *namespace)
    file = clone.registry / "acme.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    try:
        told = " ".join(ci(clone, "up", "dev", expect=1, keep="2").split())
        assert ci(clone, "up", "dev", expect=1) == "", "there is nothing to report"
    finally:
        file.write_text(text, encoding="utf-8")
    assert "the file is missing, but the customer 'acme' is running" in told
    assert "git checkout -- tenants/registry/dev/acme.yaml" in told
    assert "Traceback" not in told
    assert clone.shell("kubectl", *namespace) == before
    assert set(counted(ci(clone, "up", "dev", expect=0))) == {"same"}


def test_an_update_of_a_stack_that_the_backend_does_not_have_is_refused(clone: DevProject) -> None:
    told = ci(clone, "up", "prod", expect=2, keep="2")
    assert "the backend that this shell uses has no stack of that name" in " ".join(told.split())


def test_a_state_that_was_lost_comes_back_from_its_copy_and_nothing_is_made_anew(
    clone: DevProject, tmp_path: Path
) -> None:
    """As docs/guides/recover.md says: an export of the state is all that has to be kept."""
    copy = tmp_path / "state.json"
    clone.shell("pulumi", "stack", "export", "--file", str(copy))
    count = len(clone.resources())
    stack = json.loads(clone.shell("pulumi", "stack", "ls", "--json"))[0]["name"]
    clone.shell("pulumi", "stack", "rm", stack, "--force", "--yes", "--preserve-config", "--non-interactive")
    assert ci(clone, "up", "dev", expect=2) == "", "without its state it is a stack that there is not"
    clone.shell("pulumi", "stack", "init", stack, "--non-interactive")
    clone.shell("pulumi", "stack", "import", "--file", str(copy))
    assert len(clone.resources()) == count
    assert set(counted(ci(clone, "up", "dev", expect=0))) == {"same"}
