"""Asks git about the working copy, without ever changing it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_GIT_SECONDS: Final = 60


def commit_of(root: Path, ref: str) -> str:
    """Return the full name of a commit.

    Args:
        root: A folder of the working copy.
        ref: A commit, branch or tag.

    Raises:
        UsageError: There is no git, no repository or no such commit.
    """
    if git(root, "rev-parse", "--show-prefix").returncode:
        raise UsageError.of(
            where=str(root),
            what="is not a git repository",
            why="without the earlier version nothing can be compared",
            how="work in a clone of the repository",
        )
    found = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode:
        raise UsageError.of(
            where="--base",
            what=f'git knows no commit "{ref}"',
            why="comparing with another commit could hide that a tenant vanished",
            how="check the name; in CI, fetch the history first: git fetch origin main",
        )
    return found.stdout.decode().strip()


def branch_point(root: Path, ref: str) -> str:
    """Return the commit where the working copy's branch left another one.

    What the other branch did since then is not a change of this one.

    Raises:
        UsageError: There is no git, no repository, no such commit, or no common history.
    """
    commit = commit_of(root, ref)
    found = git(root, "merge-base", commit, "HEAD")
    if found.returncode:
        raise UsageError.of(
            where="--base",
            what=f'"{ref}" and the working copy have no common history here',
            why="nobody can tell what this change does and what others did",
            how="fetch the whole history: git fetch --unshallow origin",
        )
    return found.stdout.decode().strip()


def changed_files(root: Path, commit: str) -> list[str]:
    """Return the files that differ from a commit, from the project's folder, new ones included."""
    tracked = git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--")
    untracked = git(root, "ls-files", "--others", "--exclude-standard", "-z")
    names = tracked.stdout.decode().split("\0") + untracked.stdout.decode().split("\0")
    return sorted({name for name in names if name})


def git(root: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and return what it answered, whatever its exit status.

    Raises:
        UsageError: git is not installed.
    """
    try:
        return subprocess.run(  # noqa: S603 - no shell, and a ref never stands where an option could
            ["git", *arguments],  # noqa: S607 - the git that the user has on PATH
            cwd=root,
            input=stdin,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError.of(
            where="git",
            what="is not installed, or not on PATH",
            why="the earlier version of the registry is read from it",
            how="install git",
        ) from error
