"""A random edit is refused, or changes what it names and nothing else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cli.keys import assignments
from ops.workspace import Workspace
from tenants.changes import compare
from tenants.editing import edit
from tenants.errors import UsageError
from tenants.models import TenantFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Project

GROUPS = ("trial", "subscription", "mqtt", "options", "storage", "epochs", "backup")
KEYS = [name for name in TenantFile.model_fields if name not in {*GROUPS, "resources", "lifecycle"}] + [
    f"{group}.{name}"
    for group in GROUPS
    for name in next(
        part
        for part in (
            TenantFile.model_fields[group].annotation,
            *getattr(TenantFile.model_fields[group].annotation, "__args__", ()),
        )
        if hasattr(part, "model_fields")
    ).model_fields
]
VALUES = st.sampled_from(
    [
        *(
            "starter",
            "professional",
            "enterprise",
            "true",
            "false",
            "1",
            "2",
            "30000",
            "15",
            "16",
            "5Gi",
            "80Gi",
        ),
        *(
            "2027-01-01",
            "2026-13-01",
            "active",
            "canceled",
            "canary",
            "early",
            "node_port",
            "dedicated",
            "shared",
        ),
        *(
            "a.example",
            "a.example,b.example",
            "1.2.3",
            "0 2 * * *",
            "no",
            "null",
            "~",
            "",
            "x: y",
            "# z",
            "'",
            "ß",
        ),
    ]
)


@pytest.fixture
def attempt(project: Project) -> Callable[[dict[str, str | None]], set[str] | None]:
    """Return which keys an edit changed, or None if it was refused."""
    workspace = Workspace.open("dev", root=project.root)
    before = workspace.registry()
    path = workspace.path("acme")

    def run(values: dict[str, str | None]) -> set[str] | None:
        try:
            named = assignments(
                (f"{key}={value}" for key, value in values.items() if value is not None),
                (key for key, value in values.items() if value is None),
            )
            after = workspace.registry({path: edit(path, named).after})
        except UsageError:
            return None
        comparison = compare(workspace.version(before), workspace.version(after), today=date(2026, 11, 23))
        assert {change.id for change in comparison.tenants} <= {"acme"}
        if comparison.refusals:
            return None
        return {field.key for change in comparison.tenants for field in change.fields if not field.derived}

    return run


def test_a_random_edit(attempt: Callable[[dict[str, str | None]], set[str] | None]) -> None:
    outcomes = {"refused": 0, "changed": 0}

    @given(st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), VALUES), min_size=1, max_size=3))
    def run(values: dict[str, str | None]) -> None:
        changed = attempt(values)
        outcomes["refused" if changed is None else "changed"] += 1
        assert changed is None or changed <= {*values}

    run()
    assert min(outcomes.values()) > 0, outcomes


def test_an_edit_that_is_right_is_not_refused(
    attempt: Callable[[dict[str, str | None]], set[str] | None],
) -> None:
    assert attempt({"plan": "professional", "notes": "x: y", "ring": "early"}) == {"plan", "notes", "ring"}
