"""One comment and one issue, against a server on this machine that keeps them as GitHub does."""

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

from ops.automation.changes import Change, Operation
from ops.automation.github import GitHub, GitHubError
from ops.automation.reports import DriftReport, PreviewReport, write_reports
from ops.cli.app import app
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOT = "github-actions[bot]"
DRIFTED = DriftReport(stack="dev", changes=(Change(operation=Operation.DELETE, kind="Pod", name="x/y"),))


@dataclass
class Repository:
    """What the server keeps.

    Attributes:
        comments: Comments of pull request 7.
        issues: All issues.
        status: Answered instead, where it is not 200.
        asked: What was asked for: method and path.
    """

    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
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


def test_a_second_run_writes_the_same_comment_anew(repository: Repository, tmp_path: Path) -> None:
    repository.add(repository.comments, "<!-- iotistic:preview -->\nsomebody's own", user="mallory")
    repository.add(repository.comments, None)
    for number in range(120):
        repository.add(repository.comments, f"talk {number}", user="someone")
    for stack in ("dev", "prod"):
        write_reports(tmp_path, [PreviewReport(stack=stack)])
        run("comment", "--number=7", f"--reports={tmp_path}")
    own = [one["body"] for one in repository.comments if one["user"]["login"] == BOT and one["body"]]
    assert len(own) == 1
    assert own[0].startswith("<!-- iotistic:preview -->\n# What this change does")
    assert "Stack `prod`" in own[0]
    assert repository.comments[0]["body"].endswith("somebody's own")


def test_a_stack_whose_job_died_is_told(repository: Repository, tmp_path: Path) -> None:
    run("comment", "--number=7", f"--reports={tmp_path}", '--expect=["dev"]')
    assert "There is no report" in repository.comments[0]["body"]


def test_drift_has_one_issue_until_it_is_gone(repository: Repository, tmp_path: Path) -> None:
    write_reports(tmp_path, [DRIFTED])
    run("issue", f"--reports={tmp_path}")
    run("issue", f"--reports={tmp_path}")
    assert [one["state"] for one in repository.issues] == ["open"]
    assert "`x/y`" in repository.issues[0]["body"]

    write_reports(tmp_path, [DriftReport(stack="dev")])
    run("issue", f"--reports={tmp_path}", '--expect=["dev", "prod"]')
    assert repository.issues[0]["state"] == "open", "prod was not looked at"
    run("issue", f"--reports={tmp_path}", '--expect=["dev"]')
    assert repository.issues[0]["state"] == "closed"
    assert "nothing to close" in run("issue", f"--reports={tmp_path}")
    assert len(repository.issues) == 1


def test_without_its_variables_everything_missing_is_named_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        GitHub.from_environment({}, author=BOT)
    assert [one.where for one in refused.value.problems] == ["$GITHUB_REPOSITORY", "$GITHUB_TOKEN"]


def test_a_refusal_is_told_without_the_token(repository: Repository, tmp_path: Path) -> None:
    repository.status = 403
    write_reports(tmp_path, [DRIFTED])
    told = run("issue", f"--reports={tmp_path}", expect=1)
    assert "GitHub answered 403" in told
    assert "t0ken" not in told


def test_a_server_that_is_not_there_is_told() -> None:
    nowhere = {"GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "t"}
    with pytest.raises(GitHubError, match="GET issues"):
        GitHub.from_environment(nowhere, author=BOT).close_issue("", name="drift")


def test_an_expectation_that_is_no_list_is_refused(tmp_path: Path) -> None:
    assert "is no JSON list of names" in run("issue", f"--reports={tmp_path}", "--expect=dev", expect=2)
