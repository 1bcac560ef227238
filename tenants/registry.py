"""Load all tenants of an environment, or say everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tenants.errors import Problem, UsageError
from tenants.facts import EnvironmentFacts
from tenants.file_rules import file_problems, id_problems
from tenants.models import TenantFile
from tenants.registry_rules import Loaded, registry_problems
from tenants.removed import TOMBSTONES, removed_ids
from tenants.tenant import Tenant, resolve
from tenants.validation import did_you_mean, validate
from tenants.yaml_source import Document, parse_document, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tenants.plans import PlanTable

__all__ = ["EnvironmentFacts", "Registry", "check_tenant", "load_registry"]

AS_WRITTEN: Final[Mapping[Path, bytes | None]] = MappingProxyType({})
"""No file is replaced: the registry as it stands on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All tenants of one environment, checked one by one and together.

    Attributes:
        environment: Its name.
        tenants: Sorted by id.
        removed: Ids of tenants that were deleted on purpose; none of them is ever used again.
        files: What the tenants were derived from, by id.
    """

    environment: str
    tenants: tuple[Tenant, ...]
    removed: frozenset[str]
    files: Mapping[str, TenantFile] = field(default_factory=dict)


def load_registry(
    directory: Path,
    *,
    environment: str,
    plans: PlanTable,
    facts: EnvironmentFacts,
    instead: Mapping[Path, bytes | None] = AS_WRITTEN,
) -> Registry:
    """Load the tenants of an environment.

    Args:
        directory: Holds one folder for each environment, and in it one file for each tenant.
        environment: Name of the folder.
        plans: The plan table.
        facts: What the files are checked against.
        instead: Contents to read in place of what a file holds, or of a file that does not
            exist yet; None for a file that is to be gone. So an edit is checked before it is written.

    Raises:
        UsageError: Every problem of every file, and of all of them together.
    """
    folder = directory / environment
    problems: list[Problem] = []
    loaded: list[Loaded] = []
    removed: frozenset[str] = frozenset()
    for path in _files(directory, folder, instead):
        try:
            changed = instead.get(path)
            document = read_document(path) if changed is None else parse_document(changed, str(path))
            if path.name == TOMBSTONES:
                removed = removed_ids(document)
            else:
                loaded.append(check_tenant(document, stem=path.stem, environment=environment, plans=plans))
        except UsageError as error:
            problems += error.problems
    problems += registry_problems(loaded, removed=removed, facts=facts, complete=not problems)
    if problems:
        raise UsageError(sorted(problems, key=_reading_order))
    loaded.sort(key=lambda entry: entry.tenant.id)
    return Registry(
        environment=environment,
        tenants=tuple(entry.tenant for entry in loaded),
        removed=removed,
        files={entry.tenant.id: entry.file for entry in loaded},
    )


def check_tenant(document: Document, *, stem: str, environment: str, plans: PlanTable) -> Loaded:
    """Check one tenant's file by itself and derive the tenant.

    Args:
        document: The file's content.
        stem: The file's name without ``.yaml``, which the id must equal.
        environment: The environment it stands in.
        plans: The plan table.

    Raises:
        UsageError: Everything that is wrong with the file.
    """
    problems = list(id_problems(document, stem=stem))
    try:
        file = validate(TenantFile, document)
    except UsageError as error:
        raise UsageError([*problems, *error.problems]) from error
    plan = plans[file.plan]
    problems += file_problems(file, plan, document)
    if problems:
        raise UsageError(problems)
    return Loaded(resolve(file, environment=environment, plan=plan), file, document)


def _reading_order(problem: Problem) -> tuple[str, int, Problem]:
    """Return the place of a problem in the order in which its reader goes through the files."""
    path, _, rest = problem.where.partition(":")
    line = rest.partition(":")[0]
    return path, int(line) if line.isdigit() else 0, problem


def _files(directory: Path, folder: Path, instead: Mapping[Path, bytes | None]) -> list[Path]:
    """Return the files of an environment: its tenants', and its tombstones' if there is one.

    Raises:
        UsageError: The folder is not there, holds no tenant, or holds what would be overlooked.
    """
    why = (
        "an empty registry would mean that every tenant is gone; nothing is deleted because files are missing"
    )
    how = "check the environment's name and the folder, or restore the files from git"
    if folder.parent != directory or folder.name in {"", "..", "."}:
        what = f'"{folder.name}" is not the name of an environment'
        raise UsageError.of(where=str(directory), what=what, why=why, how=how)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        known = sorted(path.name for path in directory.glob("*") if path.is_dir())
        raise UsageError.of(
            where=str(folder),
            what=f"the environment's folder cannot be read: {(error.strerror or str(error)).lower()}",
            why=why,
            how=f"{did_you_mean(folder.name, known)}known environments: {', '.join(known) or 'none'}; {how}",
        ) from error
    visible = [path for path in entries if not path.name.startswith(".")]
    if overlooked := [
        path for path in visible if path.suffix.lower() in {".yml", ".yaml"} and path.suffix != ".yaml"
    ]:
        raise UsageError(
            Problem(
                where=str(path),
                what=f"the file ends in {path.suffix}",
                why="it would be overlooked, and its tenant would look like one that was removed",
                how=f"rename it to {path.stem}.yaml",
            )
            for path in overlooked
        )
    wanted = {path for path in visible if path.suffix == ".yaml"}
    wanted = wanted - instead.keys() | {path for path, content in instead.items() if content is not None}
    files = sorted(path for path in wanted if not path.name.startswith("_"))
    if not files:
        raise UsageError.of(where=str(folder), what="there is no tenant file", why=why, how=how)
    return files + [path for path in wanted if path.name == TOMBSTONES]
