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


def ci(project: DevProject, *arguments: str, expect: int) -> str:
    """Run ``iotistic ci`` as a workflow does, and return what it printed."""
    script = 'exec "$@" 2>/dev/null'
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
