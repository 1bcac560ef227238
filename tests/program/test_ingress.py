"""The ingress controller: what its chart is told, what stands beside it, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.clusters.cloud_settings import CLOUDS
from infra.images import ImageSource
from infra.platform import gateway, ingress, ingress_values
from infra.platform.ingress_settings import IngressSettings
from infra.platform.ingress_values import Front
from tenants.errors import UsageError
from tests.program.instances import as_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"
VALUES: dict[str, Callable[[Front], Mapping[str, object]]] = {
    "traefik": ingress_values.traefik,
    "ingress-nginx": ingress_values.ingress_nginx,
}
PRIVATE = {"certificates": '{"issuer": "private-ca"}'}


def front(**changed: Any) -> Front:  # noqa: ANN401 - fields of all types
    given: dict[str, Any] = {
        "replicas": 2,
        "balancer": {},
        "gateway": False,
        "wildcard": True,
        "monitoring": True,
        "images": ImageSource(),
        **changed,
    }
    return Front(**given)


def existing(config: dict[str, str], controller: str, **changed: str) -> dict[str, str]:
    ingress_class = {"ingress-nginx": "nginx"}.get(controller, "traefik")
    chosen = json.dumps({"controller": controller})
    return {**config, "cluster": "existing", "ingress": chosen, "ingressClass": ingress_class, **changed}


@pytest.mark.parametrize("controller", VALUES)
def test_values_are_those_in_the_golden_file(controller: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{controller}-values.yaml", as_yaml([VALUES[controller](front())]))


@pytest.mark.parametrize("controller", VALUES)
def test_objects_are_those_in_the_golden_file(controller: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{controller}.yaml", as_yaml(ingress.manifests("dev", controller)))


def test_the_gateway_is_that_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "gateway.yaml", as_yaml(gateway.manifests("dev", wildcard=True)))


def test_traefiks_log_holds_nothing_after_the_question_mark() -> None:
    fields = ingress_values.traefik(front())["accessLog"]["fields"]
    assert fields["queryParameters"]["defaultMode"] == "drop"
    assert "headers" not in fields, "the chart's own default drops every header"


def test_nginxs_log_holds_nothing_after_the_question_mark() -> None:
    log = ingress_values.ingress_nginx(front())["controller"]["config"]["log-format-upstream"]
    variables = set(re.findall(r"\$(\w+)", log))
    assert "uri" in variables
    assert not {name for name in variables if name.startswith(("request_uri", "arg", "http_", "cookie"))}
    assert "request" not in variables


def test_every_limit_of_traefik_stands_at_its_entrance() -> None:
    """A name that leads nowhere would close the entrance for everybody."""
    values = ingress_values.traefik(front())
    made = [item["metadata"] for item in values["extraObjects"]]
    named = values["ports"]["websecure"]["http"]["middlewares"]
    assert named == [f"{item['namespace']}-{item['name']}@kubernetescrd" for item in made]
    assert len(named) == 3


@pytest.mark.parametrize("controller", VALUES)
def test_without_a_certificate_none_is_named(controller: str) -> None:
    assert "iotistic-wildcard-tls" in json.dumps(VALUES[controller](front()))
    assert "iotistic-wildcard-tls" not in json.dumps(VALUES[controller](front(wildcard=False)))


@pytest.mark.parametrize("controller", VALUES)
def test_a_mirror_serves_the_controllers_image(controller: str) -> None:
    values = VALUES[controller](front(images=ImageSource(mirror="mirror.example.com/hub")))
    assert "mirror.example.com/hub" in json.dumps(values)


@pytest.mark.parametrize("cluster", [*CLOUDS, "existing", "simulated"])
def test_a_cluster_that_the_stack_makes_gets_a_controller(cluster: str) -> None:
    settings = IngressSettings(service_annotations={"example.com/own": "yes"})
    assert settings.installed(cluster) == ("traefik" if cluster in CLOUDS else "none")
    assert settings.balancer(cluster)["example.com/own"] == "yes"
    assert (len(settings.balancer(cluster)) > 1) == (cluster in CLOUDS)


@pytest.mark.parametrize("controller", VALUES)
def test_it_is_installed_after_its_namespace_certificate_and_policies(
    run_program: Callable[..., Run], config: dict[str, str], controller: str
) -> None:
    engine = run_program({**existing(config, controller), **PRIVATE}).engine
    release = engine.releases()[controller]
    assert release.inputs["namespace"] == "ingress"
    assert engine.waits[release.name] >= {
        "platform-namespace-ingress",
        "certificates-certificate-iotistic-wildcard-tls",
        "ingress-network-policy-default-deny",
        "ingress-priority-class-iotistic-ingress",
    }
    assert release.name in engine.waits["acme-namespace-customer-acme"]


def test_no_controller_is_installed_unless_it_is_wanted(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    engine = run_program({**config, "cluster": "existing"}).engine
    assert engine.releases() == {}
    assert not any(name.startswith("ingress-") for name in engine.waits)


@pytest.mark.parametrize("controller", VALUES)
def test_only_the_archived_controller_is_warned_of(
    run_program: Callable[..., Run],
    config: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    controller: str,
) -> None:
    with caplog.at_level("WARNING", logger="engine"):
        run_program(existing(config, controller))
    assert ("archived in March 2026" in caplog.text) == (controller == "ingress-nginx")


def test_routes_of_the_gateway_api_come_after_its_definitions_and_its_gateway(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    engine = run_program({**existing(config, "traefik", routes="gateway"), **PRIVATE}).engine
    release = engine.releases()["traefik"]
    assert release.inputs["values"]["providers"]["kubernetesGateway"] == {"enabled": True}
    (definitions,) = (item for item in engine.declared if item.typ.endswith(":ConfigFile"))
    assert definitions.inputs["file"].startswith("https://github.com/kubernetes-sigs/gateway-api/releases/")
    assert definitions.name in engine.waits[release.name]
    assert release.name in engine.waits["ingress-gateway-iotistic"]
    assert "ingress-gateway-iotistic" in engine.waits["acme-namespace-customer-acme"]


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        ({"cluster": "simulated", "ingress": '{"controller": "traefik"}'}, ["ingress.controller"]),
        ({"ingress": '{"controller": "ingress-nginx"}'}, ["ingressClass"]),
        ({"ingress": '{"controller": "traefik"}', "ingressClass": "nginx"}, ["ingressClass"]),
        (
            {
                "ingress": '{"controller": "ingress-nginx"}',
                "ingressClass": "nginx",
                "routes": "gateway",
                **PRIVATE,
            },
            ["routes"],
        ),
        ({"ingress": '{"controller": "traefik"}', "routes": "gateway"}, ["certificates.issuer"]),
        (
            {
                "cluster": "simulated",
                "ingress": '{"controller": "ingress-nginx"}',
                "routes": "gateway",
            },
            ["certificates.issuer", "ingress.controller", "ingressClass", "routes"],
        ),
        ({"ingress": '{"controller": "haproxy"}'}, ["ingress.controller"]),
        ({"ingress": '{"replicas": 0, "copies": 2}'}, ["ingress.copies", "ingress.replicas"]),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    run_program: Callable[..., Run], config: dict[str, str], changed: dict[str, str], keys: list[str]
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, "cluster": "existing", **changed})
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]
