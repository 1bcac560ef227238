"""How charts are installed, whichever they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from infra.component import Placement
from infra.images import VERSIONS_FILE, ImageSource, entries
from infra.platform.chart import Chart, ChartComponent, load_chart
from tests.program.conftest import RecordingEngine

if TYPE_CHECKING:
    from pulumi.runtime.mocks import MockResourceArgs

VALUES: dict[str, Any] = {"deployment": {"replicas": 2}}


class Part(ChartComponent):
    def __init__(self, placement: Placement, chart: Chart) -> None:
        super().__init__("iotistic:platform:Part", "part", placement=placement, opts=None)
        self.install(chart, namespace="place", values=VALUES)
        self.register_outputs({})


def release(chart: Chart) -> MockResourceArgs:
    engine = RecordingEngine()
    pulumi.runtime.set_mocks(engine, project="iotistic", stack="dev")

    def program() -> None:
        provider = k8s.Provider("explicit", cluster_identifier="test", kubeconfig="none")
        Part(Placement(provider=provider, protect=False), chart)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
    return engine.releases()[chart.name]


def test_a_chart_is_installed_as_a_whole_or_not_at_all() -> None:
    installed = release(Chart("lamp", "oci://registry.example.com/charts", "1.2.3"))
    assert installed.name == "part-release-lamp"
    assert installed.inputs["values"] == VALUES
    assert installed.inputs["namespace"] == "place"
    assert installed.inputs["atomic"] is True
    assert installed.inputs["createNamespace"] is False
    assert "explicit" in (installed.provider or "")


@pytest.mark.parametrize(
    ("repository", "chart", "elsewhere"),
    [
        ("oci://registry.example.com/charts", "oci://registry.example.com/charts/lamp", None),
        ("https://charts.example.com", "lamp", {"repo": "https://charts.example.com"}),
    ],
)
def test_a_chart_comes_from_a_registry_or_from_a_repository(
    repository: str, chart: str, elsewhere: dict[str, str] | None
) -> None:
    inputs = release(Chart("lamp", repository, "1.2.3")).inputs
    assert (inputs["chart"], inputs["version"]) == (chart, "1.2.3")
    assert inputs.get("repositoryOpts") == elsewhere


@pytest.mark.parametrize("name", entries(VERSIONS_FILE, "charts"))
def test_every_chart_is_pinned_to_an_exact_version(name: str) -> None:
    chart = load_chart(name)
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version)
    assert re.match(r"(oci|https)://", chart.repository)


def test_a_mirror_stands_for_the_registry_of_a_charts_images() -> None:
    assert ImageSource().registry("quay.io") == "quay.io"
    assert ImageSource(mirror="mirror.example.com/hub").registry("quay.io") == "mirror.example.com/hub"
