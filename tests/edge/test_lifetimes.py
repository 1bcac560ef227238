"""How long connections live: through silence, renewed certificates and processes that end."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.edge.world import DOMAIN, edge_settings
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.edge.world import Proxy, World

pytestmark = pytest.mark.edge

MANY = 1_000
KEEPALIVE_SECONDS = 30
SILENCE_SECONDS = 33.0
"""Longer than the keepalive and all timeouts but the one for silence; the broker waits 45."""


def test_a_thousand_silent_devices_outlive_their_keepalive(world: World) -> None:
    limits = {
        f"{which}_per_{whose}": 10 * MANY
        for which in ("connections", "new_connections")
        for whose in ("customer", "address")
    }
    proxy = world.proxy(edge_settings(max_keepalive_seconds=KEEPALIVE_SECONDS, limits=limits))
    with contextlib.ExitStack() as stack:
        devices = [
            stack.enter_context(
                world.client(proxy, "acme", name=f"device-{number}", keepalive=KEEPALIVE_SECONDS)
            )
            for number in range(MANY)
        ]
        for device in devices:
            device.ping()
        time.sleep(SILENCE_SECONDS)
        for device in devices:
            device.ping()


def test_a_renewed_certificate_is_shown_to_new_devices_and_no_connection_is_lost(
    world: World, proxy: Proxy
) -> None:
    with world.client(proxy, "acme") as before:
        renewed = world.authority.issue(f"*.{DOMAIN}")
        assert before.certificate != renewed.der
        renewed.write(Path(proxy.place.certificate).parent)

        def shown() -> bool:
            with world.client(proxy, "acme", name="newcomer") as newcomer:
                return newcomer.certificate == renewed.der

        wait_until(shown, what="the renewed certificate is in use")
        before.ping()
    assert proxy.process.runs


def test_a_certificate_whose_key_is_still_changing_is_not_used(world: World, proxy: Proxy) -> None:
    folder = Path(proxy.place.certificate).parent
    key = Path(proxy.place.certificate).with_suffix(".key").resolve()
    with world.client(proxy, "acme") as before:
        for _ in range(8):
            key.write_bytes(world.authority.issue(f"*.{DOMAIN}").key)
            time.sleep(proxy.place.certificate_watch_seconds / 3)
            with world.client(proxy, "acme", name="newcomer") as newcomer:
                assert newcomer.certificate == before.certificate
        world.authority.issue(f"*.{DOMAIN}").write(folder)
        wait_until(lambda: "is in use" in proxy.process.said(), what="the finished pair is in use")
        before.ping()


def test_a_certificate_that_is_missing_leaves_the_former_one(world: World, proxy: Proxy) -> None:
    with world.client(proxy, "acme") as before:
        Path(proxy.place.certificate).unlink()
        wait_until(
            lambda: "the former one stays" in proxy.process.said(), what="the missing file is reported"
        )
        with world.client(proxy, "acme", name="newcomer") as newcomer:
            assert newcomer.certificate == before.certificate
        before.ping()


def test_a_process_that_stops_serves_its_devices_and_disturbs_no_other(world: World) -> None:
    """What a rolling restart does to each pod in turn."""
    leaving, staying = world.proxy(), world.proxy()
    with (
        world.client(leaving, "acme") as on_leaving,
        world.client(staying, "acme", name="other") as on_staying,
    ):
        on_leaving.subscribe("#")
        leaving.process.signal(signal.SIGUSR1)
        wait_until(lambda: not world.accepts(leaving), what="it takes no new devices")
        on_staying.publish("t", "still there")
        assert on_leaving.next_message() == "still there"
        on_staying.ping()
        assert world.accepts(staying)
        assert leaving.process.runs
    wait_until(lambda: not leaving.process.runs, what="it ends once its last device has left")
    assert leaving.process.popen.returncode == 0
    assert world.accepts(staying)


def test_a_process_that_stops_does_not_wait_forever(world: World) -> None:
    leaving = world.proxy(edge_settings(drain_seconds=1))
    with world.client(leaving, "acme") as device:
        leaving.process.signal(signal.SIGUSR1)
        wait_until(lambda: not leaving.process.runs, what="it ends after the time it was given")
        with pytest.raises((EOFError, OSError)):
            device.ping()
