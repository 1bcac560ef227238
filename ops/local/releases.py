"""Downloads official releases and checks them against the publisher's checksums."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tarfile
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from ops.local.recipe import ChecksumFormat
from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from ops.local.recipe import Release, Tool
    from ops.local.sources import Say

_ARCHES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS: Final = frozenset({"linux", "darwin"})
_SHA256_HEX_LENGTH: Final = 64
_MEBIBYTE: Final = 2**20

DEFAULT_TIMEOUT: Final = httpx.Timeout(20, connect=3)
"""A publisher that cannot be reached must not hold up the next source: three seconds to connect."""


class ReleaseSource:
    """Official releases over HTTPS.

    Args:
        mirror: Base address to use instead of each publisher's: ``https://host/path``
            is fetched as ``<mirror>/host/path``.
        timeout: How long to wait for a connection and for each piece of data.
    """

    label = "official release"

    def __init__(self, *, mirror: str | None = None, timeout: httpx.Timeout = DEFAULT_TIMEOUT) -> None:
        self._mirror = mirror
        self._client = httpx.Client(follow_redirects=True, timeout=timeout)
        self._unreachable: dict[str, str] = {}

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        """Download ``tool``, check it and unpack its binaries."""
        release = tool.release
        if release is None:
            message = "its publisher offers no binary"
            raise SourceFailedError(message)
        places = _places(tool.version, release)
        url = release.url.format(**places)
        name = url.rpartition("/")[2]
        expected = self._published_digest(release, release.checksum_url.format(**places), name)
        file = into / f"{name}.download"
        actual = self._download(url, file, say)
        if actual != expected:
            message = f"{url}: SHA-256 is {actual}, its publisher says {expected}"
            raise SourceFailedError(message)
        if release.members:
            members = {binary: member.format(**places) for binary, member in release.members.items()}
            _unpack(file, members, into)
            file.unlink()
        else:
            file.rename(into / tool.binaries[0])

    def _published_digest(self, release: Release, url: str, name: str) -> str:
        text = self._get(url)
        digest = _READERS[release.checksum_format](text, name)
        if digest is None or len(digest) != _SHA256_HEX_LENGTH:
            message = f"{url}: holds no SHA-256 of {name}, and an unchecked file is not used"
            raise SourceFailedError(message)
        return digest.lower()

    def _get(self, url: str) -> str:
        self._refuse_unreachable(url)
        try:
            return self._client.get(self._address(url)).raise_for_status().text
        except httpx.HTTPError as error:
            raise self._failed(url, error) from error

    def _download(self, url: str, file: Path, say: Say) -> str:
        self._refuse_unreachable(url)
        digest = hashlib.sha256()
        try:
            with self._client.stream("GET", self._address(url)) as response, file.open("wb") as out:
                response.raise_for_status()
                for chunk in response.iter_bytes(_MEBIBYTE):
                    digest.update(chunk)
                    out.write(chunk)
                    say(f"downloading, {out.tell() // _MEBIBYTE} MiB")
        except httpx.HTTPError as error:
            raise self._failed(url, error) from error
        return digest.hexdigest()

    def _address(self, url: str) -> str:
        return url if self._mirror is None else f"{self._mirror}/{url.removeprefix('https://')}"

    def _refuse_unreachable(self, url: str) -> None:
        """Try a host that did not answer only once a run, not once a tool."""
        if reason := self._unreachable.get(urlsplit(url).netloc):
            raise SourceFailedError(reason)

    def _failed(self, url: str, error: httpx.HTTPError) -> SourceFailedError:
        if isinstance(error, httpx.HTTPStatusError):
            return SourceFailedError(f"{url}: answered {error.response.status_code}")
        message = f"{url}: {str(error) or type(error).__name__}"
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            self._unreachable[urlsplit(url).netloc] = message
        return SourceFailedError(message)


def _places(version: str, release: Release) -> dict[str, str]:
    system, machine = platform.system().lower(), platform.machine().lower()
    arch = _ARCHES.get(machine)
    if system not in _SYSTEMS or arch is None:
        message = f"no release for {system} on {machine} is known"
        raise SourceFailedError(message)
    return {
        "version": version,
        "os": system,
        "arch": release.arch_names.get(arch, arch),
    }


def _unpack(archive: Path, members: dict[str, str], into: Path) -> None:
    """Copy just the wanted files out, whatever else or whichever paths the archive holds."""
    try:
        with tarfile.open(archive) as tar:
            for binary, member in members.items():
                source = tar.extractfile(member)
                if source is None:
                    message = f"{archive.name}: {member} is not a file"
                    raise SourceFailedError(message)
                with source, (into / binary).open("wb") as out:
                    shutil.copyfileobj(source, out)
    except (tarfile.TarError, KeyError, EOFError) as error:
        message = f"{archive.name} cannot be unpacked: {error}"
        raise SourceFailedError(message) from error


def _read_sums(text: str, name: str) -> str | None:
    lines = (line.split() for line in text.splitlines())
    return next((words[0] for words in lines if len(words) > 1 and words[1].lstrip("*") == name), None)


def _read_single(text: str, _name: str) -> str | None:
    return next(iter(text.split()), None)


def _read_github(text: str, name: str) -> str | None:
    try:
        digests = {asset["name"]: asset["digest"] for asset in json.loads(text)["assets"]}
    except (ValueError, KeyError, TypeError):
        return None
    kind, _, value = str(digests.get(name)).partition(":")
    return value if kind == "sha256" else None


_READERS: Final = {
    ChecksumFormat.SUMS: _read_sums,
    ChecksumFormat.SINGLE: _read_single,
    ChecksumFormat.GITHUB: _read_github,
}
