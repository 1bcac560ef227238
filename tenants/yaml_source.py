"""Read one YAML file strictly, and remember on which line each value stands.

A tenant file is edited by hand and decides over a customer's data, so everything
that two readers could understand differently is refused: look-alikes such as
``no`` or ``0123``, anchors, merge keys, tags, duplicate keys, invisible characters.
What is left means the same to YAML 1.1, YAML 1.2 and JSON. The grammar itself is
libyaml's, read as events: far faster than a reader in Python, and each event knows
its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tenants.characters import unsafe_character
from tenants.errors import Problem, UsageError
from tenants.plain_text import decode, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KeyPath = tuple[str | int, ...]

MAX_DEPTH = 8
"""Deeper nesting than any field of the schema needs."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_LOOK_ALIKE = re.compile(
    r"~|null|y|n|yes|no|on|off|true|false|=|<<"  # null, booleans and special words of YAML 1.1
    r"|[-+]?[0-9][0-9_]*"  # leading zeros, underscores, a plus sign, too many digits
    r"|[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)"  # other bases
    r"|[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)(e[-+]?[0-9]+)?"  # fractions and exponents
    r"|[-+]?\.(inf|nan)"
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"  # base sixty: 12:30
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t ].*)?",  # dates and times
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data that remembers where each value stood.

    Attributes:
        path: The file as it is named to people.
        data: Mappings, lists, strings, integers and booleans; nothing else can occur.
        lines: The line, from 1, of each key and list entry.
        unquoted: The values that were written without quotes.
    """

    path: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    unquoted: frozenset[KeyPath]

    def where(self, *keys: str | int) -> str:
        """Return ``file:line: key`` for a key, or for the nearest one around it that exists."""
        known = keys
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return f"{self.path}:{line}: {dotted(keys)}" if keys else f"{self.path}:{line}"


def dotted(keys: KeyPath) -> str:
    """Return a key path the way people write it: ``extra_hosts[1]``, ``trial.ends``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def read_document(path: Path, *, shown_as: str | None = None) -> Document:
    """Read a file of one YAML mapping.

    Args:
        path: The file.
        shown_as: How messages name it; its path unless told.

    Raises:
        UsageError: The file cannot be read or is not in the strict form, with all its problems.
    """
    name = shown_as or str(path)
    return parse_document(read_bytes(path, name), name)


