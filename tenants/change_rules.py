"""What must not happen between two versions of the registry.

The table of the lifecycle, with everything that is not in it refused:

==================  =======================  ==================================================
from                to                       when
==================  =======================  ==================================================
(no file)           any state                the id was never removed before
active              suspended                always
suspended           active                   always
active, suspended   decommissioned           delete_after leaves at least the plan's retention
decommissioned      active, suspended        until delete_after, that day included
decommissioned      (removed, tombstone)     after delete_after
any                 (vanished)               never
==================  =======================  ==================================================
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tenants.errors import Problem
from tenants.models import NODE_PORTS, LifecycleState
from tenants.quantities import mebibytes
from tenants.removed import TOMBSTONES
from tenants.tenant import merged, options_with_room
from tenants.version import volumes_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tenants.models import TenantFile
    from tenants.version import Limits, Step, Version

_NAMED: Final = 10
"""So many tenants are named in one message; more would hide what it says."""


def added_problems(tenant_id: str, old: Version, new: Version) -> Iterator[Problem]:
    """Yield why a tenant must not appear."""
    if tenant_id in old.removed:
        yield Problem(
            where=new.where(tenant_id, "id"),
            what=f'the id "{tenant_id}" belonged to a tenant that was removed',
            why="backups, invoices and devices of the old customer still know the id",
            how="choose an id that was never used",
        )


def gone_problems(
    tenant_id: str, old: Version, new: Version, *, today: date, limits: Limits
) -> Iterator[Problem]:
    """Yield why a tenant's file must not be gone."""
    file = old.files[tenant_id]
    if tenant_id not in new.removed:
        heirs = [other for other, found in new.files.items() if found.customer_id == file.customer_id]
        yield Problem(
            where=new.where(tenant_id, "id" if heirs else ""),
            what=f'the id became "{heirs[0]}"' if heirs else "the file has vanished",
            why="the tenant's namespace and database are named by its id and would be deleted",
            how="bring the file back from git as it was; to end a tenant: iotistic tenant decommission",
        )
        return
    state, until = file.lifecycle.state, file.lifecycle.delete_after
    if state is not LifecycleState.DECOMMISSIONED or until is None:
        yield Problem(
            where=new.where(tenant_id),
            what=f"a tenant that was {state} is removed in one step",
            why="its data would be deleted with no time in which a mistake can be noticed",
            how=f"bring the file back, then: iotistic tenant decommission {tenant_id}",
        )
    elif today <= until and tenant_id not in limits.early_deletion:
        yield Problem(
            where=new.where(tenant_id),
            what=f"is removed, although its data is kept until {until} (today is {today})",
            why="the customer was told that the data can be brought back until then",
            how="keep the file until then; if the customer wants the data gone now: "
            f"{limits.early_option.format(id=tenant_id)}",
        )


def overall_problems(
    old: Version, new: Version, *, stopped: Sequence[str], limits: Limits
) -> Iterator[Problem]:
    """Yield what is refused about the change as a whole."""
    for tenant_id in sorted(old.removed - new.removed):
        yield Problem(
            where=f"{new.folder}/{TOMBSTONES}: removed",
            what=f'the entry of "{tenant_id}" is gone',
            why="the id could be used again, while backups, invoices and devices still know it",
            how="bring the entry back; the list only grows",
        )
    allowed = limits.allowed(len(old.files))
    if len(stopped) > allowed:
        names = ", ".join(stopped[:_NAMED]) + (", …" if len(stopped) > _NAMED else "")
        yield Problem(
            where=new.folder,
            what=f"{len(stopped)} of {len(old.files)} tenants stop at once, more than {allowed}: {names}",
            why="a bad merge or script would look exactly like this, and each of them is a customer cut off",
            how="do it in several changes, or say that it is meant: --max-stopped and --max-stopped-percent",
        )


def step_problems(step: Step, *, today: date, limits: Limits) -> Iterator[Problem]:
    """Yield why a tenant must not change in this way."""
    yield from _immutable_problems(step)
    yield from _move_problems(step)
    yield from _storage_problems(step)
    yield from _lifecycle_problems(step, today=today, limits=limits)
    yield from _port_problems(step)
    yield from _option_problems(step)
    yield from _epoch_problems(step)


_IMMUTABLE: Final = {
    "customer_id": (
        "usage and invoices would go to another customer's account",
        "a customer id belongs to a tenant for life; for another customer add another tenant",
    ),
    "cluster": (
        "the tenant would start empty in the new cluster, and its data would be deleted in the old one",
        "add a new tenant there, restore a backup into it, and decommission this one",
    ),
    "storage.storage_class": (
        "a volume cannot change its class: it would be deleted and made anew, empty",
        "add a new tenant with the class, restore a backup into it, and decommission this one",
    ),
    "database_version": (
        "another major version of PostgreSQL does not start on the files of this one",
        "add a new tenant with the version, restore a backup into it, and decommission this one",
    ),
}
"""Fields that never change, each with the harm and the way round it."""


