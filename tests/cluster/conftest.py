"""One real cluster for all tests of a run, beside whatever else runs on this machine."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local.cluster import EmbeddedCluster
from ops.local.kube_command import kubectl as run_kubectl
from ops.local.tools import ensure
from tests.cluster.dev_project import DevProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """Every tool, found or built."""
    return ensure(console=Console())


@pytest.fixture(scope="session")
def cluster(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeAccess]:
    """Return a cluster that is up; tests share it, so each uses namespaces of its own."""
    embedded = EmbeddedCluster("test", tmp_path_factory.mktemp("shared") / "cluster", toolbox, Console())
    try:
        yield embedded.up()
    finally:
        embedded.down()


@pytest.fixture(scope="session")
def kubectl(toolbox: Toolbox, cluster: KubeAccess) -> Callable[..., str]:
    """Return kubectl, bound to the shared cluster: ``kubectl("get", "nodes", stdin=None)``."""
    return functools.partial(run_kubectl, toolbox, cluster)


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProject]:
    """Return a clean checkout whose dev environment is up. Whoever changes it changes it back."""
    project = DevProject.clone(tmp_path_factory.mktemp("dev") / "project")
    try:
        project.iotistic("local", "up")
        yield project
    finally:
        project.iotistic("local", "down", "--yes")
