"""Certificates as a client sees them, how they are renewed, and clients that notice if they are dropped."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.node.world import World

_HANDSHAKE = """
import json, socket, ssl, sys
authority, address, name = sys.argv[1:]
context = ssl.create_default_context(cadata=authority)
with socket.create_connection((address, 8883), 5) as plain:
    with context.wrap_socket(plain, server_hostname=name) as secured:
        found = secured.getpeercert()
issuer = dict(pair for part in found["issuer"] for pair in part)
names = [name for _, name in found["subjectAltName"]]
print(json.dumps([found["serialNumber"], names, issuer["commonName"]]))
"""


class Served(NamedTuple):
    """What a certificate says that was served, once its chain and the name have been verified.

    Attributes:
        serial: Its number.
        names: The names it is for.
        issuer: Who signed it, by its common name.
    """

    serial: str
    names: list[str]
    issuer: str


def read_certificate(
    world: World, client: tuple[str, str], authority: str, address: str, name: str
) -> Served:
    """Return what a certificate says that is served on port 8883, verified.

    Args:
        world: The world.
        client: Namespace and pod that ask.
        authority: Whose certificates to trust.
        address: Where to ask.
        name: The name to ask for.
    """
    answer = world.run(*client, "python3", "-c", _HANDSHAKE, authority, address, name)
    return Served(*json.loads(answer))


def trusted_certificate(
    world: World, client: tuple[str, str], authority: str, address: str, name: str
) -> Served | None:
    """Return the same, or None where what is served is nothing that the client trusts."""
    try:
        return read_certificate(world, client, authority, address, name)
    except AssertionError:
        return None


def renew(world: World, certificate: str, namespace: str) -> None:
    """Ask cert-manager for a new certificate now, as its own command line does."""
    condition = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "renewal asked for",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    world.kubectl(
        "patch",
        f"certificate/{certificate}",
        f"--namespace={namespace}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': {'conditions': [condition]}})}",
    )


@contextmanager
def listening(
    world: World, client: tuple[str, str], command: Sequence[str], topic: str
) -> Iterator[Callable[[], str]]:
    """Keep Mosquitto's own client subscribed, and yield how to get all that it said, once it got a message.

    It ends with the first message, and would say so if it had to connect a second time.

    Args:
        world: The world.
        client: Namespace and pod that it runs in.
        command: Its command line, up to where and as whom.
        topic: What it listens to.
    """
    namespace, pod = client
    # It says into a pipe what it has to say only at its end, unless it is told to.
    listen = ["stdbuf", "--output=L", *command, "-d", "-q", "1", "-t", topic, "-C", "1", "-W", "540"]
    # Tests of the network beside this one may keep it from connecting for a moment.
    patiently = ["sh", "-c", 'until "$@"; do sleep 1; done', "sh", *listen]
    with subprocess.Popen(
        world.command("exec", f"--namespace={namespace}", pod, "--", *patiently),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        while "received SUBACK" not in said:
            line = process.stdout.readline()
            assert line, f"it ended: {said}"
            said += line
        yield lambda: said + process.communicate(timeout=60)[0]
        process.kill()
