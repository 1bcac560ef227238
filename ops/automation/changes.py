"""What the engine would do to one object, as plain data that can be kept, sent on and shown."""

from __future__ import annotations

import enum
import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from ops.automation.redaction import HIDDEN, names_a_secret, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi.automation.events import StepEventMetadata, StepEventStateMetadata

_STEP_IN_A_PATH: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[]+)')
_OWN: Final = "iotistic:"
"""Beginning of the types of this program's components, which group objects and are none themselves."""
_STACK: Final = "pulumi:pulumi:Stack"


class Operation(enum.StrEnum):
    """What happens to an object, the gravest first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"


_OPERATIONS: Final = {
    "delete": Operation.DELETE,
    "discard": Operation.DELETE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "discard-replaced": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
    "update": Operation.UPDATE,
    "create": Operation.CREATE,
    "import": Operation.CREATE,
}
"""The engine's words. The others (same, read, refresh) change nothing."""


class FieldChange(BaseModel):
    """One property that differs.

    Attributes:
        path: Where it is in the object: ``spec.replicas``.
        before: Its value before, secrets hidden; empty where it was not set.
        after: Its value after.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    before: str
    after: str


class Change(BaseModel):
    """What happens to one object.

    Attributes:
        operation: What is done.
        kind: Its kind: ``Deployment``, or the last part of a cloud's type.
        name: Where it is: ``customer-acme/api``, or what the program calls it.
        fields: What differs, for an update and a replacement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: Operation
    kind: str
    name: str
    fields: tuple[FieldChange, ...] = ()


def changes_of(steps: Iterable[StepEventMetadata]) -> tuple[Change, ...]:
    """Return what the engine's steps change, the gravest first, each object once."""
    found: dict[str, Change] = {}
    for step in steps:
        operation = _OPERATIONS.get(step.op.value)
        if operation is None or step.type == _STACK or step.type.startswith(_OWN):
            continue
        former = found.get(step.urn)
        change = _change(step, operation)
        if former is None or (former.operation is operation and len(change.fields) > len(former.fields)):
            found[step.urn] = change
        elif former.operation is not operation:
            # Deleted and created under one name: the object as it was is gone.
            fields = max(former.fields, change.fields, key=len)
            found[step.urn] = change.model_copy(update={"operation": Operation.REPLACE, "fields": fields})
    order = list(Operation)
    return tuple(sorted(found.values(), key=lambda one: (order.index(one.operation), one.name, one.kind)))


def _change(step: StepEventMetadata, operation: Operation) -> Change:
    state = step.new or step.old
    kind = step.type.rpartition(":")[2]
    fields: tuple[FieldChange, ...] = ()
    if operation in {Operation.UPDATE, Operation.REPLACE}:
        secret = kind == "Secret"
        fields = tuple(_field(path, step, secret=secret) for path in _paths(step))
    return Change(operation=operation, kind=kind, name=object_name(step.urn, state), fields=fields)


def object_name(urn: str, state: StepEventStateMetadata | None) -> str:
    """Return ``<namespace>/<name>`` of a Kubernetes object, else what the program calls it."""
    for properties in (state.inputs, state.outputs) if state else ():
        metadata = (properties or {}).get("metadata")
        if isinstance(metadata, dict) and "name" in metadata:
            return (
                f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
            )
    return urn.rpartition("::")[2]


def _paths(step: StepEventMetadata) -> list[str]:
    """Return the paths of what differs, without what the provider only adds for itself."""
    paths = list(step.detailed_diff or step.diffs or ())
    return sorted(path for path in paths if not path.startswith("__"))


def _field(path: str, step: StepEventMetadata, *, secret: bool) -> FieldChange:
    before, after = _values(step, path)
    if secret or names_a_secret(path):
        before, after = (HIDDEN if text else "" for text in (before, after))
    return FieldChange(path=path, before=before, after=after)


def _values(step: StepEventMetadata, path: str) -> tuple[str, str]:
    """Return a property before and after: as declared where that differs, else as it is in the cluster."""
    before = after = None
    for side in ("inputs", "outputs"):
        before, after = (look_up(getattr(state, side, None) or {}, path) for state in (step.old, step.new))
        if before != after:
            break
    return _text(before), _text(after)


def _text(value: object) -> str:
    if value is None:
        return ""
    return redact(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def look_up(properties: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - properties are of any kind
    """Return the property at a path as the engine writes it, or None."""
    value: Any = properties
    for quoted, index, plain in _STEP_IN_A_PATH.findall(path):
        if index and isinstance(value, list):
            value = value[int(index)] if int(index) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(plain or quoted.replace('\\"', '"'))
        else:
            return None
    return value
