"""Edits of tenant files: computed first, shown, and then written whole or not at all."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from tenants.errors import Problem, UsageError
from tenants.models import TenantFile
from tenants.removed import with_tombstone
from tenants.splice import rendered, spliced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tenants.splice import Changes, Value

HEADER: Final = "# yaml-language-server: $schema=../../schema.json\n"
"""Tells editors which schema a tenant's file follows."""

LOCK_SECONDS: Final = 10.0
"""How long one editor waits for another; an edit itself takes a second."""

_NEW_FILE_MODE: Final = 0o644
_ORDER: Final = tuple(TenantFile.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One file, as it is and as it is to be.

    Attributes:
        path: The file.
        before: What it held when it was read, or None if it did not exist.
        after: What it is to hold, or None if it is to be gone.
    """

    path: Path
    before: bytes | None
    after: bytes | None

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> list[str]:
        """Return the edit as lines of a unified diff."""
        return _diff(self.before, self.after, str(self.path))


def edit(path: Path, changes: Changes) -> Edit:
    """Return the edit that changes some values of a tenant's file and nothing else.

    Raises:
        UsageError: The file cannot be read, or not edited safely.
    """
    before = _content(path)
    if before is None:
        raise UsageError.of(
            where=str(path),
            what="there is no such file",
            why="an edit changes what is there; a new tenant needs more than that",
            how="check the id; to add a tenant: iotistic tenant add",
        )
    return Edit(path=path, before=before, after=spliced(before, str(path), changes, order=_ORDER))


def new_file(path: Path, values: Mapping[str, Value]) -> Edit:
    """Return the edit that makes a tenant's file.

    Raises:
        UsageError: There is such a file already.
    """
    if _content(path) is not None:
        raise UsageError.of(
            where=str(path),
            what="the file exists already",
            why="another customer's tenant would be overwritten",
            how="choose another id; to change the tenant: iotistic tenant set",
        )
    return Edit(path=path, before=None, after=(HEADER + rendered(values)).encode())


def deletion(path: Path) -> Edit:
    """Return the edit that takes a tenant's file away.

    Raises:
        UsageError: The file cannot be read.
    """
    return Edit(path=path, before=_content(path), after=None)


def removal_record(path: Path, stone: Mapping[str, str]) -> Edit:
    """Return the edit that records a tenant as removed; the list is made if it is the first.

    Raises:
        UsageError: The list or the entry is wrong, or the list cannot be added to safely.
    """
    before = _content(path)
    return Edit(path=path, before=before, after=with_tombstone(before, str(path), stone))


@contextmanager
def alone(lock: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Keep other editors of the same registry out, from reading to writing.

    Args:
        lock: A file for this purpose only.
        seconds: How long to wait for another editor.

    Raises:
        UsageError: Another editor is still at work.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=seconds):
            yield
    except Timeout:
        raise UsageError.of(
            where=str(lock),
            what=f"another edit of the registry is under way since more than {seconds:g} seconds",
            why="two edits at once could give the same port or id twice",
            how="answer the question it asks, or wait until it ends",
        ) from None


def write(edits: Iterable[Edit]) -> None:
    """Write files in their order, each whole or not at all, and none if one of them changed meanwhile.

    Raises:
        UsageError: A file is no longer as it was read, or cannot be written.
    """
    wanted = [one for one in edits if one.changes]
    if problems := [problem for one in wanted if (problem := _changed_meanwhile(one))]:
        raise UsageError(problems)
    for one in wanted:
        try:
            if one.after is None:
                _delete(one)
            else:
                _replace(one, one.after)
        except OSError as error:
            raise UsageError.of(
                where=str(one.path),
                what=f"cannot be written: {(error.strerror or str(error)).lower()}",
                why="the file is as it was before, so the edit is not done",
                how="make the folder one that you may write to, with some space left, and do it again",
            ) from error


def _changed_meanwhile(one: Edit) -> Problem | None:
    current = _content(one.path)
    if current == one.before:
        return None
    difference = "\n  ".join(_diff(one.before, current, str(one.path)))
    return Problem(
        where=str(one.path),
        what=f"the file changed since it was read:\n  {difference}",
        why="somebody else's change would be lost",
        how="look at that change, then do yours again",
    )


def _content(path: Path) -> bytes | None:
    """Return what a file holds, or None if it does not exist.

    Raises:
        UsageError: It exists and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError.of(
            where=str(path),
            what=f"cannot be read: {(error.strerror or str(error)).lower()}",
            why="nobody can tell what an edit would change",
            how="make it a plain file that you may read",
        ) from error


def _diff(old: bytes | None, new: bytes | None, name: str) -> list[str]:
    before, after = ((content or b"").decode(errors="replace").splitlines() for content in (old, new))
    source, target = (name if content is not None else "/dev/null" for content in (old, new))
    return list(difflib.unified_diff(before, after, source, target, lineterm=""))


def _replace(one: Edit, content: bytes) -> None:
    """Write a new file beside the old one and put it in its place in one step."""
    target = one.path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if one.before is not None else _NEW_FILE_MODE
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if one.before is None:
            os.link(unfinished, target)  # unlike a rename, refuses to overwrite
        else:
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _keep(target.parent)


def _delete(one: Edit) -> None:
    one.path.unlink()
    _keep(one.path.parent)


def _keep(directory: Path) -> None:
    """Have the disk hold what a folder lists now, so that a power cut cannot undo it."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
