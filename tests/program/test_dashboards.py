"""The platform's dashboards: they are in the form Grafana's sidecar takes, and ask for what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.platform.dashboards import TENANT, dashboards, manifests
from infra.platform.monitoring_values import values
from tests.metrics import names_in, unknown
from tests.program.watching import rules, watch, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"

RECORDED = frozenset(rule["record"] for rule in rules() if "record" in rule)
DRAWN = {drawn["uid"]: drawn for drawn in dashboards(edge=True, backups=True)}
QUERIES = [
    (uid, panel["title"], target["expr"])
    for uid, drawn in DRAWN.items()
    for panel in drawn["panels"]
    for target in panel["targets"]
]


def labels_of(legend: str) -> set[str]:
    return set(re.findall(r"\{\{(\w+)\}\}", legend))


def test_there_is_one_for_the_fleet_a_tenant_the_edge_and_the_platform(
    golden: Callable[[Path, str], None],
) -> None:
    assert set(DRAWN) == {"fleet", "tenant", "edge", "platform"}
    golden(GOLDEN / "dashboards.json", json.dumps(list(DRAWN.values()), indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize(("uid", "title", "query"), QUERIES)
def test_a_query_asks_for_what_somebody_exports_or_a_rule_records(uid: str, title: str, query: str) -> None:
    assert unknown(query, recorded=RECORDED) == set(), (uid, title)


def test_what_every_customer_has_is_read_from_records_where_all_are_shown() -> None:
    """A thousand customers' own series would be read anew by everybody who looks."""
    fleet = [query for uid, _, query in QUERIES if uid == "fleet"]
    assert fleet
    for query in fleet:
        assert names_in(query) <= RECORDED | {"ALERTS"}, query


def test_a_tenants_graphs_are_of_the_one_that_is_chosen() -> None:
    (choice,) = DRAWN["tenant"]["templating"]["list"]
    assert choice["query"]["query"] == f"label_values({TENANT.metric}, tenant)"
    assert TENANT.metric in RECORDED
    for uid, title, query in QUERIES:
        assert (f"${TENANT.name}" in query) == (uid == "tenant"), title


def test_a_part_that_is_not_there_is_not_drawn() -> None:
    few = {drawn["uid"]: drawn for drawn in dashboards(edge=False, backups=False)}
    assert "edge" not in few
    titles = [panel["title"] for panel in few["fleet"]["panels"]]
    assert titles
    assert not any("backup" in title for title in titles)


def test_no_two_panels_share_a_place() -> None:
    for drawn in DRAWN.values():
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in drawn["panels"]}
        assert len(places) == len(drawn["panels"])


@pytest.mark.parametrize(
    ("uid", "title", "legend", "query"),
    [
        (uid, panel["title"], target["legendFormat"], target["expr"])
        for uid, drawn in DRAWN.items()
        for panel in drawn["panels"]
        for target in panel["targets"]
        if re.search(r"\bby \(", target["expr"])
    ],
)
def test_a_line_is_called_by_labels_that_are_left(uid: str, title: str, legend: str, query: str) -> None:
    kept = {name.strip() for names in re.findall(r"\bby \(([^)]*)\)", query) for name in names.split(",")}
    assert labels_of(legend) <= kept, (uid, title)


def test_the_sidecar_finds_each_by_its_label_in_its_own_namespace() -> None:
    chosen = values(watch())["grafana"]["sidecar"]["dashboards"]
    for item in manifests("dev", edge=True, backups=True):
        assert item["metadata"]["namespace"] == chosen["searchNamespace"]
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        (text,) = item["data"].values()
        assert json.loads(text) == DRAWN[item["metadata"]["name"].removeprefix("dashboard-")]


def test_they_are_there_where_a_grafana_is(run_program: Callable[..., Run], config: dict[str, str]) -> None:
    def drawn(config: dict[str, str]) -> set[str]:
        return {
            item.inputs["metadata"]["name"]
            for item in run_program(config).engine.kubernetes_objects()
            if item.typ.endswith(":ConfigMap") and item.inputs["metadata"]["namespace"] == "monitoring"
        }

    assert drawn(watched(config)) == {"dashboard-fleet", "dashboard-tenant", "dashboard-platform"}
    assert drawn(config) == set()