def _immutable_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.files[step.id], step.new.files[step.id]
    for key, (why, how) in _IMMUTABLE.items():
        old, new = _value(before, key), _value(after, key)
        if old != new:
            yield Problem(
                where=step.new.where(step.id, key),
                what=f"never changes, but went from {_or_default(old)} to {_or_default(new)}",
                why=why,
                how=f"put {_or_default(old)} back; {how}",
            )


def _value(file: TenantFile, key: str) -> object:
    value: object = file
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _or_default(value: object) -> str:
    return "the environment's default" if value is None else f'"{value}"'


def _move_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.files[step.id], step.new.files[step.id]
    recorded = after.move is not None and after.move != before.move
    came_from = after.move.from_cell if after.move else None
    if before.cell != after.cell and not (recorded and came_from == before.cell):
        yield Problem(
            where=step.new.where(step.id, "cell"),
            what=f"went from {before.cell or 'no cell'} to {after.cell or 'no cell'} without a recorded move",
            why="the old cell's next run would delete the tenant with its data before the new one has it",
            how=f"put it back, then: iotistic tenant move {step.id} --cell {after.cell or before.cell}",
        )
    elif before.cell == after.cell and recorded:
        yield Problem(
            where=step.new.where(step.id, "move"),
            what="records a move, but the cell is the same as before",
            why="the tenant would be looked for in a cell where it never was",
            how=f"take the record out; to move the tenant: iotistic tenant move {step.id}",
        )


def _storage_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.storage(step.id), step.new.storage(step.id)
    for name in volumes_in_use(step.old, step.id):
        old, new = getattr(before, name), getattr(after, name)
        if mebibytes(new) < mebibytes(old):
            yield Problem(
                where=step.new.where(step.id, f"storage.{name}"),
                what=f"the volume would shrink from {old} to {new}",
                why="a volume cannot shrink: Kubernetes refuses it, or it is made anew and the data is gone",
                how=f'keep its size with storage.{name}: "{old}"',
            )


def _lifecycle_problems(step: Step, *, today: date, limits: Limits) -> Iterator[Problem]:
    before, after = step.old.files[step.id], step.new.files[step.id]
    old, new = before.lifecycle, after.lifecycle
    was_over, is_over = (one.state is LifecycleState.DECOMMISSIONED for one in (old, new))
    if was_over and not is_over and old.delete_after and today > old.delete_after:
        yield Problem(
            where=step.new.where(step.id, "lifecycle.state"),
            what=f"is brought back on {today}, after its data could be deleted ({old.delete_after})",
            why="the data may be gone in part, and the customer would meet an empty or broken tenant",
            how="leave it decommissioned; add a new tenant and restore the last backup into it",
        )
    if not is_over or not new.delete_after or not new.since or step.id in limits.early_deletion:
        return
    if was_over and old.delete_after:
        earliest, reason = old.delete_after, "the day that the customer was told"
    else:
        days = step.old.plans[before.plan].retention_days
        earliest, reason = new.since + timedelta(days=days), f"{days} days of the plan {before.plan}"
    if new.delete_after < earliest:
        yield Problem(
            where=step.new.where(step.id, "lifecycle.delete_after"),
            what=f"{new.delete_after} is earlier than {earliest} ({reason})",
            why="data would be deleted that the customer may still ask for",
            how=f'write "{earliest}"; if the customer wants it gone earlier: '
            f"{limits.early_option.format(id=step.id)}",
        )


def _port_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.files[step.id].mqtt, step.new.files[step.id].mqtt
    for name in NODE_PORTS:
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None and old != new:
            yield Problem(
                where=step.new.where(step.id, f"mqtt.{name}"),
                what=f"the port went from {old} to {new}",
                why="the customer's devices and people know the old one and would lose their connection",
                how=f"put {old} back",
            )


def _option_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.files[step.id], step.new.files[step.id]
    had = merged(step.old.plans[before.plan].options, before.options)
    room = options_with_room(after, step.new.plans[after.plan])
    for name in type(room).model_fields:
        if getattr(had, name) and not getattr(room, name):
            yield Problem(
                where=step.new.where(step.id, f"options.{name}"),
                what="is switched off by taking its line out",
                why="its room in the quota goes before its pods do, and what the same run starts would wait "
                "for ever",
                how="write false now, and take the line out in a later change",
            )


def _epoch_problems(step: Step) -> Iterator[Problem]:
    before, after = step.old.files[step.id].epochs, step.new.files[step.id].epochs
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if new < old:
            yield Problem(
                where=step.new.where(step.id, f"epochs.{name}"),
                what=f"went down from {old} to {new}",
                why="a secret that was replaced may be known to others; it would be valid again",
                how=f"put {old} back, or raise it to {old + 1} for a new secret",
            )
