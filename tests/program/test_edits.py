"""What an edit touches: the page that lists it, and what holds for every row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import holds_data
from tests.program.edits import CUSTOMER, Effect, effects, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "edits.md"

MUTABLE = {"StatefulSet": {"replicas", "template"}, "PersistentVolumeClaim": {"resources"}}
"""What the API server lets change of what holds data."""


@pytest.fixture(scope="module")
def found(config: dict[str, str], licence_private_key: str, next_licence_private_key: str) -> list[Effect]:
    keys = {"1": licence_private_key, "2": next_licence_private_key}
    return effects({**config, "licencePrivateKeys": json.dumps(keys)})


def test_the_page_is_generated_from_exactly_what_each_edit_touches(
    found: list[Effect], golden: Callable[[Path, str], None]
) -> None:
    assert len(found) > 30
    golden(PAGE, page(found))


def test_an_edit_of_one_customers_file_touches_nobody_else(found: list[Effect]) -> None:
    for effect in found:
        if not effect.edit.config:
            assert {customer for customer, _ in effect.touched} <= {CUSTOMER}, effect.edit.what


def test_a_licence_rolls_the_api_and_nothing_else(found: list[Effect]) -> None:
    rolled = {effect.edit.what: effect.pods for effect in found if "licence" in effect.edit.what}
    assert len(rolled) == 3
    assert set(map(tuple, rolled.values())) == {("api restarts",)}


def test_what_holds_data_is_changed_where_it_is_and_never_made_anew(found: list[Effect]) -> None:
    kinds = set()
    for effect in found:
        for difference in effect.touched.values():
            kind = difference.manifest["kind"]
            if kind not in MUTABLE or difference.before is None:
                continue
            if difference.after is None:
                assert not holds_data(difference.manifest), effect.edit.what
                continue
            before, after = difference.before["spec"], difference.after["spec"]
            changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
            assert changed <= MUTABLE[kind], effect.edit.what
            kinds |= {kind} if changed else set()
    assert kinds == set(MUTABLE), "edits that touch neither show nothing"


def test_the_engine_is_told_of_nothing_else_either(
    run_program: Callable[..., Run], config: dict[str, str], registry: Path
) -> None:
    before = declared(run_program(config))
    file = registry / f"{CUSTOMER}.yaml"
    more = "epochs:\n  database: 2\n  mqtt: 2\n  jwt: 2\n  admin: 2\n  backup: 2\n"
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    after = declared(run_program(config))
    assert set(after) == set(before)
    assert {name for _, name in before if before[_, name] != after[_, name]} == {
        f"{CUSTOMER}-{rest}"
        for rest in (
            "secret-database",
            "secret-api",
            "secret-backup",
            "stateful-set-postgres",
            "stateful-set-mosquitto",
            "deployment-api",
            "job-settle",
            # Its pods read the former password beside the new one.
            "cron-job-backup",
        )
    }


def declared(run: Run) -> dict[tuple[str, str], object]:
    return {(resource.typ, resource.name): resource.inputs for resource in run.engine.declared}
