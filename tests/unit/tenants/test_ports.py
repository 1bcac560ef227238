"""Ports on the nodes: the hash of an id cannot work, handing them out once does."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import UsageError
from tenants.facts import NodePortRange
from tenants.models import NODE_PORTS
from tenants.ports import free_ports, usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.registry import Registry


def hashed_ports(short_id: str) -> tuple[int, int, int, int]:
    """Return the four ports that a 32-bit shift over the letters gives, as JavaScript counts."""
    total = 0
    for letter in short_id:
        shifted = (total << 5) & 0xFFFFFFFF
        total = (shifted - 2**32 if shifted >= 2**31 else shifted) - total + ord(letter)
    offset = abs(int(math.fmod(total, 2000)))
    return 30000 + offset, 30001 + offset, 31000 + offset, 31001 + offset


def test_a_hash_gives_ports_that_are_not_allowed() -> None:
    assert hashed_ports("a18ada74") == (31869, 31870, 32869, 32870)
    assert max(hashed_ports("a18ada74")) > NodePortRange().last
    ids = [f"{number * 2654435761 % 2**32:08x}" for number in range(1000)]
    illegal = [name for name in ids if max(hashed_ports(name)) > NodePortRange().last]
    assert 80 <= len(illegal) <= 150  # 233 of 2,000 offsets


def test_a_hash_gives_the_same_port_to_many() -> None:
    ids = [f"{number * 2654435761 % 2**32:08x}" for number in range(100)]
    taken = Counter(port for name in ids for port in hashed_ports(name))
    assert sum(1 for count in taken.values() if count > 1) >= 10


def test_all_pairs_of_the_range_can_be_given_and_then_it_is_full() -> None:
    taken: set[int] = set()
    for _ in range(1384):
        pair = free_ports(taken, 2, NodePortRange())
        assert taken.isdisjoint(pair)
        taken.update(pair)
    assert taken == set(range(30000, 32768))
    with pytest.raises(UsageError, match="only 0 of 2 ports are left"):
        free_ports(taken, 2, NodePortRange())


@given(
    taken=st.sets(st.integers(30000, 30040)),
    count=st.integers(1, 4),
    first=st.integers(30000, 30010),
    length=st.integers(0, 40),
)
def test_ports_are_free_inside_the_range_and_always_the_same(
    taken: set[int], count: int, first: int, length: int
) -> None:
    ports = NodePortRange(first=first, last=first + length)
    free = set(usable(ports)) - taken
    if len(free) < count:
        with pytest.raises(UsageError, match="ports are left"):
            free_ports(taken, count, ports)
        return
    given_out = free_ports(taken, count, ports)
    assert given_out == tuple(sorted(free)[:count])
    assert given_out == free_ports(sorted(taken, reverse=True), count, ports)


@pytest.mark.parametrize(("first", "last"), [(29999, 30010), (32000, 32768), (30010, 30000), (1883, 1884)])
def test_a_range_that_kubernetes_refuses_is_refused(first: int, last: int) -> None:
    with pytest.raises(UsageError, match="is no range inside 30000 to 32767"):
        usable(NodePortRange(first=first, last=last))


def test_two_clusters_may_use_the_same_port(load: Callable[..., Registry], text: Callable[..., str]) -> None:
    mqtt = {"mode": "node_port", **{key: 30000 + number for number, key in enumerate(NODE_PORTS)}}
    registry = load({"acme": text(mqtt=mqtt), "globex": text("globex", mqtt=mqtt, cluster="west")})
    assert [tenant.mqtt.node_port for tenant in registry.tenants] == [30000, 30000]


def test_following_the_advice_of_the_messages_gives_every_tenant_its_ports(
    load: Callable[..., Registry], text: Callable[..., str]
) -> None:
    names = [f"tenant-{number}" for number in range(5)]
    ports: dict[str, dict[str, int]] = {name: {} for name in names}
    for name in names:
        files = {name: text(name, mqtt={"mode": "node_port", **ports[name]}) for name in names}
        with pytest.raises(UsageError) as refused:
            load(files)
        advice = next(problem.how for problem in refused.value.problems if f"{name}.yaml" in problem.where)
        free = [int(word.rstrip(",")) for word in advice.split() if word.rstrip(",").isdigit()]
        ports[name] = dict(zip(NODE_PORTS, free, strict=True))
    registry = load({name: text(name, mqtt={"mode": "node_port", **ports[name]}) for name in names})
    given_out = [
        port for tenant in registry.tenants for port in (getattr(tenant.mqtt, key) for key in NODE_PORTS)
    ]
    assert given_out == list(range(30000, 30020))
