"""Which stacks a change is about, by the files it touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ops.workspace import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DECLARES_NOTHING: Final = (
    ".ci/",
    ".github/",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks/",
    "docs/",
    "ops/",
    "tests/",
    "tools/",
)
"""What the program neither is nor reads. Everything else counts as part of it, so that a new
kind of file is previewed too often and never too seldom."""


def affected_stacks(files: Iterable[str], stacks: Mapping[str, str]) -> list[str]:
    """Return the stacks whose objects may be others because these files changed.

    Args:
        files: Paths from the project's folder, with the ones that are gone.
        stacks: Every stack with a committed configuration, and the environment it reads.
    """
    affected: set[str] = set()
    for file in files:
        affected |= _affected_by(file, stacks)
    return sorted(affected)


def _affected_by(file: str, stacks: Mapping[str, str]) -> set[str]:
    if file.startswith(_DECLARES_NOTHING):
        return set()
    if file.startswith(f"{REGISTRY}/"):
        environment = file.removeprefix(f"{REGISTRY}/").partition("/")[0]
        return {stack for stack, read in stacks.items() if read == environment}
    if file.startswith("Pulumi.") and file != "Pulumi.yaml":
        stack = file.removeprefix("Pulumi.").removesuffix(".yaml")
        return {stack} & set(stacks)
    return set(stacks)
