"""The world outside: devices that know their customer's name and whom to trust, and nothing else."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.names import EDGE_NAMESPACE
from infra.platform.mqtt_proxy import APP
from tests.node.devices import account
from tests.node.probes import probe_pod
from tests.node.tls import Served, trusted_certificate
from tests.node.world import as_list
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

    from tests.node.world import World

DOMAIN = "iotistic.localhost"
TAKEN_UP_SECONDS = 300
"""A certificate that is issued is brought into the pod by the kubelet, and noticed by who serves it."""
_AUTHORITY = "/etc/authority/ca.crt"


def host(tenant: str) -> str:
    """Return the name by which a customer's devices reach their broker."""
    return f"mqtt-{tenant}.{DOMAIN}"


@dataclass(frozen=True)
class Outside:
    """A client that speaks MQTT with TLS to customers' names.

    Attributes:
        world: The world.
        place: Its namespace.
        authority: Certificate of whom it trusts.
    """

    world: World
    place: str
    authority: str

    @property
    def pod(self) -> tuple[str, str]:
        """Namespace and pod."""
        return self.place, "pod/client"

    def command(self, verb: str, tenant: str, credentials: tuple[str, str] | None = None) -> list[str]:
        """Return the command line of Mosquitto's own client, up to where and as whom.

        Args:
            verb: ``pub`` or ``sub``.
            tenant: The customer whose name it asks for.
            credentials: User and password, those of the customer's device if left out.
        """
        user, password = credentials or account(tenant)
        secured = ["-h", host(tenant), "-p", "8883", "--cafile", _AUTHORITY]
        return [f"mosquitto_{verb}", *secured, "-u", user, "-P", password]

    def mqtt(
        self, verb: str, tenant: str, *options: str, credentials: tuple[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run that client."""
        return self.world.attempt(*self.pod, *self.command(verb, tenant, credentials), "-q", "1", *options)

    def trusted(self, tenant: str) -> Served | None:
        """Return what is served by a customer's name, or None where that is nothing it trusts."""
        return trusted_certificate(self.world, self.pod, self.authority, host(tenant), host(tenant))


@contextmanager
def client_outside(
    world: World, place: str, authority: str, tenants: Sequence[str], *, address: str | None = None
) -> Iterator[Outside]:
    """Run a client for which these customers' names lead to the edge, once it trusts what is served there.

    Args:
        world: The world.
        place: Its namespace, made for it where there is none.
        authority: Certificate of whom it trusts.
        tenants: The customers; those that are none count too, but for the first.
        address: Where the names lead instead.
    """
    edge = world.get(f"service/{APP}", f"--namespace={EDGE_NAMESPACE}")["spec"]["clusterIP"]
    pod = probe_pod(place, "client", {})
    pod["spec"]["hostAliases"] = [{"ip": address or edge, "hostnames": [*map(host, tenants)]}]
    pod["spec"]["volumes"] = [{"name": "authority", "configMap": {"name": "authority"}}]
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "authority", "mountPath": "/etc/authority"}]
    metadata = {"name": "authority", "namespace": place}
    trusted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    there = world.try_kubectl("get", f"namespace/{place}").returncode == 0
    made = [trusted, pod] if there else [namespace, trusted, pod]
    world.apply(*made)
    try:
        world.kubectl("wait", "--for=condition=Ready", "pod/client", f"--namespace={place}", "--timeout=180s")
        device = Outside(world, place, authority)
        wait_until(lambda: device.trusted(tenants[0]) is not None, seconds=TAKEN_UP_SECONDS)
        yield device
    finally:
        world.kubectl("delete", "--filename=-", "--wait=false", stdin=as_list(made))
