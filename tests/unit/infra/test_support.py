"""The end of support of a version of Kubernetes, by order and by the day."""

from __future__ import annotations

from datetime import date

import pytest

from infra.clusters.cloud_settings import CLOUDS
from infra.clusters.support import Support, load_support

SOME = Support("aks", {"1.9": date(2026, 1, 31), "1.10": date(2026, 5, 31), "1.11": date(2026, 9, 30)})


@pytest.mark.parametrize("version", ["1.10", "1.11", "1.11.3"])
def test_the_two_newest_need_no_word(version: str) -> None:
    assert SOME.warning(version) is None


def test_an_older_one_is_a_warning_with_its_day_and_the_way_out() -> None:
    warning = SOME.warning("1.9.8")
    assert warning is not None
    assert "1.9 on aks is supported until 2026-01-31" in warning
    assert "1.11 is there" in warning
    assert "iotistic:cloud.kubernetesVersion" in warning


def test_one_that_nobody_looked_up_is_a_warning_with_a_hint() -> None:
    warning = SOME.warning("1.12")
    assert warning is not None
    assert "complete kubernetes_support in versions.yaml" in warning


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_table_goes_up_in_versions_and_days(cloud: str) -> None:
    ends = list(load_support(cloud).ends.values())
    assert len(ends) > 2
    assert ends == sorted(set(ends))
