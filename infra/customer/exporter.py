"""The billing exporter, an option: reports the customer's usage to billing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import api
from infra.customer.model import resources
from infra.customer.pods import container, http_probe, pod_template, service, workload
from infra.customer.ports import API_PORT, PROMETHEUS_PORT, USAGE_PORT
from infra.names import MONITORING_NAMESPACE

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

APP: Final = "exporter"
COMPONENT: Final = "usage"

EXPORTER_USER: Final = 1001
"""The image's own user."""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the exporter's workload and Service."""
    ports = {"http": USAGE_PORT}
    image = instance.images.exporter
    tenant = instance.tenant
    environment = {
        # The full id: billing knows no other.
        "CUSTOMER_ID": tenant.customer_id,
        "INSTANCE_ID": tenant.id,
        "NAMESPACE": tenant.namespace,
        "HEALTH_CHECK_PORT": str(USAGE_PORT),
        "CUSTOMER_API_URL": f"http://{api.APP}:{API_PORT}",
        "BILLING_API_URL": instance.billing_address or f"https://billing.{instance.surroundings.domain}",
        **_prometheus(instance),
    }
    main = container(
        APP,
        image,
        ports=ports,
        resources=resources(tenant.sizes.exporter),
        # Always 200 while it runs; /ready is 503 until billing has answered once.
        probe=http_probe("/health", "http"),
        mounts={},
        env=[{"name": name, "value": value} for name, value in environment.items()],
    )
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=image,
        user=EXPORTER_USER,
        containers=[main],
        volumes=[],
        checksums={},
    )
    return [
        workload(
            instance,
            "Deployment",
            APP,
            component=COMPONENT,
            image=image,
            template=template,
            strategy={"strategy": {"type": "Recreate"}},
        ),
        service(instance, APP, component=COMPONENT, ports=ports),
    ]


def _prometheus(instance: Instance) -> dict[str, str]:
    """Return the variable that says where messages and storage are known, if they are anywhere."""
    service = instance.surroundings.prometheus
    if service is None:
        return {}
    return {"PROMETHEUS_URL": f"http://{service}.{MONITORING_NAMESPACE}.svc.cluster.local:{PROMETHEUS_PORT}"}
