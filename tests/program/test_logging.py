"""The logs: what the charts are told, what the agent does, and who may talk to whom."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.images import ImageSource
from infra.platform import logging_stack, logging_values
from infra.platform.logging_settings import LoggingSettings
from infra.platform.logging_values import ADDRESS, LABELS, Logs, agent_configuration, alloy, loki
from infra.platform.monitoring_values import values
from infra.platform.redaction import REDACTIONS
from tenants.errors import UsageError
from tenants.models import MqttMode
from tests.program.clouds import cloud_config, run
from tests.program.instances import as_yaml
from tests.program.watching import watch, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"
INSTALLED = {"logging": '{"install": true}'}
STORE, AGENT = "logging-release-loki", "logging-release-alloy"


def logs(*, mirror: str | None = None, **chosen: Any) -> Logs:  # noqa: ANN401 - fields of all types
    return Logs(
        settings=LoggingSettings.model_validate({"install": True, **chosen}),
        retention_days={"starter": 7, "enterprise": 30},
        storage_class="standard",
        images=ImageSource(mirror=mirror),
        monitoring=True,
    )


def test_values_and_objects_are_those_in_the_golden_files(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "loki-values.yaml", as_yaml([loki(logs())]))
    golden(GOLDEN / "alloy-values.yaml", as_yaml([alloy(logs(), checksum="<checksum>")]))
    golden(GOLDEN / "logging.yaml", as_yaml(logging_stack.manifests("dev")))


def test_logs_are_kept_as_long_as_the_plan_says(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    run = run_program({**watched(config), **INSTALLED})
    limits = run.engine.releases()["loki"].inputs["values"]["loki"]["limits_config"]
    assert limits["retention_period"] == f"{30 * 24}h"
    assert {rule["selector"]: rule["period"] for rule in limits["retention_stream"]} == {
        '{plan="starter"}': f"{7 * 24}h",
        '{plan="professional"}': f"{15 * 24}h",
        '{plan="enterprise"}': f"{30 * 24}h",
    }
    compactor = run.engine.releases()["loki"].inputs["values"]["loki"]["compactor"]
    assert compactor["retention_enabled"] is True, "without it nothing is ever deleted"


def test_a_line_is_of_the_tenant_and_the_plan_that_its_namespace_says() -> None:
    for label in ("tenant", "plan"):
        assert LABELS[label] == f"__meta_kubernetes_namespace_label_iotistic_io_{label}"
    assert "namespace = true" in agent_configuration()
    rules = alloy(logs(), checksum="x")["rbac"]
    assert [rule["resources"] for kind in ("rules", "clusterRules") for rule in rules[kind]] == [
        ["pods"],
        ["namespaces"],
    ]


def test_every_line_goes_through_every_redaction_before_it_leaves_the_node() -> None:
    text = agent_configuration()
    (process,) = re.findall(r'loki\.process "logs" \{(.*?)\n\}', text, re.DOTALL)
    told = [json.loads(found) for found in re.findall(r"expression = (.+)$", process, re.MULTILINE)]
    assert told == list(REDACTIONS.values())
    # The line itself is known only after the runtime's own words before it are read.
    # A secret on several lines is one only once they are together.
    assert process.index("stage.cri") < process.index("stage.multiline") < process.index("stage.replace")
    (read,) = re.findall(r'loki\.source\.file "logs" \{(.*?)\n\}', text, re.DOTALL)
    assert "loki.process.logs.receiver" in read
    assert text.count("loki.write.store.receiver") == 1
    assert f'url = "{ADDRESS}/loki/api/v1/push"' in text


def test_the_agent_changes_nothing_on_the_node_but_its_own_folder() -> None:
    told = alloy(logs(), checksum="x")
    security = told["alloy"]["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    (volume,) = told["controller"]["volumes"]["extra"]
    assert volume["hostPath"]["path"] == told["alloy"]["storagePath"]


def test_another_configuration_rolls_the_agents(
    run_program: Callable[..., Run], config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fingerprint() -> str:
        run = run_program({**config, "cluster": "existing", **INSTALLED})
        annotations = run.engine.releases()["alloy"].inputs["values"]["controller"]["podAnnotations"]
        found: str = annotations["iotistic.io/config-checksum"]
        return found

    first = fingerprint()
    assert fingerprint() == first
    monkeypatch.setattr(logging_values, "REPLACEMENT", "<gone>")
    assert fingerprint() != first


def test_a_mirror_stands_for_every_registry() -> None:
    assert "imageRegistry" not in loki(logs())["global"]
    assert "global" not in alloy(logs(), checksum="x")
    assert loki(logs(mirror="mirror.example.com"))["global"]["imageRegistry"] == "mirror.example.com"
    told = alloy(logs(mirror="mirror.example.com"), checksum="x")
    assert told["global"] == {"image": {"registry": "mirror.example.com"}}


def test_only_grafana_prometheus_and_the_agents_reach_the_store() -> None:
    policies = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["spec"]
        for item in logging_stack.manifests("dev")
        if item["kind"] == "NetworkPolicy"
    }
    for namespace in ("logging", "log-agent"):
        closed = policies[namespace, "default-deny"]
        assert closed["podSelector"] == {}
        assert closed["ingress"] == []
        assert [port["port"] for rule in closed["egress"] for port in rule["ports"]] == [53, 53]
    peers = [
        (peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name"), port)
        for rule in policies["logging", "loki"]["ingress"]
        for peer in rule["from"]
        for port in (item["port"] for item in rule["ports"])
    ]
    assert {peer for peer in peers if peer[0]} == {("log-agent", 3100), ("monitoring", 3100)}
    assert {port for name, port in peers if name is None} == {7946, 9095}


def test_the_store_comes_first_and_both_after_the_kinds_they_need(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    run = run_program({**watched(config), **INSTALLED})
    waits = run.engine.waits
    assert STORE in waits[AGENT]
    assert "monitoring-release-kube-prometheus-stack" in waits[STORE]
    assert "logging-log-agent-config-map-alloy" in waits[AGENT]
    levels = {
        item.inputs["metadata"]["name"]: item.inputs["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ]
        for item in run.engine.kubernetes_objects()
        if item.typ.endswith(":Namespace")
    }
    assert (levels["logging"], levels["log-agent"]) == ("restricted", "privileged")


def test_grafana_asks_the_store_where_there_is_one(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    def grafana(**more: str) -> tuple[Any, bool]:
        engine = run_program({**watched(config), **more}).engine
        (policy,) = (
            item.inputs["spec"]
            for item in engine.kubernetes_objects()
            if item.name == "monitoring-network-policy-grafana"
        )
        reached = any(port["port"] == 3100 for rule in policy["egress"] for port in rule["ports"])
        told = engine.releases()["kube-prometheus-stack"].inputs["values"]["grafana"]
        return told.get("additionalDataSources"), reached

    sources, reached = grafana(**INSTALLED)
    assert [source["url"] for source in sources] == [ADDRESS]
    assert reached
    assert grafana() == (None, False)
    assert "additionalDataSources" not in values(watch())["grafana"]


OBJECTS = {
    "aks": ("azure", "logging", "", {"account_name": "manylogs"}),
    "eks": (
        "s3",
        "manylogs",
        "logging",
        {"endpoint": "s3.eu-central-1.amazonaws.com", "region": "eu-central-1"},
    ),
    "gke": ("gcs", "manylogs", "logging", {}),
}
"""Where each cloud keeps logs: interface, bucket, what all names begin with, what else is told."""


# Resources that nothing here uses warn of their successors when their modules are imported.
@pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")
@pytest.mark.parametrize("cloud", OBJECTS)
def test_in_a_cloud_logs_are_kept_in_a_place_that_only_the_store_reaches(
    config: dict[str, str], cloud: str
) -> None:
    chosen = {"install": True, "store": {"name": "manylogs"}}
    declared = {
        item.name: item
        for item in run(
            {**cloud_config(config, cloud), "logging": json.dumps(chosen)}, MqttMode.SHARED
        ).resources
    }
    told = declared[STORE].inputs["values"]
    kind, bucket, prefix, settings = OBJECTS[cloud]
    storage = told["loki"]["storage"]
    assert storage["bucketNames"]["chunks"] == bucket
    assert storage["object_store"] == {"type": kind, "storage_prefix": prefix, kind: settings}
    assert told["loki"]["schemaConfig"]["configs"][0]["object_store"] == kind
    assert told["loki"]["compactor"]["delete_request_store"] == kind
    assert "secret" not in json.dumps(storage), "it is known by what it is"
    if cloud == "aks":
        assert told["serviceAccount"]["annotations"] == {
            "azure.workload.identity/client-id": "cloud-logs-logging-client"
        }
        assert told["loki"]["podLabels"] == {"azure.workload.identity/use": "true"}
    egress = declared["logging-logging-network-policy-loki"].inputs["spec"]["egress"]
    addresses = [
        peer["ipBlock"]["cidr"] for rule in egress for peer in rule.get("to", []) if "ipBlock" in peer
    ]
    assert len(addresses) == (0 if cloud == "aks" else 1)
    assert {"ports": [{"protocol": "TCP", "port": 443}]} in egress


@pytest.mark.parametrize(
    ("chosen", "cluster", "keys"),
    [
        ('{"install": true}', "simulated", ["logging.install"]),
        (
            '{"retentionDays": 0, "storage": "many", "days": 3}',
            "existing",
            ["logging.days", "logging.retentionDays", "logging.storage"],
        ),
        ('{"store": {"name": "manylogs"}}', "existing", ["logging.store"]),
        ("yes", "existing", ["logging"]),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    run_program: Callable[..., Run], config: dict[str, str], chosen: str, cluster: str, keys: list[str]
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, "cluster": cluster, "logging": chosen})
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]
