"""A store that speaks as much of S3 as restic does, and lets in whoever signs with its key.

Run as a program it serves one bucket from a folder: ``object_store.py <folder> <address> <port> <id> <key>``.
Source of the signature: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

BUCKET: Final = "backups"
_SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]+)"
)
_KEPT: Final = "x-amz-content-sha256"


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    access: tuple[str, str]

    def _signature(self, scope: str, names: str) -> str:
        """Return what the request's signature has to be."""
        url = urlsplit(self.path)
        query = sorted(parse_qsl(url.query, keep_blank_values=True))
        request = "\n".join(
            (
                self.command,
                url.path,
                "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query),
                *(f"{name}:{self.headers[name].strip()}" for name in names.split(";")),
                "",
                names,
                self.headers[_KEPT],
            )
        )
        key = f"AWS4{self.access[1]}".encode()
        for part in scope.split("/"):
            key = _keyed(key, part)
        digest = hashlib.sha256(request.encode()).hexdigest()
        return _keyed(key, f"AWS4-HMAC-SHA256\n{self.headers['x-amz-date']}\n{scope}\n{digest}").hex()

    def _lets_in(self) -> bool:
        found = _SIGNED.fullmatch(self.headers.get("Authorization", ""))
        if found and found["id"] == self.access[0]:
            return found["signature"] == self._signature(found["scope"], found["names"])
        return False

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _object(self) -> Path:
        return self.folder / quote(unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/"), safe="")

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._lets_in():
            self._fail(403, "AccessDenied")
        elif urlsplit(self.path).path.rstrip("/") == f"/{BUCKET}":
            self._bucket()
        elif self.command == "PUT":
            self._object().write_bytes(self._plain(content))
            self._answer(200, ETag='"0"')
        elif not self._object().is_file():
            self._fail(404, "NoSuchKey")
        elif self.command == "DELETE":
            self._object().unlink()
            self._answer(204)
        else:
            self._read()

    do_GET = do_HEAD = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def _read(self) -> None:
        held = self._object().read_bytes()
        status = 200
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            held = held[int(found[1]) : int(found[2]) + 1 if found[2] else None]
            status = 206
        self._answer(status, held, ETag='"0"', Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT")

    def _bucket(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if "location" in query:
            self._answer(200, b"<LocationConstraint></LocationConstraint>")
            return
        entries = "".join(
            f"<Contents><Key>{unquote(file.name)}</Key><Size>{file.stat().st_size}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for file in sorted(self.folder.iterdir())
            if unquote(file.name).startswith(query.get("prefix", ""))
        )
        head = f"<Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>"
        self._answer(200, f"<ListBucketResult>{head}{entries}</ListBucketResult>".encode())

    def _plain(self, content: bytes) -> bytes:
        """Return what was sent, which comes in signed pieces where the connection is not encrypted."""
        if not self.headers[_KEPT].startswith("STREAMING-"):
            return content
        plain = b""
        while content:
            head, _, rest = content.partition(b"\r\n")
            length = int(head.partition(b";")[0], 16)
            if not length:
                break
            plain, content = plain + rest[:length], rest[length + 2 :]
        return plain


def main() -> None:
    """Serve until somebody ends it."""
    folder, address, port, *access = sys.argv[1:]
    _Handler.folder = Path(folder)
    _Handler.access = (access[0], access[1])
    ThreadingHTTPServer((address, int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main()
