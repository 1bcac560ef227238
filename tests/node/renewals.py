"""Certificates that are renewed, and what devices had of it.

cert-manager waits a minute for each proof of a name, and what serves certificates looks for new ones now and
then. So it begins before the customers do, and tests judge afterwards.
"""

from __future__ import annotations

import base64
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from infra.customer.instance import manifests
from infra.names import CERTIFICATES_NAMESPACE, EDGE_NAMESPACE
from infra.platform.certificates import certificates
from infra.platform.certificates_settings import ACME_ISSUER, CA_ISSUER
from infra.platform.mqtt_proxy import APP
from tests.node.acme import RENEW_BEFORE, Authority, acme_authority, await_proof
from tests.node.devices import NAMESPACE, add_account
from tests.node.outside import DOMAIN, TAKEN_UP_SECONDS, Outside, client_outside, host
from tests.node.tls import Served, listening, renew
from tests.node.world import WORKLOADS, declared
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.node.world import World

CUSTOMER: Final = "globex"
EDGE_TLS: Final = "mqtt-edge-tls"
BROKER_TLS: Final = "broker-tls"
_CERTIFICATES: Final = {EDGE_NAMESPACE: EDGE_TLS, f"customer-{CUSTOMER}": BROKER_TLS}
_READY_SECONDS: Final = 600
_ISSUED_SECONDS: Final = 300
_LOOK_SECONDS: Final = 3
"""Often enough for what takes a minute, and little work for the machine."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a device had of a renewal that came while it was connected.

    Attributes:
        before: What was served when it connected.
        after: What was served after the renewal.
        said: All that it said, up to a message that was published after the renewal.
    """

    before: Served
    after: Served
    said: str


@dataclass(frozen=True, slots=True)
class Renewals:
    """The renewals of what the edge and a broker serve, by these two places: ``edge`` and ``broker``.

    Attributes:
        private: Of certificates that the cluster's own authority signed, asked for.
        public: Of certificates that a public authority signed, which came by themselves.
    """

    private: Mapping[str, Renewal]
    public: Mapping[str, Renewal]


def watch_renewals(world: World) -> Renewals:
    """Renew certificates of either authority under open connections, and leave all as it was.

    It may begin before the customers do: the public authority needs the private one only.
    """
    _wait_for(world, CERTIFICATES_NAMESPACE, f"namespace/{CERTIFICATES_NAMESPACE}")
    _wait_for(world, CERTIFICATES_NAMESPACE, f"clusterissuer/{CA_ISSUER}")
    with acme_authority(world, [f"*.{DOMAIN}", host(CUSTOMER)]) as public:
        _wait_for(world, EDGE_NAMESPACE, f"deployment/{APP}", f"service/{APP}", f"secret/{EDGE_TLS}")
        for kind, names in WORKLOADS.items():
            _wait_for(world, f"customer-{CUSTOMER}", *(f"{kind}/{name}" for name in names))
        _wait_for(world, f"customer-{CUSTOMER}", "job/settle")
        # It ends the API's connections, and the API starts anew.
        settled = ("--for=condition=Complete", "job/settle", f"--timeout={_READY_SECONDS}s")
        world.kubectl("wait", *settled, f"--namespace=customer-{CUSTOMER}")
        world.wait_ready(CUSTOMER, seconds=_READY_SECONDS)
        add_account(world, CUSTOMER)
        own = authority(world, EDGE_NAMESPACE, EDGE_TLS)
        with _devices(world, own + public.root) as devices:
            private_renewals = _watch(world, _trusting(devices, own), lambda: _renew_all(world))
            await_proof(world)
            with _signed_by(world, public):
                public_renewals = _watch(world, _trusting(devices, public.root), lambda: None)
    return Renewals(private=private_renewals, public=public_renewals)


def _wait_for(world: World, namespace: str, *objects: str) -> None:
    """Wait until somebody has declared some objects."""
    for name in objects:
        world.kubectl(
            "wait", "--for=create", name, f"--namespace={namespace}", f"--timeout={_READY_SECONDS}s"
        )


def authority(world: World, namespace: str, name: str) -> str:
    """Return the certificate of who signed a certificate, as its Secret has it."""
    secret = world.get(f"secret/{name}", f"--namespace={namespace}")["data"]
    return base64.b64decode(secret["ca.crt"]).decode()


