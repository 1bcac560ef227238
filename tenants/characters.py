"""Characters that nobody should meet in a registry file.

Letters of every script are welcome in a company's name. What is refused cannot be
seen or changes how the text around it is shown: controls, the bidirectional
overrides and isolates that make a review lie, and zero-width characters. The
zero-width joiners stay, because Persian, Indic scripts and emoji are spelt with them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

UNSAFE_CLASS = (
    r"\u0000-\u0009\u000b-\u001f\u007f-\u009f"  # controls, all but the line feed
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # bidirectional, zero-width
    r"\ud800-\udfff\ufdd0-\ufdef\ufff9-\uffff"  # halves of pairs, non-characters
)
"""The inside of a character class, understood by Python and by JSON Schema's patterns alike."""

_UNSAFE = re.compile(f"[{UNSAFE_CLASS}\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class Found:
    """An unsafe character: where it starts in the text, and its name as ``U+202E NAME``."""

    start: int
    name: str


def unsafe_character(text: str) -> Found | None:
    """Return the first unsafe character of a text, or None."""
    if text.isascii() and text.isprintable():
        return None
    match = _UNSAFE.search(text)
    if match is None:
        return None
    character = match.group()
    name = unicodedata.name(character, "CONTROL CHARACTER")
    return Found(match.start(), f"U+{ord(character):04X} {name}")


def shown(value: object, longest: int = 60) -> str:
    """Return a value as messages show it: text in quotes, harmless to print, not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    if not isinstance(value, str):
        return str(value)
    text = value if len(value) <= longest else f"{value[:longest]}…"
    return f'"{text}"' if text.isprintable() else ascii(text)
