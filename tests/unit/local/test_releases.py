from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from rich.console import Console

from ops.local.releases import ReleaseSource
from ops.local.tools import MIRROR_VARIABLE, VERSIONS_FILE, ensure
from ops.local.versions import load_versions
from tenants.errors import UsageError
from tests.unit.local.publishing import Publisher, publishing, tar_gz

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from ops.local.tools import Toolbox

VERSIONS = load_versions(VERSIONS_FILE).tools
BINARY = b"#!/bin/sh\necho hello\n"
QUICK = httpx.Timeout(0.3)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with publishing() as served:
        yield served


def fetch(publisher: Publisher, folder: Path, *names: str) -> Toolbox:
    source = ReleaseSource(mirror=publisher.url, timeout=QUICK)
    return ensure(names, console=Console(file=io.StringIO()), folder=folder, sources=[source])


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def offer_etcd(publisher: Publisher, *, content: bytes | None = None, sums: bytes | None = None) -> str:
    name = f"etcd-v{VERSIONS['etcd']}-linux-amd64"
    base = f"/github.com/etcd-io/etcd/releases/download/v{VERSIONS['etcd']}"
    content = tar_gz({f"{name}/README.md": b"text", f"{name}/etcd": BINARY}) if content is None else content
    publisher.files[f"{base}/{name}.tar.gz"] = content
    publisher.files[f"{base}/SHA256SUMS"] = (
        f"{'0' * 64}  other.tar.gz\n{sha256(content)}  {name}.tar.gz\n".encode() if sums is None else sums
    )
    return f"{base}/{name}.tar.gz"


def offer_kubectl(publisher: Publisher) -> str:
    path = f"/dl.k8s.io/release/v{VERSIONS['kubernetes']}/bin/linux/amd64/kubectl"
    publisher.files |= {path: BINARY, f"{path}.sha256": sha256(BINARY).encode()}
    return path


def offer_kwok(publisher: Publisher, digest: object) -> None:
    repository, tag = "kubernetes-sigs/kwok", f"v{VERSIONS['kwok']}"
    publisher.files[f"/github.com/{repository}/releases/download/{tag}/kwok-linux-amd64"] = BINARY
    publisher.files[f"/api.github.com/repos/{repository}/releases/tags/{tag}"] = json.dumps(
        {"assets": [{"name": "kwok-linux-amd64", "digest": digest}]}
    ).encode()


