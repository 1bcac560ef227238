"""The billing exporter: what it is told, and that nobody is named who is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.configuration import read_settings
from infra.customer.instance import manifests
from infra.platform.monitoring_stack import manifests as monitoring_manifests
from infra.program import surroundings_of
from tests.program.instances import instance_of, with_options
from tests.program.watching import watch

if TYPE_CHECKING:
    from infra.customer.model import Instance


def exporter(instance: Instance) -> dict[str, Any]:
    (found,) = (
        item["spec"]["template"]["spec"]["containers"][0]
        for item in manifests(instance)
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "exporter")
    )
    return dict(found)


def told(instance: Instance, app: str = "exporter") -> dict[str, str]:
    """Return the plain variables of a workload's own container."""
    (found,) = (
        item["spec"]["template"]["spec"]["containers"][0]["env"]
        for item in manifests(instance)
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", app)
    )
    return {item["name"]: item["value"] for item in found if "value" in item}


def with_exporter(**surroundings: Any) -> Instance:  # noqa: ANN401 - fields of several types
    return with_options("acme", "exporter", surroundings=surroundings)


def test_it_is_told_who_the_customer_is_and_where_everybody_is_that_it_asks() -> None:
    assert told(with_exporter()) == {
        "CUSTOMER_ID": instance_of("acme").tenant.customer_id,
        "INSTANCE_ID": "acme",
        "NAMESPACE": "customer-acme",
        "HEALTH_CHECK_PORT": "9090",
        "CUSTOMER_API_URL": "http://api:3002",
        "BILLING_API_URL": "https://billing.iotistic.localhost",
        "PROMETHEUS_URL": "http://prometheus.monitoring.svc.cluster.local:9090",
    }


def test_it_is_asked_for_its_health_where_it_listens_and_not_whether_billing_has_answered() -> None:
    container = exporter(with_exporter())
    assert container["ports"] == [{"name": "http", "containerPort": 9090}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    (service,) = (
        item["spec"]
        for item in manifests(with_exporter())
        if (item["kind"], item["metadata"]["name"]) == ("Service", "exporter")
    )
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(9090, "http")]


def test_without_a_prometheus_that_knows_it_is_told_of_none() -> None:
    assert "PROMETHEUS_URL" not in told(with_exporter(prometheus=None))


def test_the_prometheus_that_the_stack_installs_is_called_what_customers_are_told() -> None:
    (service,) = (item for item in monitoring_manifests("dev", watch()) if item["kind"] == "Service")
    address = told(with_exporter(prometheus=service["metadata"]["name"]))["PROMETHEUS_URL"]
    namespace, (port,) = service["metadata"]["namespace"], service["spec"]["ports"]
    assert address == f"http://{service['metadata']['name']}.{namespace}.svc.cluster.local:{port['port']}"


@pytest.mark.parametrize(
    ("chosen", "prometheus"),
    [
        ('{"install": true, "receivers": []}', "prometheus"),
        ('{"service": "prometheus-operated"}', "prometheus-operated"),
        ("{}", None),
    ],
)
def test_who_is_asked_is_who_watches(config: dict[str, str], chosen: str, prometheus: str | None) -> None:
    settings = read_settings({**config, "monitoring": "true"}.get, stack="dev")
    stack = type(settings.monitoring_stack).model_validate_json(chosen)
    around = surroundings_of(settings.model_copy(update={"monitoring_stack": stack}))
    assert around.prometheus == prometheus


def test_billing_of_the_same_cluster_is_reached_inside_it_and_elsewhere_by_its_host() -> None:
    here = "http://billing.billing.svc.cluster.local:3100"
    assert told(with_exporter(billing_port=3100))["BILLING_API_URL"] == here
    assert told(with_exporter(billing_port=3100), "api")["BILLING_API_URL"] == here
    assert "BILLING_API_URL" not in told(with_exporter(), "api")
