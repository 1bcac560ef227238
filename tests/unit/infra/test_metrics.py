"""Which metrics a query names, and which of them a target tells: what tests of rules and graphs rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.metrics import EXPORTED, names_in, unknown
from tests.scrapes import samples, unanswered


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("up", {"up"}),
        ("up == 0 or absent(up)", {"up"}),
        ('sum by (namespace) (rate(a_total{b="c", d=~"e|f"}[5m])) > 1e3', {"a_total"}),
        ('label_replace(a, "reason", "$1", "proxy", "refused_(.+)")', {"a"}),
        ("a / on (pod) group_left (plan) b", {"a", "b"}),
        ("a offset 1d unless ignoring(x) tenant:b:ratio", {"a", "tenant:b:ratio"}),
        ("max_over_time(a[1h:5m]) * 0.5 > bool 10", {"a"}),
        ("vector(1) - time() < 1209600", set()),
        ("a{text='b { c'} and `d`", {"a"}),
    ],
)
def test_names(query: str, names: set[str]) -> None:
    assert names_in(query) == names


def test_what_nobody_exports_is_found() -> None:
    assert unknown("rate(container_cpu_usage_second_total[5m]) + up") == {"container_cpu_usage_second_total"}


def test_what_a_rule_records_is_known() -> None:
    assert unknown("edge:a:sum + up", recorded=frozenset({"edge:a:sum"})) == set()


@pytest.mark.parametrize("part", ["mosquitto", "postgres"])
def test_the_version_that_is_installed_exported_what_the_list_says(part: str) -> None:
    recorded = Path(__file__).parents[2] / "data" / "metrics" / f"{part}.prom"
    assert EXPORTED[f"{part}_exporter"] - samples(recorded.read_text(encoding="utf-8")).keys() == set()


ANSWER = """\
# HELP kube_node_status_condition The condition of a node.
# TYPE kube_node_status_condition gauge
kube_node_status_condition{node="a",condition="Ready",status="true"} 1
kube_node_status_condition{node="a",condition="DiskPressure",status="true"} 0 1700000000000
kube_node_info{node="b",os="of \\"c\\" } d",} 1
up 1
# TYPE pg_stat_database_blks_hit counter
pg_stat_database_blks_hit 7
# TYPE haproxy_backend_sessions_total counter
haproxy_backend_sessions_total 7
"""


def test_what_a_target_answers_is_read() -> None:
    there = samples(ANSWER)
    assert there.keys() == {
        "kube_node_status_condition",
        "kube_node_info",
        "up",
        "pg_stat_database_blks_hit",
        "haproxy_backend_sessions_total",
    }
    assert [labels["condition"] for labels in there["kube_node_status_condition"]] == [
        "Ready",
        "DiskPressure",
    ]
    assert there["kube_node_info"] == [{"node": "b", "os": 'of "c" } d'}]
    assert there["up"] == [{}]


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ('kube_node_status_condition{condition="Ready",status="true"} == 0', set()),
        ('kube_node_status_condition{condition=~"Disk.+|PID.+",status!="false"}', set()),
        (
            'kube_node_status_condition{condition="Ready",status="True"}',
            {'kube_node_status_condition{condition="Ready",status="True"}'},
        ),
        ('kube_node_info{node!~"b|c"}', {'kube_node_info{node!~"b|c"}'}),
        ('kube_node_info{pool!="a"}', {'kube_node_info{pool!="a"}'}),
        ('kube_node_info{node="elsewhere"}', {'kube_node_info{node="elsewhere"}'}),
        ("sum by (node, os) (kube_node_info)", set()),
        ("sum by (pool) (kube_node_info)", {"pool in sum by (pool) (kube_node_info)"}),
        ('node_load1{nothing="of the exporter that is asked"}', set()),
    ],
)
def test_what_a_query_asks_for_and_nobody_tells_is_found(query: str, missing: set[str]) -> None:
    assert unanswered([query], "kube-state-metrics", samples(ANSWER)) == missing


def test_where_something_is_need_not_be_here() -> None:
    there = samples(ANSWER)
    query = 'kube_node_info{node="elsewhere",pool="elsewhere"}'
    assert (
        unanswered(['kube_node_info{node="elsewhere"}'], "kube-state-metrics", there, ours=["node"]) == set()
    )
    assert unanswered([query], "kube-state-metrics", there, ours=["node", "pool"]) == {query}
