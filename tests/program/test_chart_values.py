"""What charts are told is of their types: what a cast or a ``**`` hides from the type checker is seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pulumi
import pytest

from infra.clusters.cloud_settings import AksSettings, EksSettings, GkeSettings
from infra.clusters.eks.controllers import autoscaler_values, balancer_values
from infra.clusters.services import DnsSolver, Identity
from infra.images import VERSIONS_FILE, ImageSource, entries
from infra.platform import certificates, monitoring_values, velero
from infra.platform.chart_values.alloy import AlloyValues
from infra.platform.chart_values.aws_load_balancer_controller import AwsLoadBalancerControllerValues
from infra.platform.chart_values.cert_manager import CertManagerValues
from infra.platform.chart_values.cluster_autoscaler import ClusterAutoscalerValues
from infra.platform.chart_values.ingress_nginx import IngressNginxValues
from infra.platform.chart_values.kube_prometheus_stack import KubePrometheusStackValues
from infra.platform.chart_values.loki import LokiValues
from infra.platform.chart_values.traefik import TraefikValues
from infra.platform.chart_values.velero import VeleroValues
from infra.platform.ingress_values import Front, ingress_nginx, traefik
from infra.platform.logging_settings import LoggingSettings
from infra.platform.logging_values import Logs, alloy, loki
from infra.platform.velero_settings import VeleroSettings
from tests.program.clouds import CLOUDS
from tests.program.watching import watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.clusters.cloud_settings import AnyCloud

MIRROR: Final = ImageSource(mirror="mirror.example.com/hub")
NOTES: Final = {"example.com/note": "of a cloud"}
SETTINGS: Final[list[AnyCloud]] = [
    AksSettings(kind="aks", **CLOUDS["aks"]),
    EksSettings(kind="eks", **CLOUDS["eks"]),
    GkeSettings(kind="gke", **CLOUDS["gke"]),
]
FRONT: Final = Front(replicas=2, balancer=NOTES, gateway=True, wildcard=True, monitoring=True, images=MIRROR)
LOGS: Final = Logs(
    settings=LoggingSettings(install=True),
    retention_days={"starter": 7},
    storage_class="standard",
    images=MIRROR,
    monitoring=True,
    identity=Identity(principal="loki", annotations=NOTES, pod_labels=NOTES),
)
SOLVER: Final = DnsSolver(dns01={}, annotations=NOTES, pod_labels=NOTES)


def copied(cloud: AnyCloud) -> VeleroValues:
    copies = velero.Copies(
        environment="dev",
        settings=VeleroSettings(enabled=True),
        place=cloud.copies("backups", cluster="test"),
        route=cloud.objects("backups", "velero"),
        monitoring=True,
        images=MIRROR,
    )
    return velero.values(copies, annotations=NOTES)


def logged(cloud: AnyCloud) -> LokiValues:
    return loki(dataclasses.replace(LOGS, objects=cloud.objects("logs", "logging")))


TOLD: Final[dict[str, tuple[object, list[Mapping[str, object]]]]] = {
    "traefik": (TraefikValues, [traefik(FRONT)]),
    "ingress-nginx": (IngressNginxValues, [ingress_nginx(FRONT)]),
    "cert-manager": (CertManagerValues, [certificates.values(MIRROR, monitoring=True, solver=SOLVER)]),
    "cluster-autoscaler": (
        ClusterAutoscalerValues,
        [autoscaler_values(MIRROR, cluster="test", region="eu-central-1")],
    ),
    "aws-load-balancer-controller": (
        AwsLoadBalancerControllerValues,
        [balancer_values(MIRROR, cluster="test", region="eu-central-1", network="vpc-1")],
    ),
    "kube-prometheus-stack": (
        KubePrometheusStackValues,
        [monitoring_values.values(dataclasses.replace(watch(mirror=MIRROR.mirror), logs="http://loki"))],
    ),
    "velero": (VeleroValues, [copied(cloud) for cloud in SETTINGS]),
    "loki": (LokiValues, [loki(LOGS), *(logged(cloud) for cloud in SETTINGS)]),
    "alloy": (AlloyValues, [alloy(LOGS, checksum="1")]),
}
"""Each chart's type, and everything that it can be told."""


