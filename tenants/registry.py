"""Load all tenants of an environment, or say everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.errors import Problem, UsageError
from tenants.facts import EnvironmentFacts
from tenants.models import TenantFile
from tenants.removed import TOMBSTONES, load_tombstones
from tenants.rules import Loaded, registry_problems, tenant_problems
from tenants.tenant import Tenant, resolve
from tenants.validation import validate
from tenants.yaml_source import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.plans import PlanTable

__all__ = ["EnvironmentFacts", "Registry", "load_registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All tenants of one environment, checked one by one and together.

    Attributes:
        environment: Its name.
        tenants: Sorted by id.
        removed: Ids of tenants that were deleted on purpose; none of them is ever used again.
    """

    environment: str
    tenants: tuple[Tenant, ...]
    removed: frozenset[str]


def load_registry(
    directory: Path, *, environment: str, plans: PlanTable, facts: EnvironmentFacts
) -> Registry:
    """Load the tenants of an environment.

    Args:
        directory: Holds one folder for each environment, and in it one file for each tenant.
        environment: Name of the folder.
        plans: The plan table.
        facts: What the files are checked against.

    Raises:
        UsageError: Every problem of every file, and of all of them together.
    """
    folder = directory / environment
    problems: list[Problem] = []
    loaded: list[Loaded] = []
    for path in _files(folder):
        try:
            loaded.append(_load(path, environment, plans))
        except UsageError as error:
            problems += error.problems
    removed: frozenset[str] = frozenset()
    try:
        removed = load_tombstones(folder / TOMBSTONES)
    except UsageError as error:
        problems += error.problems
    problems += registry_problems(loaded, removed=removed, facts=facts)
    if problems:
        raise UsageError(sorted(problems))
    tenants = sorted((entry.tenant for entry in loaded), key=lambda tenant: tenant.id)
    return Registry(environment=environment, tenants=tuple(tenants), removed=removed)


def _load(path: Path, environment: str, plans: PlanTable) -> Loaded:
    document = read_document(path)
    file = validate(TenantFile, document)
    plan = plans[file.plan]
    if problems := tenant_problems(file, plan, document, stem=path.stem):
        raise UsageError(problems)
    return Loaded(resolve(file, environment=environment, plan=plan), document)


def _files(folder: Path) -> list[Path]:
    """Return the tenant files of a folder; an environment without any is refused."""
    why = (
        "an empty registry would mean that every tenant is gone; nothing is deleted because files are missing"
    )
    how = "check the environment's name and the folder; restore the files from git"
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        what = f"the environment's folder cannot be read: {(error.strerror or str(error)).lower()}"
        raise UsageError.of(where=str(folder), what=what, why=why, how=how) from error
    files = [path for path in entries if path.suffix == ".yaml" and not path.name.startswith(("_", "."))]
    if not files:
        raise UsageError.of(where=str(folder), what="there is no tenant file", why=why, how=how)
    return files
