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


def accepted_by_the_schema(files: list[Path]) -> list[Path]:
    """Return the files in which an independent validator finds nothing against the schema."""
    schema = str(ROOT / "tenants/schema.json")
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", schema, "-o", "json"]
    paths = [str(path) for path in files]
    run = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    report = json.loads(run.stdout)
    refused = {
        Path(error["filename"]) for kind in ("errors", "parse_errors") for error in report.get(kind, [])
    }
    assert run.returncode == (1 if refused else 0)
    return [path for path in files if path not in refused]


def test_a_second_validator_accepts_the_live_registry() -> None:
    right = sorted(ROOT.glob("tenants/registry/*/[!_]*.yaml"))
    assert len(right) >= 5
    assert accepted_by_the_schema(right) == right


def test_a_second_validator_refuses_every_wrong_field(golden: Callable[[Path, str], None]) -> None:
    wrong = sorted(CORPUS.glob("*/*/dev/[!_]*.yaml"))
    accepted = accepted_by_the_schema(wrong)
    assert [path for path in accepted if path.relative_to(CORPUS).parts[0] == "field"] == []
    # Rules between fields and between files are not in the schema, nor is the way a value is written.
    names = "".join(f"{path.relative_to(CORPUS)}\n" for path in accepted)
    golden(CORPUS / "accepted_by_the_schema.txt", names)
