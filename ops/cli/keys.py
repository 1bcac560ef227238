"""``KEY=VALUE`` on the command line, turned into values of a tenant's file by their types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from pydantic import BaseModel

from tenants.errors import Problem, UsageError
from tenants.models import TenantFile
from tenants.validation import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tenants.splice import Value

_OTHER_COMMANDS: Final = {
    "schema_version": "is written once, when the file is made",
    "id": "never changes; add a new tenant and decommission this one",
    "lifecycle": "use iotistic tenant suspend, resume, decommission or revive",
    "cell": "use iotistic tenant move",
    "move": "use iotistic tenant move",
}


def assignments(texts: Iterable[str], unset: Iterable[str] = ()) -> dict[tuple[str, ...], Value | None]:
    """Return what ``KEY=VALUE`` and keys to take out mean.

    Raises:
        UsageError: Everything that is no such text, names no key or has a value of another kind.
    """
    problems: list[Problem] = []
    changes: dict[tuple[str, ...], Value | None] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            if not equals:
                raise _refused(text, "is not KEY=VALUE", "nobody can tell what to set", "plan=professional")
            keys, kind = _field(name)
            changes[keys] = _typed(name, value, kind)
        except UsageError as error:
            problems += error.problems
    for name in unset:
        try:
            changes[_field(name)[0]] = None
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    return changes


def nested(values: Mapping[tuple[str, ...], Value | None]) -> dict[str, Value]:
    """Return values by key path as groups of keys, in the order of the schema."""
    result: dict[str, Any] = dict.fromkeys(TenantFile.model_fields)
    for keys, value in values.items():
        group = result
        for key in keys[:-1]:
            group[key] = group = group.get(key) or {}
        group[keys[-1]] = value
    return {key: value for key, value in result.items() if value is not None}


def _refused(where: str, what: str, why: str, how: str) -> UsageError:
    return UsageError.of(where=where, what=what, why=why, how=how)


def _field(name: str) -> tuple[tuple[str, ...], Any]:
    """Return the path of a key such as ``storage.postgres``, and its type."""
    keys = tuple(name.split("."))
    if keys[0] in _OTHER_COMMANDS:
        raise _refused(
            name,
            "cannot be set like other keys",
            "more than one line belongs to it",
            _OTHER_COMMANDS[keys[0]],
        )
    here: Any = TenantFile
    for depth, key in enumerate(keys):
        model = next((part for part in _parts(here) if _is_model(part)), None)
        known = sorted(model.model_fields) if model else []
        if key not in known:
            outer = ".".join(keys[:depth]) or "a tenant"
            raise _refused(
                name,
                f'{outer} has no key "{key}"',
                "it would be ignored, and whoever wrote it would believe it works",
                f"{did_you_mean(key, known)}known keys: {', '.join(known) or 'none'}",
            )
        here = model.model_fields[key].annotation if model else None
    if model := next((part for part in _parts(here) if _is_model(part)), None):
        inner = ", ".join(f"{name}.{key}" for key in model.model_fields)
        raise _refused(name, "is a group of keys", "one value cannot stand for all", f"name one: {inner}")
    return keys, here


def _is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _parts(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - any type expression
    """Yield the plain types inside ``Annotated[int, …] | None`` and the like."""
    if get_origin(annotation) is tuple:
        yield tuple
    elif arguments := get_args(annotation):
        for part in arguments:
            yield from _parts(part)
    else:
        yield annotation


def _typed(name: str, text: str, annotation: Any) -> Value:  # noqa: ANN401 - any type expression
    parts = list(_parts(annotation))
    if tuple in parts:
        return [item for item in (part.strip() for part in text.split(",")) if item]
    if bool in parts:
        if text not in {"true", "false"}:
            raise _refused(
                name, f'"{text}" is neither true nor false', "a guess could be wrong", "true or false"
            )
        return bool(json.loads(text))
    if int in parts:
        if not text.isascii() or not text.isdecimal():
            raise _refused(name, f'"{text}" is not a whole number', "a guess could be wrong", "plain digits")
        return int(text)
    return text
