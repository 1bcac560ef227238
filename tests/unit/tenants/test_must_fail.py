"""Every wrong registry of tests/must_fail/ is refused, with exactly the words written beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenants.errors import UsageError
from tenants.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.facts import EnvironmentFacts
    from tenants.plans import PlanTable

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests/must_fail/registry"
CASES = sorted(path.parent for path in CORPUS.glob("*/*/dev"))


def test_the_corpus_is_complete() -> None:
    assert len(CASES) >= 200
    assert {case.parent.name for case in CASES} == {"yaml", "field", "file", "registry"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_is_refused_with_its_message(
    case: Path,
    plans: PlanTable,
    facts: EnvironmentFacts,
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(case)
    with pytest.raises(UsageError) as refused:
        load_registry(Path(), environment="dev", plans=plans, facts=facts)
    problems = refused.value.problems
    for problem in problems:
        assert problem.where.startswith(("dev", "cluster", "ring"))
        assert all((problem.what, problem.why, problem.how))
        assert str(problem).replace("\n", "").isprintable()
    golden(case / "expected.txt", f"{refused.value}\n")


def test_a_second_validator_refuses_the_wrong_fields_and_accepts_the_live_registry() -> None:
    wrong = sorted(CORPUS.glob("field/*/dev/acme.yaml"))
    right = sorted(ROOT.glob("tenants/registry/*/[!_]*.yaml"))
    assert right
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--schemafile",
        str(ROOT / "tenants/schema.json"),
        "-o",
        "json",
    ]
    paths = [str(path) for path in wrong]
    refused = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    report = json.loads(refused.stdout)
    named = {Path(error["filename"]) for kind in ("errors", "parse_errors") for error in report[kind]}
    assert set(wrong) - named == set()
    paths = [str(path) for path in right]
    accepted = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stdout
