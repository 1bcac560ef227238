"""What the program knows of the customers that its stack holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra import removal

if TYPE_CHECKING:
    from collections.abc import Callable

URN = "urn:pulumi:dev::iotistic::iotistic:customer:CustomerInstance::acme"
UNFINISHED = "urn:pulumi:dev::iotistic::iotistic:customer:CustomerInstance::globex"
OTHER = "urn:pulumi:dev::iotistic::pulumi:pulumi:Stack::iotistic-dev"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Make the state unreadable for a number of reads; returns the list of all reads."""

    def fail(times: int) -> list[str]:
        asked: list[str] = []

        async def invoke(token: str, _: dict[str, Any]) -> dict[str, Any]:
            asked.append(token)
            if len(asked) <= times:
                message = "failed to load checkpoint: EOF"
                raise RuntimeError(message)
            return {"outputs": {URN: {"outputs": {"lifecycle": "active"}}, UNFINISHED: {}, OTHER: {}}}

        monkeypatch.setattr(pulumi.runtime, "invoke_async", invoke)
        for name in ("get_organization", "get_project", "get_stack"):
            monkeypatch.setattr(pulumi, name, lambda: "x")
        return asked

    return fail


def deployed() -> dict[str, str]:
    """Ask in a loop of its own: ``asyncio.run`` would take away the one that the SDK's mocks use."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(removal.deployed_tenants())
    finally:
        loop.close()


def test_a_state_that_is_being_written_is_read_again(reads: Callable[[int], list[str]]) -> None:
    asked = reads(2)
    assert deployed() == {"acme": "active", "globex": ""}
    assert len(asked) == 3


def test_a_state_that_stays_unreadable_stops_the_run(reads: Callable[[int], list[str]]) -> None:
    asked = reads(1000)
    with pytest.raises(RuntimeError, match="failed to load checkpoint"):
        deployed()
    assert len(asked) == 10
