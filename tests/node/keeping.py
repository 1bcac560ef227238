"""What a customer stores: written at the last moment, and looked for afterwards."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tests.node.devices import taken, with_device
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.node.world import World

T = TypeVar("T")

AUTOSAVE_SECONDS = 10
"""How often a broker writes down what it holds, and so what it can lose when it is killed."""
_MARGIN_SECONDS = 5
_STATE = "/mosquitto/data/mosquitto.db"
CLIENT = "keeper"


@contextmanager
def with_keeper(world: World, tenants: Sequence[str]) -> Iterator[None]:
    """Run the client by which customers' brokers are written to."""
    with with_device(world, CLIENT, tenants):
        yield


def write(world: World, tenants: Iterable[str]) -> dict[str, str]:
    """Store a word that was never there before, by customer: a row, and two messages.

    One is retained. The other waits for a device that is away, in a session that outlasts its connection.
    """

    def of(tenant: str) -> str:
        word = secrets.token_hex(8)
        _mqtt(world, "sub", tenant, f"{word}/waits", *_session(word), "-E")
        _mqtt(world, "pub", tenant, f"{word}/retained", "-r", "-m", word)
        _mqtt(world, "pub", tenant, f"{word}/waits", "-m", word)
        return word

    words = _of_each(of, tenants)
    write_rows(world, words)
    return words


def write_rows(world: World, words: Mapping[str, str]) -> None:
    """Store a row with each customer's word."""
    _of_each(lambda tenant: world.api(tenant, "/api/v1/notes", {"text": words[tenant]}), words)


def wait_until_saved(world: World, tenants: Iterable[str]) -> None:
    """Wait until brokers have on their volumes what they hold by now, which nobody tells them to."""
    now = time.time()

    def saved() -> bool:
        return all(float(_broker(world, tenant, "stat", "--format=%.3Y", _STATE)) > now for tenant in tenants)

    wait_until(saved, seconds=AUTOSAVE_SECONDS + _MARGIN_SECONDS)


def _broker(world: World, tenant: str, *command: str) -> str:
    return world.run(f"customer-{tenant}", "statefulset/mosquitto", *command)


def assert_kept(world: World, words: Mapping[str, str]) -> None:
    """Look for each customer's row, retained message, and message that waited."""

    def found(tenant: str) -> tuple[int, str, str]:
        word = words[tenant]
        retained = _mqtt(world, "sub", tenant, f"{word}/retained", "-C", "1", "-W", "10")
        waited = _mqtt(world, "sub", tenant, f"{word}/waits", *_session(word), "-C", "1", "-W", "10")
        return world.api(tenant, "/api/v1/notes")["notes"].count(word), retained.strip(), waited.strip()

    assert _of_each(found, words) == {tenant: (1, word, word) for tenant, word in words.items()}


def _session(word: str) -> tuple[str, ...]:
    return ("--disable-clean-session", "--id", f"sleeper-{word}")


def _mqtt(world: World, verb: str, tenant: str, topic: str, *options: str) -> str:
    return taken(world, CLIENT, verb, tenant, f"iot/{tenant}/{topic}", *options)


def _of_each(what: Callable[[str], T], tenants: Iterable[str]) -> dict[str, T]:
    names = list(tenants)
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(what, names), strict=True))


def log_of_database(world: World, tenant: str) -> str:
    """Return what a customer's database has said since its last start."""
    return world.kubectl("logs", "pod/postgres-0", "--container=postgres", f"--namespace=customer-{tenant}")
