"""Prometheus's own tool evaluates every recording rule: it gives what it should for known metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from infra.customer.monitoring import rule_groups
from infra.platform import monitoring
from tests.edge import promtool
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.promtool import Series

pytestmark = pytest.mark.edge

MINUTES = 20
"""After which the records are looked at."""
GROUPS = [
    *rule_groups(instance_of("acme"))["groups"],
    *(
        group
        for item in monitoring.manifests("dev", edge=True, billing=True, backups=True)
        for group in item["spec"]["groups"]
    ),
]


def still(value: float) -> str:
    return f"{value}+0x{MINUTES}"


def rising(a_second: float) -> str:
    return f"0+{60 * a_second}x{MINUTES}"


@dataclass(frozen=True)
class Example:
    """What a record gives.

    Attributes:
        record: Its name.
        series: What the metrics show, and beside it what must not be counted.
        gives: The values, by their labels.
    """

    record: str
    series: Series
    gives: dict[str, float]


EDGE = 'namespace="mqtt-edge",proxy="mqtt"'
INSIDE = 'namespace="mqtt-edge",proxy="inside"'
ACME = 'namespace="customer-acme"'
GLOBEX = 'namespace="customer-globex"'
API, BACKUP = 'deployment="api"', 'cronjob="backup"'
DAY = 86_400


def of_pods(metric: str, *values: str, labels: str = EDGE) -> Series:
    """Return one metric as several pods show it."""
    return {f'haproxy_{metric}{{{labels},pod="{number}"}}': value for number, value in enumerate(values)}


def requested(pod: str, phase: str, cpu: float, memory: float) -> Series:
    """Return what a pod has asked for, and where in its life it is."""
    here = f'namespace="any",pod="{pod}"'
    container = f'{here},container="c",node="n"'
    return {
        f'kube_pod_container_resource_requests{{{container},resource="cpu",unit="core"}}': still(cpu),
        f'kube_pod_container_resource_requests{{{container},resource="memory",unit="byte"}}': still(memory),
        f'kube_pod_container_resource_requests{{{container},resource="ephemeral_storage"}}': still(99),
        **{
            f'kube_pod_status_phase{{{here},phase="{other}"}}': still(int(other == phase))
            for other in ("Pending", "Running", "Succeeded", "Failed", "Unknown")
        },
    }


EXAMPLES = [
    Example(
        "edge:connections:sum",
        of_pods("frontend_current_sessions", still(300), still(200))
        | of_pods("frontend_current_sessions", still(7), labels=INSIDE)
        | of_pods("frontend_current_sessions", still(9), labels='namespace="ingress",proxy="mqtt"'),
        {"": 500},
    ),
    Example(
        "edge:connections:ratio",
        of_pods("frontend_current_sessions", still(15_000), still(5_000))
        | of_pods("frontend_limit_sessions", still(20_000), still(20_000)),
        {f'{EDGE},pod="0"': 0.75, f'{EDGE},pod="1"': 0.25},
    ),
    Example(
        "edge:new_connections:rate5m",
        of_pods("frontend_connections_total", rising(3), rising(2))
        | of_pods("frontend_connections_total", rising(9), labels=INSIDE),
        {"": 5},
    ),
    Example(
        "edge:refusals:rate5m",
        of_pods(
            "backend_sessions_total",
            rising(1),
            rising(2),
            labels='namespace="mqtt-edge",proxy="refused_no_name"',
        )
        | of_pods(
            "backend_sessions_total", rising(4), labels='namespace="mqtt-edge",proxy="refused_customer_limit"'
        )
        | of_pods("backend_sessions_total", rising(9), labels='namespace="mqtt-edge",proxy="brokers"')
        | of_pods("frontend_denied_connections_total", rising(1), rising(1))
        | of_pods("frontend_denied_sessions_total", rising(3), rising(3)),
        {'reason="no_name"': 3, 'reason="customer_limit"': 4, 'reason="address_limit"': 8},
    ),
    Example(
        "edge:broker_failures:rate5m",
        of_pods(
            "backend_connection_errors_total",
            rising(1),
            rising(2),
            labels='namespace="mqtt-edge",proxy="brokers"',
        ),
        {"": 3},
    ),
    Example(
        "edge:broker_sessions:rate5m",
        of_pods(
            "backend_sessions_total", rising(8), rising(2), labels='namespace="mqtt-edge",proxy="brokers"'
        )
        | of_pods(
            "backend_sessions_total", rising(9), labels='namespace="mqtt-edge",proxy="refused_no_name"'
        ),
        {"": 10},
    ),
    Example(
        "platform:cpu_usage:ratio",
        {
            'node_cpu_seconds_total{instance="a",cpu="0",mode="idle"}': rising(0.25),
            'node_cpu_seconds_total{instance="a",cpu="0",mode="user"}': rising(0.75),
            'node_cpu_seconds_total{instance="b",cpu="0",mode="idle"}': rising(0.5),
            'node_cpu_seconds_total{instance="b",cpu="0",mode="user"}': rising(0.5),
        },
        {"": 0.625},
    ),
    Example(
        "platform:memory_usage:ratio",
        {
            'node_memory_MemAvailable_bytes{instance="a"}': still(1),
            'node_memory_MemTotal_bytes{instance="a"}': still(8),
            'node_memory_MemAvailable_bytes{instance="b"}': still(3),
            'node_memory_MemTotal_bytes{instance="b"}': still(8),
        },
        {"": 0.75},
    ),
    Example(
        "platform:requested:ratio",
        {
            'kube_node_status_allocatable{node="a",resource="cpu",unit="core"}': still(4),
            'kube_node_status_allocatable{node="b",resource="cpu",unit="core"}': still(4),
            'kube_node_status_allocatable{node="a",resource="memory",unit="byte"}': still(16),
            'kube_node_status_allocatable{node="a",resource="pods",unit="integer"}': still(110),
        }
        | requested("works", "Running", 2, 6)
        | requested("waits", "Pending", 1, 2)
        # What has ended stays listed until its Job goes, and holds nothing.
        | requested("is-through", "Succeeded", 8, 16)
        | requested("has-failed", "Failed", 8, 16),
        {'resource="cpu"': 0.375, 'resource="memory"': 0.5},
    ),
    Example(
        "fleet:tenants:count",
        {
            f'kube_namespace_labels{{namespace="{name}",label_iotistic_io_tenant="{name}"'
            f',label_iotistic_io_plan="{plan}"}}': still(1)
            for name, plan in (("a", "starter"), ("b", "starter"), ("c", "enterprise"))
        }
        | {'kube_namespace_labels{namespace="ingress"}': still(1)},
        {'label_iotistic_io_plan="starter"': 2, 'label_iotistic_io_plan="enterprise"': 1},
    ),
    Example(
        "fleet:running:count",
        {
            f"kube_deployment_spec_replicas{{{ACME},{API}}}": still(2),
            f"kube_deployment_spec_replicas{{{GLOBEX},{API}}}": still(1),
            f'kube_deployment_spec_replicas{{namespace="customer-suspended",{API}}}': still(0),
            f'kube_deployment_spec_replicas{{{ACME},deployment="dashboard"}}': still(1),
            'kube_deployment_spec_replicas{namespace="billing",deployment="api"}': still(1),
        },
        {"": 2},
    ),
    Example("fleet:running:count", {}, {"": 0}),
    Example(
        "fleet:api_down:count",
        {
            f"kube_deployment_spec_replicas{{{ACME},{API}}}": still(1),
            f"kube_deployment_status_replicas_available{{{ACME},{API}}}": still(0),
            f"kube_deployment_spec_replicas{{{GLOBEX},{API}}}": still(1),
            f"kube_deployment_status_replicas_available{{{GLOBEX},{API}}}": still(1),
            f'kube_deployment_spec_replicas{{namespace="customer-suspended",{API}}}': still(0),
            f'kube_deployment_status_replicas_available{{namespace="customer-suspended",{API}}}': still(0),
        },
        {"": 1},
    ),
    Example("fleet:api_down:count", {}, {"": 0}),
    Example(
        "fleet:devices:sum",
        {
            f"broker_clients_connected{{{ACME}}}": still(30),
            f"broker_clients_connected{{{GLOBEX}}}": still(12),
            'broker_clients_connected{namespace="elsewhere"}': still(100),
        },
        {"": 42},
    ),
    Example(
        "fleet:messages:rate5m",
        {
            f"broker_publish_messages_received{{{ACME}}}": rising(30),
            f"broker_publish_messages_received{{{GLOBEX}}}": rising(12),
            'broker_publish_messages_received{namespace="elsewhere"}': rising(100),
        },
        {"": 42},
    ),
    Example(
        "fleet:backup_age:seconds",
        {
            f"kube_cronjob_status_last_successful_time{{{ACME},{BACKUP}}}": still(200),
            f"kube_cronjob_spec_suspend{{{ACME},{BACKUP}}}": still(0),
            f"kube_cronjob_status_last_successful_time{{{GLOBEX},{BACKUP}}}": still(0),
            f"kube_cronjob_spec_suspend{{{GLOBEX},{BACKUP}}}": still(1),
        },
        {f'{ACME},{BACKUP},tenant="acme"': MINUTES * 60 - 200},
    ),
    Example(
        "fleet:stale_backups:count",
        {
            f"kube_cronjob_status_last_successful_time{{{ACME},{BACKUP}}}": still(-3 * DAY),
            f"kube_cronjob_spec_suspend{{{ACME},{BACKUP}}}": still(0),
            f"kube_cronjob_status_last_successful_time{{{GLOBEX},{BACKUP}}}": still(-1 * DAY),
            f"kube_cronjob_spec_suspend{{{GLOBEX},{BACKUP}}}": still(0),
            f'kube_cronjob_status_last_successful_time{{namespace="customer-s",{BACKUP}}}': still(-9 * DAY),
            f'kube_cronjob_spec_suspend{{namespace="customer-s",{BACKUP}}}': still(1),
        },
        {"": 1},
    ),
    Example("fleet:stale_backups:count", {}, {"": 0}),
    Example(
        "tenant:cpu_usage:cores",
        {
            f'container_cpu_usage_seconds_total{{{ACME},pod="a",container="api"}}': rising(0.25),
            f'container_cpu_usage_seconds_total{{{ACME},pod="p",container="postgres"}}': rising(0.5),
            # The pod as a whole, which is the sum of its containers.
            f'container_cpu_usage_seconds_total{{{ACME},pod="p",container=""}}': rising(0.5),
            f'container_cpu_usage_seconds_total{{{GLOBEX},pod="a",container="api"}}': rising(1),
        },
        {'tenant="acme"': 0.75},
    ),
    Example(
        "tenant:memory_usage:bytes",
        {
            f'container_memory_working_set_bytes{{{ACME},pod="a",container="api"}}': still(1_000),
            f'container_memory_working_set_bytes{{{ACME},pod="p",container="postgres"}}': still(500),
            f'container_memory_working_set_bytes{{{ACME},pod="p",container=""}}': still(600),
            f'container_memory_working_set_bytes{{{GLOBEX},pod="a",container="api"}}': still(9),
        },
        {'tenant="acme"': 1_500},
    ),
    Example(
        "tenant:volume_usage:ratio",
        {
            f'kubelet_volume_stats_{kind}_bytes{{{where},persistentvolumeclaim="data"}}': still(value)
            for where, kind, value in (
                (ACME, "used", 80),
                (ACME, "capacity", 320),
                (GLOBEX, "used", 1),
                (GLOBEX, "capacity", 2),
            )
        },
        {f'{ACME},persistentvolumeclaim="data",tenant="acme"': 0.25},
    ),
    Example(
        "tenant:quota_usage:ratio",
        {
            f'kube_resourcequota{{{where},resource="{resource}",type="{kind}"}}': still(value)
            for where, resource, used, hard in (
                (f'{ACME},resourcequota="a"', "limits.cpu", 1, 4),
                (f'{ACME},resourcequota="b"', "limits.cpu", 1, 2),
                (f'{ACME},resourcequota="a"', "pods", 3, 4),
                # Nothing is allowed and nothing used: that is no fullness.
                (f'{ACME},resourcequota="a"', "services.loadbalancers", 0, 0),
                (f'{GLOBEX},resourcequota="a"', "pods", 4, 4),
            )
            for kind, value in (("used", used), ("hard", hard))
        },
        {'resource="limits.cpu",tenant="acme"': 0.5, 'resource="pods",tenant="acme"': 0.75},
    ),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.record)
def test_a_record_gives_what_it_should(tmp_path: Path, example: Example) -> None:
    asked = {
        "expr": example.record,
        "eval_time": f"{MINUTES}m",
        "exp_samples": promtool.samples(
            {f"{example.record}{{{labels}}}": value for labels, value in example.gives.items()}
        ),
    }
    promtool.evaluate(tmp_path, GROUPS, example.series, {"promql_expr_test": [asked]})


def test_each_record_has_an_example() -> None:
    records = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
    assert {example.record for example in EXAMPLES} == records
