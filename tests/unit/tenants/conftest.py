"""What the tests of the registry share: the real plan table, and small registries on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tenants.facts import EnvironmentFacts
from tenants.plans import PlanTable, load_plans
from tenants.registry import Registry, load_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.tenant import Tenant

settings.register_profile("steady", deadline=None, derandomize=True)  # a busy machine is no failure
settings.load_profile("steady")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def plans() -> PlanTable:
    return load_plans(ROOT / "tenants/plans.yaml")


@pytest.fixture(scope="session")
def facts() -> EnvironmentFacts:
    return EnvironmentFacts(domain="iotistic.example", tenants_per_cell=3)


@pytest.fixture(scope="session")
def golden() -> Callable[[Path, str], None]:
    """Compare a text with the file that holds it, or write the file if UPDATE_GOLDEN=1 says so."""

    def compare(path: Path, text: str) -> None:
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 writes it anew"

    return compare


@pytest.fixture
def load(tmp_path: Path, plans: PlanTable, facts: EnvironmentFacts) -> Callable[..., Registry]:
    """Write tenant files, by id, and load them as one environment."""

    def write_and_load(
        files: dict[str, str], *, facts: EnvironmentFacts = facts, environment: str = "dev"
    ) -> Registry:
        folder = tmp_path / environment
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_registry(tmp_path, environment=environment, plans=plans, facts=facts)

    return write_and_load


@pytest.fixture(scope="session")
def text() -> Callable[..., str]:
    """Return the text of a tenant's file: a paying starter, with the fields given instead or added.

    JSON is YAML, so a field may be given as any plain value.
    """

    def write(tenant_id: str = "acme", **fields: Any) -> str:  # noqa: ANN401  # any field of a file
        values: dict[str, Any] = {
            "schema_version": 1,
            "id": tenant_id,
            "customer_id": f"cust_{hashlib.sha256(tenant_id.encode()).hexdigest()[:32]}",
            "company_name": "Acme Workshop",
            "contact_email": "it@acme.example",
            "plan": "starter",
            "created": "2026-11-02",
            "subscription": {"status": "active", "current_period_end": "2026-12-31"},
            **fields,
        }
        return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())

    return write


@pytest.fixture
def tenant(load: Callable[..., Registry], text: Callable[..., str]) -> Callable[..., Tenant]:
    """Return the tenant that a file with the given fields describes."""

    def make(tenant_id: str = "acme", **fields: Any) -> Tenant:  # noqa: ANN401  # any field of a file
        (only,) = load({tenant_id: text(tenant_id, **fields)}).tenants
        return only

    return make