def parse_document(content: bytes, name: str) -> Document:
    """Parse the bytes of a file of one YAML mapping; ``name`` is how messages call it.

    Raises:
        UsageError: The text is not in the strict form, with all problems found.
    """
    text = decode(content, name)
    reader = _Reader(name)
    try:
        data = reader.read(yaml.parse(text, Loader=yaml.CBaseLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1  # none at the very start
        what = " ".join(part for part in (error.context, error.problem) if part)
        reader.refuse(line, (), f"not valid YAML: {what}", *_SYNTAX)
        data = None
    if data is not None and not isinstance(data, dict):
        reader.refuse(1, (), "the file is not a mapping of keys to values", *_SHAPE)
    if reader.problems:
        raise UsageError(reader.problems)
    return Document(name, data, reader.lines, frozenset(reader.unquoted))


_SYNTAX = (
    "a file that cannot be read says nothing about its tenant, and nothing may be guessed",
    "mend the line named (often a quote, a colon or the indentation of the line above)",
)
_SHAPE = (
    "the fields of the file are named by keys; there is nothing else to read",
    "write one `key: value` a line",
)


class _TooDeepError(Exception):
    """The nesting is deeper than any field needs; reading on would only repeat it."""


class _Reader:
    """Builds plain data from libyaml's events and collects what is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.lines: dict[KeyPath, int] = {}
        self.unquoted: set[KeyPath] = set()

    def refuse(self, line: int, keys: KeyPath, what: str, why: str, how: str) -> None:
        where = f"{self.name}:{line}"
        if keys:
            where += f": {dotted(keys)}"
        self.problems.append(Problem(where=where, what=what, why=why, how=how))

    def read(self, events: Iterator[Any]) -> Any:  # noqa: ANN401  # any YAML value
        next(events)  # the start of the stream
        start = next(events)
        if isinstance(start, yaml.StreamEndEvent):
            self.refuse(1, (), "the file is empty", *_SHAPE)
            return None
        if start.version or start.tags:
            self.refuse(
                start.start_mark.line + 1,
                (),
                "has a %YAML or %TAG line",
                "it changes what the rest of the file means",
                "delete the line",
            )
        try:
            data = self._value(next(events), events, ())
        except _TooDeepError:
            return None
        next(events)  # the end of the document
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.refuse(
                after.start_mark.line + 1,
                (),
                "a second document starts here (---)",
                "only the first one would be read",
                "keep one document a file",
            )
        return data

    def _value(self, event: Any, events: Iterator[Any], keys: KeyPath) -> Any:  # noqa: ANN401  # any YAML value
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.refuse(line, keys, f"uses the alias *{event.anchor}", *_ANCHOR)
            return None
        if event.anchor is not None:
            self.refuse(line, keys, f"sets the anchor &{event.anchor}", *_ANCHOR)
        if event.tag is not None:
            self.refuse(
                line,
                keys,
                f"has the tag {event.tag}",
                "a tag makes some readers build other things than plain text and numbers",
                "delete the tag; quote the value if it is text",
            )
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line, keys)
        if len(keys) >= MAX_DEPTH:
            self.refuse(
                line,
                keys,
                f"is nested more than {MAX_DEPTH} levels deep",
                "no field needs this, and endless nesting is a way to choke a reader",
                "check the indentation and the brackets",
            )
            raise _TooDeepError
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, keys)
        return self._mapping(events, keys)

    def _sequence(self, events: Iterator[Any], keys: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            inner = (*keys, len(items))
            self.lines[inner] = event.start_mark.line + 1
            items.append(self._value(event, events, inner))
        return items

    def _mapping(self, events: Iterator[Any], keys: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key, line = self._key(event, events, keys)
            inner = (*keys, key)
            value_event = next(events)
            if key in mapping:
                self.refuse(
                    line,
                    inner,
                    f"the key stands here a second time (first on line {self.lines[inner]})",
                    "one of the two values would be dropped in silence",
                    "keep one of them",
                )
                self._value(value_event, events, inner)
                continue
            self.lines[inner] = line
            mapping[key] = self._value(value_event, events, inner)
        return mapping

    def _key(self, event: Any, events: Iterator[Any], keys: KeyPath) -> tuple[str, int]:  # noqa: ANN401  # an event of libyaml
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse(line, keys, "has a list or a mapping as a key", *_KEY)
            self._value(event, events, keys)
            return f"(key on line {line})", line
        if event.anchor is not None or event.tag is not None:
            self.refuse(line, keys, f"the key {event.value} has an anchor or a tag", *_ANCHOR)
        if event.implicit[0] and event.value == "<<":
            self.refuse(line, keys, "uses the merge key <<", *_ANCHOR)
        return event.value, line

    def _scalar(self, event: Any, line: int, keys: KeyPath) -> str | int | bool:  # noqa: ANN401  # an event of libyaml
        text: str = event.value
        if found := unsafe_character(text):
            self.refuse(
                line,
                keys,
                f"spells an invisible or control character ({found.name})",
                "it can make people and programs see another text than the one that is stored",
                "delete it; ordinary letters of any script are welcome",
            )
        if event.style is not None and event.style != "":
            return text
        self.unquoted.add(keys)
        if text == "true":
            return True
        if text == "false":
            return False
        if _INTEGER.fullmatch(text):
            return int(text)
        if not text:
            self.refuse(
                line,
                keys,
                "has no value",
                "nobody can tell whether nothing was meant or something was forgotten",
                "give a value, or delete the key to use its default",
            )
        elif _LOOK_ALIKE.fullmatch(text):
            self.refuse(
                line,
                keys,
                f"the unquoted {text} is no plain text to YAML",
                "readers turn it into a number, a date, a yes or no, or nothing",
                f'write "{text}" with quotes if it is text; true, false or plain digits if it is not',
            )
        return text


_ANCHOR = (
    "anchors, aliases and merge keys put values where a reviewer does not see them",
    "write the value out where it is meant",
)
_KEY = ("every field is named by one word", "write `key: value`; quote a text that starts with [ or {")
