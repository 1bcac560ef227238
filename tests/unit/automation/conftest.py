"""A server on this machine that keeps comments and issues as GitHub does, and the command that asks it."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from ops.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

BOT = "github-actions[bot]"


@dataclass
class Repository:
    """What the server keeps.

    Attributes:
        comments: Comments of pull request 7.
        issues: All issues.
        pulls: The state of each pull request. Others there are not.
        status: Answered instead, where it is not 200.
        asked: What was asked for: method and path.
    """

    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, str] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def add(self, kind: list[dict[str, Any]], body: str | None, user: str = BOT, state: str = "open") -> None:
        number = len(kind) + 1
        address = f"https://example.org/{number}"
        author = {"login": user}
        kind.append(
            {
                "id": number,
                "number": number,
                "body": body,
                "state": state,
                "user": author,
                "html_url": address,
            }
        )


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """Return a repository, named by the variables that a workflow has."""
    kept = Repository()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do(self) -> None:
            path = urlsplit(self.path)
            kept.asked.append(f"{self.command} {path.path}")
            size = int(self.headers.get("Content-Length", 0))
            sent = json.loads(self.rfile.read(size)) if size else {}
            answer: object = {}
            if self.headers["Authorization"] != "Bearer t0ken":
                kept.status = 401
            elif kept.status == 200:
                answer = self.answer(path.path.removeprefix("/repos/o/r/"), parse_qs(path.query), sent)
            data = json.dumps(answer).encode()
            self.send_response(kept.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def answer(self, path: str, query: dict[str, list[str]], sent: dict[str, Any]) -> object:
            if path.startswith("pulls/"):
                number = int(path.removeprefix("pulls/"))
                return {"number": number, "state": kept.pulls[number]} if number in kept.pulls else []
            kind = kept.comments if "comments" in path else kept.issues
            if self.command == "GET":
                shown = [one for one in kind if one["state"] in query.get("state", [one["state"]])]
                start = (int(query["page"][0]) - 1) * int(query["per_page"][0])
                return shown[start : start + int(query["per_page"][0])]
            if self.command == "POST":
                kept.add(kind, sent["body"])
                kind[-1].update(sent)
                return kind[-1]
            (number,) = re.findall(r"/(\d+)$", path)
            kind[int(number) - 1].update(sent)
            return kind[int(number) - 1]

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - the names that the server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, ["ci", *arguments])
    assert result.exit_code == expect, result.output
    return result.output