class TestGood:
    def test_one_file_out_of_an_archive(self, publisher: Publisher, tmp_path: Path) -> None:
        offer_etcd(publisher)
        etcd = fetch(publisher, tmp_path, "etcd").path("etcd")
        assert etcd.read_bytes() == BINARY
        assert os.access(etcd, os.X_OK)
        assert [path.name for path in etcd.parent.iterdir()] == ["etcd"]

    def test_a_bare_binary(self, publisher: Publisher, tmp_path: Path) -> None:
        offer_kubectl(publisher)
        toolbox = fetch(publisher, tmp_path, "kubectl")
        assert toolbox.path("kubectl").read_bytes() == BINARY
        assert (toolbox.bin_dir / "kubectl").resolve() == toolbox.path("kubectl").resolve()

    def test_a_digest_that_github_tells(self, publisher: Publisher, tmp_path: Path) -> None:
        offer_kwok(publisher, f"sha256:{sha256(BINARY)}")
        assert fetch(publisher, tmp_path, "kwok").path("kwok").read_bytes() == BINARY

    def test_several_binaries_of_one_archive(self, publisher: Publisher, tmp_path: Path) -> None:
        version = VERSIONS["pulumi"]
        names = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")
        content = tar_gz({f"pulumi/{name}": name.encode() for name in (*names, "pulumi-watch")})
        archive = f"pulumi-v{version}-linux-x64.tar.gz"
        sums = f"/github.com/pulumi/pulumi/releases/download/v{version}/pulumi-{version}-checksums.txt"
        publisher.files |= {
            f"/get.pulumi.com/releases/sdk/{archive}": content,
            sums: f"{sha256(content)}  {archive}\n".encode(),
        }
        toolbox = fetch(publisher, tmp_path, "pulumi")
        assert [toolbox.path(name).read_text() for name in names] == list(names)
        assert sorted(path.name for path in toolbox.bin_dir.iterdir()) == list(names)

    def test_another_machine_gets_its_own_file(
        self, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(platform, "system", lambda: "Darwin")
        monkeypatch.setattr(platform, "machine", lambda: "arm64")
        with pytest.raises(UsageError):
            fetch(publisher, tmp_path, "pulumi")
        assert "darwin-arm64" not in publisher.asked[0]  # First the checksums, which are of all machines.
        version = VERSIONS["pulumi"]
        publisher.files[publisher.asked[0]] = f"{'1' * 64}  pulumi-v{version}-darwin-arm64.tar.gz\n".encode()
        with pytest.raises(UsageError, match="answered 404"):
            fetch(publisher, tmp_path, "pulumi")
        assert publisher.asked[-1] == f"/get.pulumi.com/releases/sdk/pulumi-v{version}-darwin-arm64.tar.gz"

    def test_the_mirror_can_be_set_from_outside(
        self, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        offer_kubectl(publisher)
        monkeypatch.setenv(MIRROR_VARIABLE, publisher.url)
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
        toolbox = ensure(["kubectl"], console=Console(file=io.StringIO()), folder=tmp_path / "tools")
        assert toolbox.path("kubectl").read_bytes() == BINARY


def truncated(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(BINARY)


def stalled(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(BINARY)
    handler.wfile.flush()
    time.sleep(0.6)


class TestBad:
    @pytest.fixture(autouse=True)
    def _nothing_is_kept(self, tmp_path: Path) -> Iterator[None]:
        yield
        assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"] == []

    def test_wrong_checksum(self, publisher: Publisher, tmp_path: Path) -> None:
        offer_etcd(publisher, sums=f"{'a' * 64}  etcd-v{VERSIONS['etcd']}-linux-amd64.tar.gz".encode())
        with pytest.raises(UsageError, match=f"its publisher says {'a' * 64}"):
            fetch(publisher, tmp_path, "etcd")

    def test_no_checksum_file(self, publisher: Publisher, tmp_path: Path) -> None:
        path = offer_etcd(publisher)
        del publisher.files[next(name for name in publisher.files if name.endswith("SHA256SUMS"))]
        with pytest.raises(UsageError, match="SHA256SUMS: answered 404"):
            fetch(publisher, tmp_path, "etcd")
        assert path not in publisher.asked

    @pytest.mark.parametrize(
        "sums", [b"", b"\n", b"deadbeef  etcd-v0-linux-amd64.tar.gz", b"<html>sign in</html>"]
    )
    def test_checksum_file_without_the_checksum(
        self, publisher: Publisher, tmp_path: Path, sums: bytes
    ) -> None:
        offer_etcd(publisher, sums=sums)
        with pytest.raises(UsageError, match="an unchecked file is not used"):
            fetch(publisher, tmp_path, "etcd")

    def test_empty_single_checksum(self, publisher: Publisher, tmp_path: Path) -> None:
        publisher.files[f"{offer_kubectl(publisher)}.sha256"] = b""
        with pytest.raises(UsageError, match="an unchecked file is not used"):
            fetch(publisher, tmp_path, "kubectl")

    @pytest.mark.parametrize("digest", [None, "sha512:00", "sha256:00", ""])
    def test_github_without_a_digest(self, publisher: Publisher, tmp_path: Path, digest: object) -> None:
        offer_kwok(publisher, digest)
        with pytest.raises(UsageError, match="an unchecked file is not used"):
            fetch(publisher, tmp_path, "kwok")

    def test_github_answering_something_else(self, publisher: Publisher, tmp_path: Path) -> None:
        offer_kwok(publisher, None)
        api = next(name for name in publisher.files if name.startswith("/api."))
        publisher.files[api] = b'{"message": "rate limit exceeded"}'
        with pytest.raises(UsageError, match="an unchecked file is not used"):
            fetch(publisher, tmp_path, "kwok")

    def test_no_binary(self, publisher: Publisher, tmp_path: Path) -> None:
        path = offer_kubectl(publisher)
        del publisher.files[path]
        with pytest.raises(UsageError, match="kubectl: answered 404"):
            fetch(publisher, tmp_path, "kubectl")

    def test_half_a_file(self, publisher: Publisher, tmp_path: Path) -> None:
        publisher.files[offer_kubectl(publisher)] = truncated
        with pytest.raises(UsageError, match="without sending complete message body"):
            fetch(publisher, tmp_path, "kubectl")

    def test_a_transfer_that_stalls(self, publisher: Publisher, tmp_path: Path) -> None:
        publisher.files[offer_kubectl(publisher)] = stalled
        with pytest.raises(UsageError, match="timed out"):
            fetch(publisher, tmp_path, "kubectl")

    @pytest.mark.parametrize(
        "content", [b"no archive", tar_gz({"etcd": BINARY}), tar_gz({"a": BINARY})[:-20]]
    )
    def test_an_archive_that_is_none_or_lacks_the_binary(
        self, publisher: Publisher, tmp_path: Path, content: bytes
    ) -> None:
        offer_etcd(publisher, content=content)
        with pytest.raises(UsageError, match="cannot be unpacked"):
            fetch(publisher, tmp_path, "etcd")

    @pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64")])
    def test_a_machine_without_releases(
        self,
        publisher: Publisher,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        system: str,
        machine: str,
    ) -> None:
        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(platform, "machine", lambda: machine)
        with pytest.raises(UsageError, match=f"no release for {system.lower()} on {machine.lower()}"):
            fetch(publisher, tmp_path, "etcd")
        assert publisher.asked == []


def test_a_directory_in_the_binarys_place(publisher: Publisher, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"etcd-v{VERSIONS['etcd']}-linux-amd64/etcd")
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    offer_etcd(publisher, content=buffer.getvalue())
    with pytest.raises(UsageError, match="is not a file"):
        fetch(publisher, tmp_path, "etcd")


def test_a_publisher_that_cannot_be_reached_is_tried_once_a_run(tmp_path: Path) -> None:
    with publishing() as gone:
        pass
    source = ReleaseSource(mirror=gone.url, timeout=QUICK)
    console = Console(file=io.StringIO())
    with pytest.raises(UsageError, match=r"dl\.k8s\.io.*refused"):
        ensure(["kubectl"], console=console, folder=tmp_path, sources=[source])
    with publishing() as back:
        offer_kubectl(back)
        source._mirror = back.url  # noqa: SLF001 - the publisher comes back under its old address
        with pytest.raises(UsageError, match=r"dl\.k8s\.io.*refused"):
            ensure(["kubectl"], console=console, folder=tmp_path, sources=[source])
        assert back.asked == []