@contextmanager
def _devices(world: World, trusted: str) -> Iterator[dict[str, Outside]]:
    """Run a device outside, and one beside the edge for which the same name leads to the broker itself."""
    broker = world.get("pod/mosquitto-0", f"--namespace=customer-{CUSTOMER}")["status"]["podIP"]
    with (
        client_outside(world, "renewals", trusted, [CUSTOMER]) as at_edge,
        client_outside(world, NAMESPACE, trusted, [CUSTOMER], address=broker) as at_broker,
    ):
        yield {"edge": at_edge, "broker": at_broker}


def _trusting(devices: Mapping[str, Outside], root: str) -> dict[str, Outside]:
    """Return devices that take a certificate of this authority only for verified."""
    return {place: replace(device, authority=root) for place, device in devices.items()}


def _watch(world: World, devices: Mapping[str, Outside], begin: Callable[[], None]) -> dict[str, Renewal]:
    """Connect devices, let ``begin()`` ask for new certificates, and return what each device had of them."""
    before = {place: _served(device, other_than=None) for place, device in devices.items()}
    topic = f"iot/{CUSTOMER}/renewed-{before['edge'].serial}"
    with ExitStack() as stack:
        said = {
            place: stack.enter_context(listening(world, device.pod, device.command("sub", CUSTOMER), topic))
            for place, device in devices.items()
        }
        begin()
        after = {place: _served(device, other_than=before[place]) for place, device in devices.items()}
        publish = ("pub", CUSTOMER, "-t", topic, "-m", "still here")
        wait_until(lambda: devices["edge"].mqtt(*publish).returncode == 0, seconds=60)
        return {place: Renewal(before[place], after[place], said[place]()) for place in devices}


def _served(device: Outside, *, other_than: Served | None) -> Served:
    """Return what a device is served and trusts, once that is another certificate than before."""
    found: Served | None = None

    def is_new() -> bool:
        nonlocal found
        found = device.trusted(CUSTOMER)
        return found not in (None, other_than)

    wait_until(is_new, seconds=TAKEN_UP_SECONDS, every=_LOOK_SECONDS)
    assert found is not None
    return found


def _renew_all(world: World) -> None:
    for namespace, name in _CERTIFICATES.items():
        renew(world, name, namespace)


@contextmanager
def _signed_by(world: World, public: Authority) -> Iterator[None]:
    """Let the authority sign for the edge and for a broker, and their own again afterwards."""
    before = [
        declared(world.get(f"certificate/{name}", f"--namespace={namespace}"))
        for namespace, name in _CERTIFICATES.items()
    ]
    [wildcard] = certificates(replace(public.issuing, wanted=[(EDGE_NAMESPACE, EDGE_TLS)]))
    world.apply(_soon_renewed(wildcard), _soon_renewed(_of_broker()))
    try:
        _wait_until_signed(world, lambda issuer: issuer == ACME_ISSUER)
        yield
    finally:
        world.apply(*before)
        _wait_until_signed(world, lambda issuer: issuer != ACME_ISSUER)


def _soon_renewed(certificate: dict[str, Any]) -> dict[str, Any]:
    return {**certificate, "spec": {**certificate["spec"], "renewBefore": RENEW_BEFORE}}


def _of_broker() -> dict[str, Any]:
    """Return the certificate of a broker in a stack whose brokers have public ones."""
    instance = instance_of(CUSTOMER, surroundings={"broker_issuer": ACME_ISSUER})
    [found] = [item for item in manifests(instance) if item["kind"] == "Certificate"]
    return found


def _wait_until_signed(world: World, by: Callable[[str], bool]) -> None:
    """Wait until the Secret of each certificate holds one of the right issuer."""

    def issuers() -> list[str]:
        secrets = [
            world.get(f"secret/{name}", f"--namespace={place}") for place, name in _CERTIFICATES.items()
        ]
        return [item["metadata"]["annotations"]["cert-manager.io/issuer-name"] for item in secrets]

    wait_until(lambda: all(map(by, issuers())), seconds=_ISSUED_SECONDS, every=_LOOK_SECONDS)
