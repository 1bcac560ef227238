"""Who may do what at a customer's broker, as its API knows it, and the API that the broker asks."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from infra.customer.ports import API_PORT
from tests.edge.network import inside
from tests.edge.world import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.edge.pods import Node

READ, WRITE, SUBSCRIBE = 1, 2, 4
"""Kinds of access, as the broker names them."""


@dataclass(frozen=True)
class Account:
    """One user of a broker.

    Attributes:
        password: Their password.
        topics: What they may do: a sum of kinds of access by topic.
        superuser: Whether they may do everything.
    """

    password: str
    topics: Mapping[str, int] = field(default_factory=dict)
    superuser: bool = False


@contextmanager
def asked_api(node: Node, accounts: Mapping[str, Account]) -> Iterator[list[str]]:
    """Answer a broker's questions in the place of the API, and yield the questions as they come."""
    asked: list[str] = []
    attributes = {"accounts": accounts, "asked": asked}
    server = inside(
        node.network,
        lambda: ThreadingHTTPServer((LOOPBACK, API_PORT), type("Answers", (_Answers,), attributes)),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    accounts: Mapping[str, Account]
    asked: list[str]

    def do_POST(self) -> None:
        question = self.path.removeprefix("/mosquitto-auth/")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(question)
        self.send_response(200 if self._allows(question, body) else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _allows(self, question: str, body: Mapping[str, Any]) -> bool:
        account = self.accounts.get(body["username"])
        if account is None:
            return False
        if question == "user":
            return bool(account.password == body["password"])
        if question == "superuser":
            return account.superuser
        return question == "acl" and bool(account.topics.get(body["topic"], 0) & body["acc"])

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""
