"""What differs between two versions of the registry, and what of it must not happen.

A review sees lines of text. What counts is what they do to customers: who is new, who
is stopped, whose data moves or goes. So two versions are compared as registries, and
what would harm a customer is refused before anything runs (`tenants.change_rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tenants.change_rules import added_problems, gone_problems, overall_problems, step_problems
from tenants.models import LifecycleState
from tenants.version import Limits, Step, Version, volumes_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from pydantic import BaseModel

    from tenants.errors import Problem
    from tenants.models import TenantFile

__all__ = ["Change", "Comparison", "FieldChange", "Kind", "Limits", "Version", "compare"]


class Kind(StrEnum):
    """What happened to a tenant; where several things did, the weightiest."""

    ADDED = "added"
    CHANGED = "changed"
    MOVED = "moved"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    DECOMMISSIONED = "decommissioned"
    REVIVED = "revived"
    REMOVED = "removed"
    VANISHED = "vanished"


STOPPED: Final = frozenset({Kind.SUSPENDED, Kind.DECOMMISSIONED, Kind.REMOVED, Kind.VANISHED})
"""After these a customer is no longer served, so that only so many may happen at once."""

_SHOWN_WHEN_ADDED: Final = ("plan", "cluster", "cell", "ring")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One key with its two values.

    Attributes:
        key: Where it stands, such as ``storage.postgres``.
        old: Its value before, as JSON knows it, or None where there was none.
        new: Its value now, likewise.
        derived: Whether it follows from the plan and stands in no line of the tenant's file.
    """

    key: str
    old: Any
    new: Any
    derived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one tenant.

    Attributes:
        id: The tenant.
        kind: What happened.
        fields: Key by key.
        refusals: Why it must not happen; empty if it may.
    """

    id: str
    kind: Kind
    fields: tuple[FieldChange, ...]
    refusals: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The difference between two versions of the registry.

    Attributes:
        tenants: Each tenant to which something happened, by id.
        plans: What changed in the plan table.
        overall: Refusals that are about no single tenant.
    """

    tenants: tuple[Change, ...]
    plans: tuple[FieldChange, ...]
    overall: tuple[Problem, ...]

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """Everything that must not happen."""
        return (*(problem for change in self.tenants for problem in change.refusals), *self.overall)

    def count(self, kind: Kind) -> int:
        """Return to how many tenants this happened."""
        return sum(change.kind is kind for change in self.tenants)


def compare(old: Version, new: Version, *, today: date, limits: Limits | None = None) -> Comparison:
    """Compare two versions of an environment's registry.

    Args:
        old: The version that runs.
        new: The version that is to run.
        today: The day on which the change is judged, in UTC.
        limits: How much may happen at once; the defaults unless told.
    """
    limits = limits or Limits()
    changes = tuple(
        change
        for tenant_id in sorted({*old.files, *new.files})
        if (change := _change(tenant_id, old, new, today, limits))
    )
    stopped = [change.id for change in changes if change.kind in STOPPED]
    return Comparison(
        tenants=changes,
        plans=tuple(_differences(old.plans, new.plans)),
        overall=tuple(overall_problems(old, new, stopped=stopped, limits=limits)),
    )


def _change(tenant_id: str, old: Version, new: Version, today: date, limits: Limits) -> Change | None:
    before, after = old.files.get(tenant_id), new.files.get(tenant_id)
    if after is None:
        kind = Kind.REMOVED if tenant_id in new.removed else Kind.VANISHED
        refusals = tuple(gone_problems(tenant_id, old, new, today=today, limits=limits))
        return Change(id=tenant_id, kind=kind, fields=(), refusals=refusals)
    if before is None:
        values = flattened(after)
        shown = (FieldChange(key, None, values[key]) for key in _SHOWN_WHEN_ADDED if key in values)
        refusals = tuple(added_problems(tenant_id, old, new))
        return Change(id=tenant_id, kind=Kind.ADDED, fields=tuple(shown), refusals=refusals)
    step = Step(tenant_id, old, new)
    fields = (*_differences(before, after), *_derived(step))
    refusals = tuple(step_problems(step, today=today, limits=limits))
    if not fields and not refusals:
        return None
    return Change(id=tenant_id, kind=_kind(before, after), fields=fields, refusals=refusals)


def _kind(before: TenantFile, after: TenantFile) -> Kind:
    old, new = before.lifecycle.state, after.lifecycle.state
    if old is not new:
        if new is LifecycleState.DECOMMISSIONED:
            return Kind.DECOMMISSIONED
        if old is LifecycleState.DECOMMISSIONED:
            return Kind.REVIVED
        return Kind.SUSPENDED if new is LifecycleState.SUSPENDED else Kind.RESUMED
    return Kind.MOVED if before.cell != after.cell else Kind.CHANGED


def flattened(model: BaseModel) -> Mapping[str, Any]:
    """Return the values of a model as JSON knows them, by keys such as ``storage.postgres``."""
    return dict(_flat(model.model_dump(mode="json", exclude_none=True)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _differences(old: BaseModel, new: BaseModel) -> Iterator[FieldChange]:
    before, after = flattened(old), flattened(new)
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield FieldChange(key, before.get(key), after.get(key))


def _derived(step: Step) -> Iterator[FieldChange]:
    """Yield the volumes whose size changes because the plan or its table does."""
    before, after = step.old.storage(step.id), step.new.storage(step.id)
    written = step.old.files[step.id].storage, step.new.files[step.id].storage
    for name in volumes_in_use(step.new, step.id):
        sizes = getattr(before, name), getattr(after, name)
        if sizes[0] != sizes[1] and getattr(written[0], name) == getattr(written[1], name):
            yield FieldChange(f"storage.{name}", *sizes, derived=True)
