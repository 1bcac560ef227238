"""The lanes of the tests on the real node name modules that there are, and send nobody into two of them."""

from __future__ import annotations

import pytest

from ops.local.tools import ROOT
from tests.node.lanes import LANES, lane_of, place_of

NODE = ROOT / "tests" / "node"


def test_every_module_of_a_lane_exists_and_is_in_one_only() -> None:
    named = [module for modules in LANES.values() for module in modules]
    assert len(set(named)) == len(named)
    assert set(named) < {file.stem for file in NODE.glob("test_*.py")}


def test_a_test_has_the_lane_and_the_turn_of_its_module() -> None:
    lane, modules = next(iter(LANES.items()))
    for place, module in enumerate(modules):
        nodeid = f"{NODE.relative_to(ROOT)}/{module}.py::test_it[some::thing]"
        assert (lane_of(nodeid), place_of(nodeid)) == (lane, place)


@pytest.mark.parametrize("module", ["node/test_of_tomorrow.py", "cluster/test_namespaces.py"])
def test_what_is_in_no_lane_is_alone(module: str) -> None:
    assert (lane_of(f"tests/{module}::test_it"), place_of(f"tests/{module}::test_it")) == (None, 0)
