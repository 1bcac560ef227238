"""How a tool is described: how to ask its version, where it is released, how it is built."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ChecksumFormat(enum.Enum):
    """How a publisher writes the SHA-256 of a release file."""

    SUMS = "sums"
    """A text file of lines ``<hash>  <file name>``."""
    SINGLE = "single"
    """A text file that starts with the hash."""
    GITHUB = "github"
    """GitHub's description of a release, which carries a digest for each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where a publisher offers a file.

    The texts may hold ``{version}``, ``{os}`` (linux, darwin) and ``{arch}`` (amd64, arm64).

    Attributes:
        url: Address of the binary itself or of a ``.tar.gz``.
        checksum_url: Address of its published checksum.
        checksum_format: How to read that.
        members: For an archive, the path in it of each binary; empty for a bare binary.
        arch_names: Where the publisher calls a machine type something else.
    """

    url: str
    checksum_url: str
    checksum_format: ChecksumFormat
    members: Mapping[str, str] = field(default_factory=dict)
    arch_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """A file of ours in the place of one of a Go module.

    Attributes:
        module: The module, in the version that the ``go.mod`` names.
        path: The file in it.
        ours: Name of ours, in the folder with that ``go.mod``.
    """

    module: str
    path: str
    ours: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBuild:
    """A binary built from a package of a pinned Go module.

    Attributes:
        binary: Name of the result.
        directory: Folder under ``tools/`` with the ``go.mod`` and ``go.sum``.
        package: Import path of the main package.
        stamps: Values for the linker's ``-X``, by variable; may hold ``{version}``.
        substitute: What is changed in a module before it is built.
    """

    binary: str
    directory: str
    package: str
    stamps: Mapping[str, str] = field(default_factory=dict)
    substitute: Substitute | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoScript:
    """A script copied out of a pinned Go module, as it is."""

    binary: str
    directory: str
    module: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing to find: a binary, or several that only exist together.

    Attributes:
        name: Its name, and its folder's.
        version: Wanted version without a leading ``v``.
        binaries: Names of the files it provides; the first is asked for its version.
        version_arguments: Arguments that make the first binary print its version; None if there are none.
        release: Where it is published; None if no binary is.
        builds: How to make each binary with Go; empty for a tool that is a Python package.
        python_module: For a Python package, the module that is the program.
        optional: True if only asked for by name.
    """

    name: str
    version: str
    binaries: tuple[str, ...]
    version_arguments: tuple[str, ...] | None
    release: Release | None
    builds: tuple[GoBuild | GoScript, ...] = ()
    python_module: str | None = None
    optional: bool = False
