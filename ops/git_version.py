"""The registry as a commit holds it, read without touching the working copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.git import commit_of, git
from ops.workspace import PLANS
from tenants.errors import Problem, UsageError
from tenants.models import TenantFile
from tenants.plans import PlanTable
from tenants.removed import TOMBSTONES, Tombstones
from tenants.validation import validate
from tenants.version import Version
from tenants.yaml_source import parse_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ops.workspace import Workspace


def version_at(workspace: Workspace, ref: str) -> Version:
    """Return the registry at a commit.

    Only the form of the files is checked, not the rules between them: rules may have become
    stricter since. An environment that the commit does not know is empty.

    Args:
        workspace: The working copy and the environment.
        ref: A commit, branch or tag.

    Raises:
        UsageError: There is no git, no repository or no such commit, or a file cannot be read.
    """
    commit = commit_of(workspace.root, ref)
    contents = dict(_contents(workspace.root, commit, [PLANS, workspace.folder]))
    problems: list[Problem] = []
    plans = workspace.plans
    files: dict[str, TenantFile] = {}
    removed: frozenset[str] = frozenset()
    for path, content in contents.items():
        name = path.rpartition("/")[2]
        try:
            if path == PLANS:
                plans = validate(PlanTable, parse_document(content, f"{ref}:{path}"))
            elif name == TOMBSTONES:
                stones = validate(Tombstones, parse_document(content, f"{ref}:{path}"))
                removed = frozenset(stone.id for stone in stones.removed)
            elif name.endswith(".yaml") and not name.startswith(("_", ".")):
                file = validate(TenantFile, parse_document(content, f"{ref}:{path}"))
                files[file.id] = file
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    return Version(folder=workspace.folder, plans=plans, files=files, removed=removed)


def _contents(root: Path, commit: str, paths: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a commit below some paths, each with its content."""
    prefix = git(root, "rev-parse", "--show-prefix").stdout.decode().strip()
    listing = git(
        root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *(prefix + path for path in paths)
    )
    entries = [entry.split("\t", 1) for entry in listing.stdout.decode().split("\0") if entry]
    objects = [about.split()[2] for about, _ in entries]
    answer = git(root, "cat-file", "--batch", stdin="\n".join(objects).encode()).stdout
    position = 0
    for _, path in entries:
        header_end = answer.index(b"\n", position)
        size = int(answer[position:header_end].split()[2])
        start = header_end + 1
        yield path.removeprefix(prefix), answer[start : start + size]
        position = start + size + 1
