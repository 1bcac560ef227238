"""Which metrics a query names: what the tests of rules and dashboards rest on."""

from __future__ import annotations

import pytest

from tests.metrics import names_in, unknown


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
