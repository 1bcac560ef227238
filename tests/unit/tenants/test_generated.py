"""Generated files in git are exactly what the models say, and the tables say what they must."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from tenants import models, plans, removed
from tenants.generate import generated_files, plan_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tenants.plans import PlanTable

GENERATED = [
    "tenants/schema.json",
    "docs/reference/registry.md",
    "docs/reference/plans.md",
    "docs/reference/statuses.md",
]


@pytest.mark.parametrize("name", GENERATED)
def test_the_file_in_git_is_the_generated_one(
    name: str, root: Path, plans: PlanTable, golden: Callable[[Path, str], None]
) -> None:
    files = generated_files(plans)
    assert sorted(files) == sorted(GENERATED)
    golden(root / name, files[name])


@pytest.mark.parametrize("module", [models, plans, removed], ids=lambda module: module.__name__)
def test_every_field_has_a_title_and_a_description_and_every_model_is_closed_and_frozen(
    module: object,
) -> None:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__  # type: ignore[attr-defined]  # a module
    ]
    assert found
    for model in found:
        assert model.model_config.get("extra") == "forbid", model
        assert model.model_config.get("frozen") is True, model
        for name, field in model.model_fields.items():
            assert field.title, f"{model.__name__}.{name}"
            assert field.description, f"{model.__name__}.{name}"


def test_every_live_file_points_at_the_schema(root: Path) -> None:
    files = sorted(root.glob("tenants/registry/*/[!_]*.yaml"))
    assert len(files) >= 5
    for path in files:
        assert path.read_text(encoding="utf-8").startswith(
            "# yaml-language-server: $schema=../../schema.json\n"
        )


def test_the_plan_page_shows_prices_and_unlimited(plans: PlanTable) -> None:
    page = plan_reference(plans)
    assert "| Price a month | $29 | $99 | $499 |" in page
    assert "| Devices | 5 | 50 | unlimited |" in page
    assert "| Each further device | $5 | $4 | - |" in page
