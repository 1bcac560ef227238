"""Prometheus, Alertmanager and Grafana: what their chart is told, what stands beside it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.ports import PROMETHEUS_PORT
from infra.platform import monitoring_stack
from infra.platform.monitoring_values import values
from tenants.errors import UsageError
from tests.metrics import EXPORTED
from tests.program.instances import as_yaml
from tests.program.watching import RECEIVERS, SECRETS, SIGN_ON, watch, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.runtime.mocks import MockResourceArgs

    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"
RELEASE = "monitoring-release-kube-prometheus-stack"
GATEWAY = {
    "routes": "gateway",
    "ingress": '{"controller": "traefik"}',
    "certificates": '{"issuer": "private-ca", "install": true}',
}


def objects(run: Run, kind: str, namespace: str) -> dict[str, MockResourceArgs]:
    return {
        item.inputs["metadata"]["name"]: item
        for item in run.engine.kubernetes_objects()
        if item.typ.endswith(f":{kind}") and item.inputs["metadata"].get("namespace") == namespace
    }


def revealed(run: Run, secret: str) -> dict[str, str]:
    """Return what is in a Secret. It fails where the values are no secrets of the stack."""
    values: dict[str, str] = objects(run, "Secret", "monitoring")[secret].inputs["stringData"]["value"]
    return values


def test_values_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "kube-prometheus-stack-values.yaml", as_yaml([values(watch())]))


def test_objects_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "monitoring.yaml", as_yaml(monitoring_stack.manifests("dev", watch())))


def test_metrics_are_kept_for_30_days_and_never_fill_the_volume() -> None:
    spec = values(watch())["prometheus"]["prometheusSpec"]
    assert spec["retention"] == "30d"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"]["requests"]["storage"] == "50Gi"
    assert 0 < int(spec["retentionSize"].removesuffix("MiB")) < 50 * 1024


def test_rules_and_targets_of_every_release_are_found() -> None:
    spec = values(watch())["prometheus"]["prometheusSpec"]
    assert spec["ruleSelectorNilUsesHelmValues"] is False
    assert spec["serviceMonitorSelectorNilUsesHelmValues"] is False
    assert not any(key.endswith("NamespaceSelector") for key in spec), "the default is every namespace"


def test_the_state_of_every_kind_is_told_that_a_rule_asks_for() -> None:
    told = values(watch())["kube-state-metrics"]
    kinds = {name.split("_")[1] for name in EXPORTED["kube-state-metrics"]}
    assert kinds == {kind.removesuffix("s") for kind in told["collectors"]}
    assert told["metricLabelsAllowlist"] == ["namespaces=[iotistic.io/tenant,iotistic.io/plan]"]


def test_a_mirror_stands_for_every_registry() -> None:
    assert "global" not in values(watch())
    assert values(watch(mirror="mirror.example.com/hub"))["global"] == {
        "imageRegistry": "mirror.example.com/hub"
    }


def test_without_a_sign_on_grafana_knows_its_administrator_only() -> None:
    grafana = values(watch(signOn=None))["grafana"]
    assert not any(section.startswith("auth") for section in grafana["grafana.ini"])
    assert "extraSecretMounts" not in grafana


def test_who_has_no_role_elsewhere_gets_none_here() -> None:
    chosen = values(watch(signOn={**SIGN_ON, "role": None}))["grafana"]["grafana.ini"]["auth.generic_oauth"]
    assert chosen["role_attribute_path"] == "'Viewer'"
    assert chosen["allowed_domains"] == "example.com"
    assert chosen["role_attribute_strict"] is True


def everything_before(waits: dict[str, set[str]], name: str) -> set[str]:
    """Return what something waits for, directly or not."""
    found: set[str] = set()
    todo = [name]
    while todo:
        new = waits[todo.pop()] - found
        found |= new
        todo += [item for item in new if item in waits]
    return found


def test_it_comes_after_its_secrets_and_policies_and_before_everything_that_is_watched(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    waits = run_program({**watched(config), **GATEWAY}).engine.waits
    assert waits[RELEASE] >= {
        "platform-namespace-monitoring",
        "monitoring-namespace-node-exporter",
        "monitoring-secret-alertmanager-config",
        "monitoring-secret-grafana-admin",
        "monitoring-network-policy-default-deny",
    }
    for later in (
        "ingress-release-traefik",
        "certificates-release-cert-manager",
        "rules-prometheus-rule-platform-fleet",
        "acme-service-monitor-instance",
    ):
        assert RELEASE in everything_before(waits, later), later
    assert "ingress-gateway-iotistic" in waits["grafana-httproute-grafana"]


def test_secrets_are_secrets_and_stand_nowhere_else(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    run = run_program(watched(config))
    kept = objects(run, "Secret", "monitoring")
    assert set(kept) == {"alertmanager-config", "grafana-admin"}
    elsewhere = [item.inputs for item in run.engine.declared if item not in kept.values()]
    text = json.dumps(elsewhere, default=str)
    assert [name for name, secret in SECRETS.items() if secret in text] == []
    password = revealed(run, "grafana-admin")["password"]
    assert len(password) == 40
    assert password not in text


def test_the_administrators_password_changes_with_its_epoch_only(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    def password(**changed: Any) -> str:  # noqa: ANN401 - fields of all types
        run = run_program(watched(config, **changed))
        return revealed(run, "grafana-admin")["password"]

    first = password()
    assert password(retentionDays=7) == first
    assert password(grafanaPasswordEpoch=2) != first


def test_only_the_namespace_of_what_reads_nodes_is_privileged(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    levels = {
        item.inputs["metadata"]["name"]: item.inputs["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ]
        for item in run_program(watched(config)).engine.kubernetes_objects()
        if item.typ.endswith(":Namespace")
    }
    assert {name for name, level in levels.items() if level != "restricted"} == {"node-exporter"}
    assert levels["node-exporter"] == "privileged"
    assert values(watch())["prometheus-node-exporter"]["namespaceOverride"] == "node-exporter"


def test_exporters_of_customers_reach_prometheus_and_no_other_pod_does() -> None:
    found = monitoring_stack.manifests("dev", watch())
    (service,) = (item for item in found if item["kind"] == "Service")
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == ("prometheus", "monitoring")
    assert [port["port"] for port in service["spec"]["ports"]] == [PROMETHEUS_PORT]
    (policy,) = (
        item
        for item in found
        if item["kind"] == "NetworkPolicy"
        and item["spec"]["podSelector"] == {"matchLabels": service["spec"]["selector"]}
    )
    peers = [peer for rule in policy["spec"]["ingress"] for peer in rule["from"]]
    from_outside = [peer for peer in peers if "namespaceSelector" in peer]
    assert [peer["podSelector"]["matchLabels"] for peer in from_outside] == [
        {"app.kubernetes.io/name": "exporter"}
    ]


def test_receivers_are_reached_at_the_ports_they_have() -> None:
    def ports(**changed: Any) -> set[int]:  # noqa: ANN401 - fields of all types
        (policy,) = (
            item
            for item in monitoring_stack.manifests("dev", watch(**changed))
            if item["metadata"]["name"] == "alertmanager"
        )
        (outside,) = (rule for rule in policy["spec"]["egress"] if "to" not in rule)
        return {port["port"] for port in outside["ports"]}

    assert ports() == {443, 587}
    assert ports(receivers=RECEIVERS[:2]) == {443}


@pytest.mark.parametrize(("scope", "secret"), [("wildcard", None), ("customer", "grafana-tls")])
def test_grafana_has_a_host_below_the_domain(
    run_program: Callable[..., Run], config: dict[str, str], scope: str, secret: str | None
) -> None:
    certificates = json.dumps({"issuer": "private-ca", "scope": scope})
    run = run_program({**watched(config), "certificates": certificates, "awaitRoutes": "false"})
    route = objects(run, "Ingress", "monitoring")["grafana"].inputs
    (tls,) = route["spec"]["tls"]
    assert tls == {"hosts": ["grafana.iotistic.localhost"], **({"secretName": secret} if secret else {})}
    assert route["metadata"]["annotations"].get("cert-manager.io/cluster-issuer") == (
        "iotistic-ca" if secret else None
    )
    assert route["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    (rule,) = route["spec"]["rules"]
    assert rule["host"] == "grafana.iotistic.localhost"
    assert rule["http"]["paths"][0]["backend"]["service"]["name"] == "kube-prometheus-stack-grafana"


def test_the_gateway_leads_to_grafana_by_https_only(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    routes = objects(run_program({**watched(config), **GATEWAY}), "HTTPRoute", "monitoring")
    by_listener = {
        item.inputs["spec"]["parentRefs"][0]["sectionName"]: item.inputs["spec"]["rules"][0]
        for item in routes.values()
    }
    assert by_listener["https"] == {"backendRefs": [{"name": "kube-prometheus-stack-grafana", "port": 80}]}
    assert by_listener["http"]["filters"][0]["requestRedirect"]["scheme"] == "https"


def test_nothing_is_installed_unless_it_is_wanted(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    run = run_program(config)
    assert RELEASE not in run.engine.waits
    assert not objects(run, "Secret", "monitoring")
    assert not objects(run, "Ingress", "monitoring")


STACK = "monitoringStack"
MAIL = RECEIVERS[2]


@pytest.mark.parametrize(
    ("chosen", "around", "keys"),
    [
        ({}, {"cluster": "simulated", "monitoring": "false"}, ["monitoring", f"{STACK}.install"]),
        ({}, {"monitoringSecrets": "{}"}, ["monitoringSecrets"]),
        ({"receivers": []}, {"monitoringSecrets": '{"sign-on": "x"}'}, [f"{STACK}.receivers"]),
        (
            {"receivers": [{**RECEIVERS[1], "severities": ["warning"]}, *RECEIVERS[3:]], "signOn": None},
            {
                "monitoringSecrets": json.dumps(
                    {
                        k: v
                        for k, v in SECRETS.items()
                        if k in {"ops", "acme-care", "enterprise-care", "pulse"}
                    }
                )
            },
            [f"{STACK}.receivers"],
        ),
        ({"receivers": [*RECEIVERS, RECEIVERS[1]]}, {}, [f"{STACK}.receivers"]),
        (
            {"receivers": [*RECEIVERS, {**RECEIVERS[1], "name": "nobody"}]},
            {"monitoringSecrets": json.dumps({**SECRETS, "nobody": SECRETS["ops"]})},
            [f"{STACK}.receivers"],
        ),
        ({}, {"monitoringSecrets": json.dumps({**SECRETS, "opps": "x"})}, ["monitoringSecrets.opps"]),
        (
            {},
            {"monitoringSecrets": json.dumps({**SECRETS, "ops": "http://a", "pulse": "https://a:8443/x"})},
            ["monitoringSecrets.ops", "monitoringSecrets.pulse"],
        ),
        (
            {"receivers": [{"kind": "slack", "name": "ops"}, {"kind": "pager", "name": "x"}]},
            {},
            [f"{STACK}.receivers.0.channel", f"{STACK}.receivers.1"],
        ),
        (
            {"storage": "50 GB", "retentionDays": 0, "signOn": {**SIGN_ON, "authUrl": "http://a"}},
            {},
            [f"{STACK}.retentionDays", f"{STACK}.signOn.authUrl", f"{STACK}.storage"],
        ),
        ({"service": "prometheus-operated"}, {}, [f"{STACK}.service"]),
        ({"install": False, "service": "no.name"}, {}, [f"{STACK}.service"]),
        ({"receivers": [{**MAIL, "to": "ops"}]}, {}, [f"{STACK}.receivers.0.to"]),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    run_program: Callable[..., Run],
    config: dict[str, str],
    chosen: dict[str, Any],
    around: dict[str, str],
    keys: list[str],
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**watched(config, **chosen), **around})
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]
    assert "https://a:8443" not in str(refusal.value), "an address may hold a token"


def test_secrets_that_are_missing_are_named_at_once(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    some = json.dumps({"ops": SECRETS["ops"], "mail": SECRETS["mail"]})
    with pytest.raises(UsageError) as refusal:
        run_program({**watched(config), "monitoringSecrets": some})
    (problem,) = refusal.value.problems
    assert "acme-care, enterprise-care, night, pulse, sign-on" in problem.what
    assert "--secret" in problem.how


def test_a_mail_server_without_a_user_needs_no_secret(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    mail = {key: value for key, value in MAIL.items() if key not in {"user", "severities"}}
    run = run_program({**watched(config, receivers=[mail], signOn=None), "monitoringSecrets": "{}"})
    text = revealed(run, "alertmanager-config")["alertmanager.yaml"]
    (receiver,) = json.loads(text)["receivers"][1:]
    assert "auth_password" not in receiver["email_configs"][0]
    assert receiver["email_configs"][0]["require_tls"] is True
