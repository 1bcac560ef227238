"""A public authority in the cluster: Pebble signs what it finds in the DNS, and Knot is that DNS.

cert-manager writes to Knot with a key (RFC 2136), Pebble and the cluster's own DNS read from it.
Pebble's certificates last five minutes, so that their renewal comes by itself while a test looks.
A name that was proved once stays so for its account, as it does for a month at Let's Encrypt:
cert-manager waits a minute for each proof, after it wrote to the DNS.
"""

from __future__ import annotations

import base64
import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.clusters.services import DnsSolver
from infra.names import CERTIFICATES_NAMESPACE
from infra.platform.certificates import Issuing, issuers
from infra.platform.certificates_settings import CA_ISSUER, CertificatesSettings
from tests.node.doubles.images import AUTHORITY
from tests.node.outside import DOMAIN
from tests.node.probes import probe_pod
from tests.node.world import World, as_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PLACE: Final = "authority"
_PROOF: Final = "proof"
"""The first certificate of all names."""
_KEY: Final = "cert-manager"
_VALID_SECONDS: Final = 320
"""cert-manager renews five minutes before the end and no later: twenty seconds after the certificate came."""
RENEW_BEFORE: Final = "5m"
_PROOF_SECONDS: Final = 300
_DIRECTORY_PORT: Final = 14000
_ROOTS_PORT: Final = 15000
_DNS_PORT: Final = 5353

_KNOT: Final = """\
server:
  listen: 0.0.0.0@{port}
  rundir: /tmp
log:
- target: stderr
  any: info
database:
  storage: /tmp
key:
- id: {key}
  algorithm: hmac-sha256
  secret: {secret}
acl:
- id: {key}
  key: {key}
  action: update
  update-type: TXT
zone:
- domain: {zone}
  file: /etc/knot/zone
  acl: {key}
  zonefile-sync: -1
  journal-content: none
"""
_ZONE: Final = """\
@ 60 SOA ns hostmaster 1 3600 600 86400 1
@ 60 NS ns
ns 60 A 192.0.2.1
"""
_FORWARD: Final = """\
{zone}:53 {{
    errors
    forward . {address}
}}
"""
_READ_ROOT: Final = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/etc/pebble/ca.crt")
print(urllib.request.urlopen(sys.argv[1], context=context).read().decode(), end="")
"""


@dataclass(frozen=True)
class Authority:
    """The authority, once it can be asked.

    Attributes:
        issuing: What the project's own issuer is made from.
        root: Certificate that its clients trust.
    """

    issuing: Issuing
    root: str


@contextmanager
def acme_authority(world: World, names: Sequence[str]) -> Iterator[Authority]:
    """Run the authority and its DNS, and have the project's own issuer ask it.

    Args:
        world: The world.
        names: The names that it begins to prove at once, for ``await_proof``.
    """
    corefile = world.get("configmap/coredns", "--namespace=kube-system")["data"]["Corefile"]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}}
    services = [
        _service("pebble", {"directory": (_DIRECTORY_PORT, "TCP"), "roots": (_ROOTS_PORT, "TCP")}),
        _service("knot", {"dns-udp": (53, "UDP"), "dns-tcp": (53, "TCP")}),
    ]
    world.apply(namespace, *services)
    pebble, knot = (
        world.get(f"service/{name}", f"--namespace={PLACE}")["spec"]["clusterIP"]
        for name in ("pebble", "knot")
    )
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    key = _secret("acme-dns", CERTIFICATES_NAMESPACE, {"secret": secret})
    issuing = _issuing(f"https://{pebble}:{_DIRECTORY_PORT}/dir", knot)
    try:
        own_address = _certificate("pebble-tls", {"ipAddresses": [pebble]}, CA_ISSUER)
        world.apply(own_address, key, *_knot(secret), *_pebble(knot))
        _write_corefile(world, corefile + _FORWARD.format(zone=DOMAIN, address=knot))
        _restart_dns(world)
        ready = ("wait", "--for=condition=Ready", f"--namespace={PLACE}", "--timeout=180s")
        world.kubectl(*ready, "pod/knot", "pod/pebble")
        own = world.get("secret/pebble-tls", f"--namespace={PLACE}")["data"]["ca.crt"]
        [issuer] = issuers(issuing)
        issuer["spec"]["acme"]["caBundle"] = own
        world.apply(issuer)
        name = issuer["metadata"]["name"]
        world.kubectl("wait", "--for=condition=Ready", f"clusterissuer/{name}", "--timeout=120s")
        world.apply(_certificate(_PROOF, {"dnsNames": [*names]}, name))
        address = f"https://{pebble}:{_ROOTS_PORT}/roots/0"
        yield Authority(issuing, world.run(PLACE, "pod/pebble", "python3", "-c", _READ_ROOT, address))
    finally:
        # It is read by the next start. One now would be noticed by tests beside this one.
        _write_corefile(world, corefile)
        gone = [namespace, key, *issuers(issuing)]
        world.kubectl("delete", "--filename=-", "--ignore-not-found", "--wait=false", stdin=as_list(gone))


def await_proof(world: World) -> None:
    """Wait until the names have been proved that the authority was begun with."""
    ready = ("--for=condition=Ready", f"certificate/{_PROOF}", f"--namespace={PLACE}")
    world.kubectl("wait", *ready, f"--timeout={_PROOF_SECONDS}s")


def _issuing(server: str, nameserver: str) -> Issuing:
    """Return what a stack has whose zone takes RFC 2136 updates."""
    reference = {"name": "acme-dns", "key": "secret"}
    rfc2136 = {
        "nameserver": f"{nameserver}:53",
        "tsigKeyName": _KEY,
        "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": reference,
    }
    return Issuing(
        environment="dev",
        domain=DOMAIN,
        settings=CertificatesSettings(issuer="dns01", server=server),
        ingress_class="unused",
        private_ca=False,
        solver=DnsSolver(dns01={"rfc2136": rfc2136}),
        wanted=[],
    )


def _write_corefile(world: World, corefile: str) -> None:
    patch = json.dumps({"data": {"Corefile": corefile}})
    world.kubectl("patch", "configmap/coredns", "--namespace=kube-system", "--type=merge", f"--patch={patch}")


def _restart_dns(world: World) -> None:
    world.kubectl("rollout", "restart", "deployment/coredns", "--namespace=kube-system")
    world.kubectl("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=180s")


def _service(name: str, ports: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": {
            "selector": {"app": name},
            "ports": [
                {
                    "name": port,
                    "port": number,
                    "targetPort": _DNS_PORT if number == 53 else number,
                    "protocol": protocol,
                }
                for port, (number, protocol) in ports.items()
            ],
        },
    }


def _certificate(name: str, what_for: Mapping[str, list[str]], issuer: str) -> dict[str, Any]:
    """Return a certificate in the authority's namespace, and a Secret of its name."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": {
            "secretName": name,
            **what_for,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"name": issuer, "kind": "ClusterIssuer"},
        },
    }


