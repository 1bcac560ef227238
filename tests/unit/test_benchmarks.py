"""The benchmarks work on the least there is: nothing is timed here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from benchmarks import fleet, fleet_ways, mqtt_edge
from benchmarks.fleet_ways import HELM, KUBECTL, OURS
from infra.program import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TOO_SLOW = fleet.MOST_OF_HELM * 10 + 1


def took(seconds: float, *, way: str = OURS, work: str = "unchanged", customers: int = 10) -> fleet.Result:
    return fleet.Result(customers=customers, way=way, work=work, seconds=seconds)


def test_all_ways_bring_the_same_objects(tmp_path: Path) -> None:
    renderer = fleet_ways.Renderer(ROOT)
    registry = tmp_path / "registry" / fleet_ways.ENVIRONMENT
    fleet_ways.write_customers(registry, "some", 2)
    before = renderer.objects(tmp_path / "registry")
    assert list(before) == ["some-001", "some-002"]
    listed = json.loads(fleet_ways.as_list(before))["items"]
    assert {item["metadata"]["namespace"] for item in listed if item["kind"] == "Deployment"} == {
        "customer-some-001",
        "customer-some-002",
    }
    fleet_ways.write_chart(tmp_path / "chart", before["some-001"])
    in_chart = list(YAML(typ="safe").load_all((tmp_path / "chart" / "objects.yaml").read_text("utf-8")))
    assert in_chart == [item for item in listed if item in before["some-001"]]
    fleet_ways.write_customers(registry, "some", 2, changed=1)
    after = renderer.objects(tmp_path / "registry")
    assert after["some-001"] != before["some-001"]
    assert after["some-002"] == before["some-002"]


def test_work_is_done_in_order_and_prepared_before_it_is_timed() -> None:
    done: list[str] = []

    class Some:
        name = "some"
        prefix = "some"

        def prepare(self, count: int, *, changed: int) -> None:
            done.append(f"prepare {count} {changed}")

        def bring(self) -> None:
            done.append("bring")

    found = list(fleet.timed(Some(), 2))
    assert [result.work for result in found] == ["first", "unchanged", "one changed"]
    assert done == ["prepare 2 0", "bring", "prepare 2 0", "bring", "prepare 2 1", "bring"]


def test_a_fleet_is_judged_by_its_share_of_what_helm_took() -> None:
    results = [took(10, way=HELM), took(5), took(1, way=KUBECTL)]
    assert fleet.share(results, results[1], of=HELM) == pytest.approx(0.5)
    assert fleet.broken_limits(results) == []
    assert fleet.table(results).row_count == 3
    (problem,) = fleet.broken_limits([took(10, way=HELM), took(TOO_SLOW)])
    assert problem.startswith("10 customers, unchanged")


@pytest.mark.parametrize(("work", "customers"), [("first", 10), ("unchanged", 3), ("unchanged", 50)])
def test_what_has_no_limit_breaks_none(work: str, customers: int) -> None:
    results = [
        took(seconds, way=way, work=work, customers=customers)
        for way, seconds in ((HELM, 10.0), (OURS, TOO_SLOW))
    ]
    assert fleet.broken_limits(results) == []


def edge(
    customers: int, per_cpu_second: float, *, configuration: str = "edge", **more: float
) -> mqtt_edge.Result:
    given = {"megabytes": 16.0, "other": 0, **more}
    return mqtt_edge.Result(
        customers=customers,
        configuration=configuration,
        per_second=per_cpu_second / 2,
        per_cpu_second=per_cpu_second,
        megabytes=given["megabytes"],
        right=100,
        other=int(given["other"]),
    )


@pytest.mark.parametrize(
    ("largest", "words"),
    [
        (edge(10_000, 5_000), []),
        (edge(10_000, 3_900), ["less than 80% of the best"]),
        (edge(10_000, 5_000, megabytes=61), ["more than 60"]),
        (edge(10_000, 5_000, other=1), ["went wrong"]),
        (edge(10_000, 900, configuration="edge, TLS ended"), []),
        (edge(10_000, 790, configuration="edge, TLS ended"), ["TLS ended: 790 connections"]),
        (edge(10_000, 5, configuration=mqtt_edge.RULES), []),
    ],
)
def test_the_edge_is_judged_by_its_own_best_in_each_mode(largest: mqtt_edge.Result, words: list[str]) -> None:
    results = [edge(100, 5_000), edge(100, 1_000, configuration="edge, TLS ended"), largest]
    problems = mqtt_edge.broken_limits(results)
    assert [word in problem for word, problem in zip(words, problems, strict=True)] == [True] * len(words)
    assert mqtt_edge.table(results).row_count == 3


def test_the_other_configuration_has_a_rule_for_each_customer() -> None:
    text, port = mqtt_edge.rules_configuration(3)
    assert text.count("use_backend mqtt_") == text.count("backend mqtt_") - 3 == 3
    assert f":{port}\n" in text
    assert {device.broker for device in mqtt_edge.sample(2)} <= {mqtt_edge.address(0), mqtt_edge.address(1)}
