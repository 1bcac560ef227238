"""The working copy of the registry: where its files are, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.known import require_known
from ops.stack_config import committed_config
from tenants.errors import Problem, UsageError
from tenants.plans import load_plans
from tenants.registry import AS_WRITTEN, EnvironmentFacts, Registry, check_tenant, load_registry
from tenants.removed import TOMBSTONES
from tenants.version import Version
from tenants.yaml_source import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.plans import PlanTable
    from tenants.registry_rules import Loaded
    from tenants.tenant import Tenant

ROOT: Final = Path(__file__).resolve().parent.parent
PLANS: Final = "tenants/plans.yaml"
REGISTRY: Final = "tenants/registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The registry of one environment in a working copy.

    Attributes:
        root: The project's folder.
        environment: Name of the environment, which is the name of its folder too.
        facts: What the files are checked against.
        plans: The plan table.
    """

    root: Path
    environment: str
    facts: EnvironmentFacts
    plans: PlanTable

    @classmethod
    def open(cls, environment: str, *, root: Path | None = None) -> Workspace:
        """Open an environment by the name of its stack.

        Raises:
            UsageError: There is no such environment, or the plan table is refused.
        """
        root = root or ROOT
        config = committed_config(environment, root=root)
        return cls(
            root=root,
            environment=config["iotistic:environment"],
            facts=EnvironmentFacts(domain=config["iotistic:domain"]),
            plans=load_plans(root / PLANS),
        )

    @property
    def folder(self) -> str:
        """The environment's folder, from the root of the project."""
        return f"{REGISTRY}/{self.environment}"

    @property
    def lock(self) -> Path:
        """The file that keeps two editors apart; in the ignored folder, not in the registry."""
        return self.root / ".local" / f"registry-{self.environment}.lock"

    @property
    def secrets(self) -> Path:
        """Where a dev environment keeps its keys."""
        return self.root / ".local" / self.environment / "secrets"

    @property
    def tombstones(self) -> Path:
        """The list of the tenants that were removed, there or not."""
        return self.root / self.folder / TOMBSTONES

    def path(self, tenant_id: str) -> Path:
        """Return a tenant's file."""
        return self.root / self.folder / f"{tenant_id}.yaml"

    def paths(self) -> list[Path]:
        """Return the tenants' files that are there, read or not."""
        return sorted((self.root / self.folder).glob("[!_.]*.yaml"))

    def registry(self, instead: Mapping[Path, bytes | None] = AS_WRITTEN) -> Registry:
        """Return the registry, with some files' contents replaced, or as if they were gone.

        Raises:
            UsageError: With every problem of every file.
        """
        return load_registry(
            self.root / REGISTRY,
            environment=self.environment,
            plans=self.plans,
            facts=self.facts,
            instead=instead,
        )

    def registry_one_by_one(self) -> Registry:
        """Return the registry with each file checked by itself, not against the others.

        Raises:
            UsageError: With every problem of every file.
        """
        problems: list[Problem] = []
        loaded: list[Loaded] = []
        for path in self.paths():
            try:
                document = read_document(path)
                loaded.append(
                    check_tenant(document, stem=path.stem, environment=self.environment, plans=self.plans)
                )
            except UsageError as error:
                problems += error.problems
        if problems:
            raise UsageError(problems)
        return Registry(
            environment=self.environment,
            tenants=tuple(entry.tenant for entry in loaded),
            removed=frozenset(),
            files={entry.tenant.id: entry.file for entry in loaded},
        )

    def version(self, registry: Registry) -> Version:
        """Return a registry as one side of a comparison."""
        return Version(folder=self.folder, plans=self.plans, files=registry.files, removed=registry.removed)


def tenant_of(registry: Registry, tenant_id: str) -> Tenant:
    """Return a tenant by its id.

    Raises:
        UsageError: There is none, with the id that was probably meant.
    """
    found = {tenant.id: tenant for tenant in registry.tenants}
    require_known(
        "tenant",
        tenant_id,
        list(found),
        where=f"{REGISTRY}/{registry.environment}",
        why="another tenant must not be taken for it",
    )
    return found[tenant_id]
