"""The text of a file that people edit: small, UTF-8, and nothing in it that cannot be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.characters import unsafe_character
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 * 1024
"""A tenant file has some fifty lines; a larger file is a mistake or an attack."""

_UNSEEN = (
    (
        "\ufeff",
        "has a byte order mark (BOM)",
        "some readers take the invisible mark for a part of the first key",
        "save the file as UTF-8 without BOM",
    ),
    (
        "\r",
        "has line ends of Windows or old Macs (CR)",
        "every line would show as changed and multi-line texts would carry stray characters",
        "save the file with LF line ends",
    ),
    (
        "\t",
        "has a tab",
        "YAML allows no tab in indentation, and elsewhere nobody can see it",
        "use spaces",
    ),
)
"""Characters that editors put in by themselves: what, why and how to mend it."""


def read_bytes(path: Path, name: str) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        name: How messages call it.

    Raises:
        UsageError: The file cannot be read or is too large.
    """
    how = "make it a plain file that you may read, or restore it from git"
    why = "a tenant whose file cannot be read would look like a tenant that was removed"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise UsageError.of(where=name, what=what, why=why, how=how) from error
    if len(content) > MAX_BYTES:
        raise UsageError.of(
            where=name,
            what=f"is larger than {MAX_BYTES // 1024} KiB",
            why="a file of this size is no hand-written registry file, and reading it costs everybody time",
            how="check that it is the right file; long remarks belong in the customer's ticket",
        )
    return content


def decode(content: bytes, name: str) -> str:
    """Return the text of a file's content.

    Args:
        content: The bytes.
        name: How messages call the file.

    Raises:
        UsageError: The bytes are not UTF-8, or hold characters that nobody sees.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError.of(
            where=f"{name}:{_line(content[: error.start])}",
            what="is not UTF-8 text",
            why="the same bytes would be read as different letters elsewhere",
            how="save the file as UTF-8",
        ) from error
    problems = [
        Problem(where=f"{name}:{_line(text[: text.index(character)].encode())}", what=what, why=why, how=how)
        for character, what, why, how in _UNSEEN
        if character in text
    ]
    for character, *_ in _UNSEEN:
        text = text.replace(character, "")
    if found := unsafe_character(text):
        problems.append(
            Problem(
                where=f"{name}:{_line(text[: found.start].encode())}",
                what=f"has an invisible or control character ({found.name})",
                why="it can make a reviewer see another text than the one that is used",
                how="delete the character; ordinary letters of any script are welcome",
            )
        )
    if problems:
        raise UsageError(problems)
    return text


def _line(before: bytes) -> int:
    """Return the number of the line, from 1, that follows on some text."""
    return before.count(b"\n") + 1
