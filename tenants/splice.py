"""Change single values of a YAML text and leave every other character as it is.

A file that people edit has their comments, their order and their way of writing. A
program that loads and dumps it makes all of that its own. So only the places of the
values are taken from the YAML library, and the text is changed there and nowhere else.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from tenants.errors import UsageError
from tenants.yaml_source import dotted, parse_document

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

    from tenants.yaml_source import KeyPath

Value = str | int | bool | Sequence[str] | Mapping[str, Any]
Changes = Mapping[tuple[str, ...], Value | None]
"""New values by key path; None takes the key out, and its group too if nothing is left in it."""

_INDENT: Final = 2
_BLOCK_SCALARS: Final = frozenset({"|", ">"})


def spliced(content: bytes, name: str, changes: Changes, *, order: Sequence[str]) -> bytes:
    """Return the content of a file with some values changed.

    Args:
        content: The file as it is.
        name: How messages call it.
        changes: What to change.
        order: The order of the keys at the top; a new key goes after those that precede it.

    Raises:
        UsageError: The file is not in the strict form, before or after, or is written in a way
            in which the place of a value cannot be told for sure.
    """
    wanted = parse_document(content, name).data
    text = content.decode()
    for keys, value in changes.items():
        if _value_at(wanted, keys) == value and type(_value_at(wanted, keys)) is type(value):
            continue
        wanted = _with(wanted, keys, value)
        text = _removed(text, keys) if value is None else _set(text, keys, value, order)
        result = parse_document(text.encode(), name)
        if result.data != wanted:
            raise UsageError.of(
                where=f"{name}: {dotted(keys)}",
                what="the file is written in a way that only a person can edit safely",
                why="another value than the one named would change with it",
                how="edit the file by hand, one `key: value` a line",
            )
    return text.encode()


def rendered(values: Mapping[str, Value]) -> str:
    """Return a whole mapping as YAML: every text in quotes, lists and groups one entry a line."""
    return "".join(f"{line}\n" for key, value in values.items() for line in _lines(key, value))


def _value_at(data: Mapping[str, Any], keys: KeyPath) -> Any:  # noqa: ANN401  # any YAML value
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _with(data: dict[str, Any], keys: KeyPath, value: Value | None) -> dict[str, Any]:
    """Return a copy of the data with one value changed."""
    data = copy.deepcopy(data)
    groups = [data]
    for key in keys[:-1]:
        inner = groups[-1].get(str(key))
        groups[-1][str(key)] = inner = inner if isinstance(inner, dict) else {}
        groups.append(inner)
    groups[-1][str(keys[-1])] = list(value) if _is_list(value) else value
    if value is None:
        for group, key in reversed(list(zip(groups, keys, strict=True))):
            if not group[str(key)]:
                del group[str(key)]
    return data


def _is_list(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _compose(text: str) -> MappingNode:
    """Return the nodes of a text; the strict reader lets nothing but a mapping through."""
    return cast("MappingNode", YAML(typ="safe", pure=True).compose(text))


def _find(mapping: MappingNode, key: str) -> int | None:
    """Return the position of a key among a mapping's items."""
    return next((index for index, (found, _) in enumerate(mapping.value) if found.value == key), None)


def _path_to(text: str, keys: KeyPath) -> list[tuple[MappingNode, int | None]]:
    """Return the mappings on the way to a key, each with the position of the next key in it."""
    here = _compose(text)
    path: list[tuple[MappingNode, int | None]] = []
    for key in keys:
        index = _find(here, str(key))
        path.append((here, index))
        child = here.value[index][1] if index is not None else None
        if not isinstance(child, MappingNode):
            break
        here = child
    return path


def _end(text: str, node: Node) -> int:
    """Return where a value ends, without the comments and blank lines that follow it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    if isinstance(node, ScalarNode) and node.style in _BLOCK_SCALARS:
        return start + len(text[start:end].rstrip())
    return end


def _line_end(text: str, position: int) -> int:
    """Return where the line of a position ends, before its line feed."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _set(text: str, keys: KeyPath, value: Value, order: Sequence[str]) -> str:
    path = _path_to(text, keys)
    mapping, index = path[-1]
    rest = [str(key) for key in keys[len(path) - 1 :]]
    for key in reversed(rest[1:]):
        value = {key: value}
    if index is None:
        return _inserted(text, mapping, rest[0], value, order if len(path) == 1 else ())
    key_node, old = mapping.value[index]
    if isinstance(old, ScalarNode) and not _is_list(value) and not isinstance(value, Mapping):
        return text[: old.start_mark.index] + _flow(value) + text[_end(text, old) :]
    if mapping.flow_style:
        return text[: old.start_mark.index] + _flow(value) + text[_end(text, old) :]
    start = text.rfind("\n", 0, key_node.start_mark.index) + 1
    indent = " " * key_node.start_mark.column
    lines = "\n".join(indent + line for line in _lines(rest[0], value))
    return text[:start] + lines + text[_end(text, old) :]


def _inserted(text: str, mapping: MappingNode, key: str, value: Value, order: Sequence[str]) -> str:
    """Return the text with a new key in a mapping."""
    if mapping.flow_style:
        if not mapping.value:
            at, comma = mapping.start_mark.index + 1, ""
        else:
            at, comma = _end(text, mapping.value[-1][1]), ", "
        return f"{text[:at]}{comma}{key}: {_flow(value)}{text[at:]}"
    before = set(order[: order.index(key)]) if key in order else set()
    preceding = [item for item in mapping.value if item[0].value in before] or mapping.value
    at = _line_end(text, _end(text, preceding[-1][1]))
    indent = " " * mapping.value[0][0].start_mark.column
    lines = "".join(f"\n{indent}{line}" for line in _lines(key, value))
    return text[:at] + lines + text[at:]


def _removed(text: str, keys: KeyPath) -> str:
    """Return the text without a key, and without the groups that it leaves empty."""
    path = _path_to(text, keys)
    while len(path) > 1 and len(path[-1][0].value) == 1:
        path.pop()
    mapping = path[-1][0]
    index = [key.value for key, _ in mapping.value].index(keys[len(path) - 1])
    key, value = mapping.value[index]
    if mapping.flow_style:
        if index > 0:
            start, end = _end(text, mapping.value[index - 1][1]), _end(text, value)
        elif len(mapping.value) > 1:
            start, end = key.start_mark.index, mapping.value[1][0].start_mark.index
        else:
            start, end = key.start_mark.index, _end(text, value)
        return text[:start] + text[end:]
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    return text[:start] + text[_line_end(text, _end(text, value)) + 1 :]


def _lines(key: str, value: Value) -> list[str]:
    """Return a key and its value as lines, without the indentation of the place they go to."""
    margin = " " * _INDENT
    if isinstance(value, Mapping) and value:
        return [f"{key}:", *(margin + line for name, inner in value.items() for line in _lines(name, inner))]
    if _is_list(value) and value:
        return [f"{key}:", *(f"{margin}- {_flow(item)}" for item in value)]
    return [f"{key}: {_flow(value)}"]


def _flow(value: Value) -> str:
    """Return a value on one line; JSON's quoted text is YAML's too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
