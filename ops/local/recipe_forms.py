"""How most tools are published and built, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ops.local.recipe import ChecksumFormat, GoBuild, Release, Substitute, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

GITHUB: Final = "https://github.com/{repository}/releases/download/v{{version}}/{file}"
"""Where a file of a release is. To be filled twice: here, and with the version."""

_GITHUB_DIGESTS: Final = "https://api.github.com/repos/{repository}/releases/tags/v{{version}}"


def github_release(repository: str, file: str, members: Mapping[str, str] | None = None) -> Release:
    """Return a release of a project that publishes no checksum file: GitHub tells the digests."""
    return Release(
        url=GITHUB.format(repository=repository, file=file),
        checksum_url=_GITHUB_DIGESTS.format(repository=repository),
        checksum_format=ChecksumFormat.GITHUB,
        members=members or {},
    )


def summed_release(
    repository: str, file: str, *, sums: str, members: Mapping[str, str] | None = None
) -> Release:
    """Return a release of a project on GitHub that publishes one file with the checksums of all others."""
    return Release(
        url=GITHUB.format(repository=repository, file=file),
        checksum_url=GITHUB.format(repository=repository, file=sums),
        checksum_format=ChecksumFormat.SUMS,
        members=members or {},
    )


def go_tool(  # noqa: PLR0913 - a tool has this many independent parts
    name: str,
    version: str,
    *,
    package: str,
    release: Release | None,
    asked: tuple[str, ...] | None,
    directory: str | None = None,
    stamps: Mapping[str, str] | None = None,
    substitute: Substitute | None = None,
    optional: bool = True,
) -> Tool:
    """Return a tool of one binary, which one Go package makes.

    Args:
        name: The tool's and the binary's name.
        version: The wanted version.
        package: Import path of the main package.
        release: Where it is published; None if no binary is.
        asked: Arguments that make it print its version; None if there are none.
        directory: Folder under ``tools/`` with its ``go.mod``, if not one of its own name.
        stamps: Values for the linker's ``-X``.
        substitute: What is changed in a module before it is built.
        optional: True if only asked for by name.
    """
    build = GoBuild(
        binary=name,
        directory=directory or name,
        package=package,
        stamps=stamps or {},
        substitute=substitute,
    )
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=asked,
        release=release,
        builds=(build,),
        optional=optional,
    )