def _knot(secret: str) -> list[dict[str, Any]]:
    settings = _KNOT.format(port=_DNS_PORT, key=_KEY, secret=secret, zone=DOMAIN)
    command = ["/usr/sbin/knotd", "--config", "/etc/knot/knot.conf"]
    return [
        _secret("knot", PLACE, {"knot.conf": settings, "zone": _ZONE}),
        _pod("knot", command, {"/etc/knot": {"secret": {"secretName": "knot"}}}, _DNS_PORT),
    ]


def _pebble(nameserver: str) -> list[dict[str, Any]]:
    settings = {
        "listenAddress": f"0.0.0.0:{_DIRECTORY_PORT}",
        "managementListenAddress": f"0.0.0.0:{_ROOTS_PORT}",
        "certificate": "/etc/pebble/tls.crt",
        "privateKey": "/etc/pebble/tls.key",
        "httpPort": 80,
        "tlsPort": 443,
        "keyAlgorithm": "ecdsa",
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "gone soon", "validityPeriod": _VALID_SECONDS}},
    }
    metadata = {"name": "pebble", "namespace": PLACE}
    document = json.dumps({"pebble": settings})
    command = ["pebble", "-config", "/etc/settings/pebble.json", "-dnsserver", f"{nameserver}:53"]
    volumes = {
        "/etc/pebble": {"secret": {"secretName": "pebble-tls"}},
        "/etc/settings": {"configMap": {"name": "pebble"}},
    }
    pod = _pod("pebble", command, volumes, _DIRECTORY_PORT)
    # It looks at once, and at each name once.
    pod["spec"]["containers"][0]["env"] = [
        {"name": "PEBBLE_VA_NOSLEEP", "value": "1"},
        {"name": "PEBBLE_AUTHZREUSE", "value": "100"},
    ]
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"pebble.json": document}},
        pod,
    ]


def _pod(name: str, command: list[str], volumes: Mapping[str, dict[str, Any]], port: int) -> dict[str, Any]:
    pod = probe_pod(PLACE, name, {"app": name})
    [container] = pod["spec"]["containers"]
    mounts = {"/tmp": {"emptyDir": {}}, **volumes}  # noqa: S108 - a pod's own
    container |= {
        "image": AUTHORITY,
        "command": command,
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": f"volume-{number}", "mountPath": path} for number, path in enumerate(mounts)
        ],
    }
    pod["spec"]["volumes"] = [
        {"name": f"volume-{number}", **volume} for number, volume in enumerate(mounts.values())
    ]
    return pod


def _secret(name: str, namespace: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(data)}