def keys_of(wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Return the keys of a type, each with its own type."""
    # The SDK writes its ``Input`` with names that only its own module knows.
    return get_type_hints(wanted, localns={"Output": pulumi.Output, "T": str})


def parts(value: object, wanted: Any, where: str) -> Iterator[tuple[str, object, Any]]:  # noqa: ANN401 - a type
    """Yield a value with its type, and whatever is in it with its own."""
    yield where, value, wanted
    if is_typeddict(wanted) and isinstance(value, Mapping):
        for key, kind in keys_of(wanted).items():
            if key in value:
                yield from parts(value[key], kind, f"{where}.{key}")
    elif get_origin(wanted) is Mapping and isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts(item, get_args(wanted)[1], f"{where}.{key}")
    elif get_origin(wanted) is list and isinstance(value, list):
        for number, item in enumerate(value):
            yield from parts(item, get_args(wanted)[0], f"{where}[{number}]")


def fits(value: object, wanted: Any) -> bool:  # noqa: ANN401 - a type
    """Return whether a value is of a type, whatever is in it."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if is_typeddict(wanted):
        known = keys_of(wanted).keys()
        return isinstance(value, Mapping) and wanted.__required_keys__ <= value.keys() <= known
    if origin is Literal:
        return value in inner
    if origin in (Union, UnionType):
        return any(fits(value, kind) for kind in inner)
    return isinstance(value, origin or wanted) and isinstance(value, bool) == (wanted is bool)


def misfits(value: object, wanted: object) -> list[str]:
    """Return where a value, or what is in it, is not of its type."""
    return [where for where, part, kind in parts(value, wanted, "values") if not fits(part, kind)]


def shapes(wanted: object) -> Iterator[Any]:
    """Yield the types with keys that a type is made of."""
    if is_typeddict(wanted):
        yield wanted
    inner = keys_of(wanted).values() if is_typeddict(wanted) else get_args(wanted)
    for kind in inner:
        yield from shapes(kind)


def test_every_chart_has_a_type() -> None:
    assert TOLD.keys() == entries(VERSIONS_FILE, "charts").keys()


@pytest.mark.parametrize("chart", TOLD)
def test_a_chart_is_told_only_what_its_type_knows(chart: str) -> None:
    wanted, told = TOLD[chart]
    assert [misfits(values, wanted) for values in told] == [[] for _ in told]


def test_types_know_no_key_that_no_chart_is_told() -> None:
    known = {
        (shape, key) for wanted, _ in TOLD.values() for shape in shapes(wanted) for key in keys_of(shape)
    }
    used = {
        (kind, key)
        for wanted, told in TOLD.values()
        for values in told
        for _, part, kind in parts(values, wanted, "values")
        if is_typeddict(kind) and isinstance(part, Mapping)
        for key in part
    }
    assert known - used == set()


def test_what_is_misspelt_or_of_another_kind_is_found() -> None:
    # The type checker refuses these too: it would complain of a comment here that nothing needs.
    wrong: list[LokiValues] = [
        {"singelBinary": {}},  # type: ignore[typeddict-unknown-key]
        {"ruler": {"enabled": "no"}},  # type: ignore[typeddict-item]
        {"ruler": {}},  # type: ignore[typeddict-item]
        {"deploymentMode": "Monolith"},  # type: ignore[typeddict-item]
        {"loki": {"podLabels": {"app": 1}}},  # type: ignore[dict-item]
        # To Python a truth is a number too.
        {"read": {"replicas": True}},
    ]
    assert [misfits(values, LokiValues) for values in wrong] == [
        ["values"],
        ["values.ruler.enabled"],
        ["values.ruler"],
        ["values.deploymentMode"],
        ["values.loki.podLabels.app"],
        ["values.read.replicas"],
    ]
