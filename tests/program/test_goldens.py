"""Every object of the dev environment's customers, as YAML that a person can review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import manifests
from tenants.sizing import OPTIONAL
from tests.program.instances import as_yaml, instance_of, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent.parent / "golden" / "dev"


@pytest.mark.parametrize("tenant_id", ["acme", "globex", "initech"])
def test_objects_are_those_in_the_golden_file(tenant_id: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{tenant_id}.yaml", as_yaml(manifests(instance_of(tenant_id))))


def test_objects_with_every_option_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "initech-with-every-option.yaml", as_yaml(manifests(with_options("initech", *OPTIONAL))))
