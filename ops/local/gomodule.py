"""Downloads a Go module without Go, as far as its plain files are concerned."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING, Final

import httpx

from ops.local.releases import DEFAULT_TIMEOUT
from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from pathlib import Path

PROXY: Final = "https://proxy.golang.org"
"""The public module proxy, which Go itself uses unless told otherwise."""


def pinned(go_sum: Path, module: str) -> tuple[str, str]:
    """Return the version of ``module`` that ``go_sum`` pins, and the hash of its content."""
    for line in go_sum.read_text(encoding="utf-8").splitlines():
        name, version, content_hash = line.split()
        if name == module and not version.endswith("/go.mod"):
            return version, content_hash
    message = f"{go_sum} does not pin {module}"
    raise SourceFailedError(message)


def download_module(module: str, go_sum: Path, into: Path, *, proxy: str = PROXY) -> Path:
    """Download ``module`` as ``go_sum`` pins it and return the archive, checked against its hash.

    Raises:
        SourceFailedError: It cannot be had, or is not what is pinned.
    """
    version, expected = pinned(go_sum, module)
    url = f"{proxy}/{module}/@v/{version}.zip"
    archive = into / "module.zip"
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=DEFAULT_TIMEOUT) as response,
            archive.open("wb") as out,
        ):
            for chunk in response.raise_for_status().iter_bytes():
                out.write(chunk)
        actual = module_hash(archive)
    except (httpx.HTTPError, zipfile.BadZipFile) as error:
        message = f"{url}: {str(error) or type(error).__name__}"
        raise SourceFailedError(message) from error
    if actual != expected:
        message = f"{url}: its hash is {actual}, and {expected} is pinned"
        raise SourceFailedError(message)
    return archive


def module_hash(archive: Path) -> str:
    """Return the hash that ``go.sum`` holds: of the sorted list of files with the hash of each."""
    lines = hashlib.sha256()
    with zipfile.ZipFile(archive) as files:
        for name in sorted(files.namelist()):
            lines.update(f"{hashlib.sha256(files.read(name)).hexdigest()}  {name}\n".encode())
    return f"h1:{base64.b64encode(lines.digest()).decode()}"
