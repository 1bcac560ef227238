"""One comment on a pull request, one issue: found again by a hidden mark, written anew instead of added."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARK: Final = "<!-- iotistic:{name} -->"
"""Stands at the beginning of a text and is not shown. By it the text is found again."""

_PUBLIC: Final = "https://api.github.com"
_SECONDS: Final = 30
_PAGE: Final = 100
_NEEDED: Final = {
    "GITHUB_REPOSITORY": "it says which repository: <owner>/<name>",
    "GITHUB_TOKEN": "without a token nobody may write there",
}


class GitHubError(Exception):
    """GitHub refused, or did not answer. Nothing was written, or all of it."""


@dataclass(frozen=True, slots=True)
class GitHub:
    """A repository's comments and issues.

    Attributes:
        client: What reaches the repository's part of the interface.
        author: Who wrote the texts that may be written anew. A mark in anybody else's is not ours.
    """

    client: httpx.Client
    author: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ, *, author: str) -> GitHub:
        """Return the repository that a workflow's own variables name.

        Raises:
            UsageError: With one problem for each variable that is missing.
        """
        missing = [name for name in _NEEDED if not variables.get(name)]
        if missing:
            raise UsageError(
                Problem(
                    where=f"${name}",
                    what="is not set",
                    why=_NEEDED[name],
                    how=f"a workflow sets it; elsewhere: export {name}=...",
                )
                for name in missing
            )
        base = variables.get("GITHUB_API_URL", _PUBLIC).rstrip("/")
        client = httpx.Client(
            base_url=f"{base}/repos/{variables['GITHUB_REPOSITORY']}/",
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {variables['GITHUB_TOKEN']}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=_SECONDS,
            follow_redirects=True,
        )
        return cls(client, author)

    def write_comment(self, number: int, body: str, *, name: str) -> str:
        """Write the one comment of this name on a pull request, and return its address.

        Raises:
            GitHubError: It could not be written.
        """
        own = self._own(f"issues/{number}/comments", {}, name)
        text = {"body": _marked(body, name)}
        if own is None:
            return str(self._ask("POST", f"issues/{number}/comments", json=text)["html_url"])
        return str(self._ask("PATCH", f"issues/comments/{own['id']}", json=text)["html_url"])

    def write_issue(self, title: str, body: str, *, name: str) -> str:
        """Write the one open issue of this name, and return its address.

        Raises:
            GitHubError: It could not be written.
        """
        own = self._own("issues", {"state": "open"}, name)
        text = {"title": title, "body": _marked(body, name)}
        if own is None:
            return str(self._ask("POST", "issues", json=text)["html_url"])
        return str(self._ask("PATCH", f"issues/{own['number']}", json=text)["html_url"])

    def close_issue(self, body: str, *, name: str) -> str | None:
        """Close the open issue of this name with a last text, and return its address; None if there is none.

        Raises:
            GitHubError: It could not be closed.
        """
        own = self._own("issues", {"state": "open"}, name)
        if own is None:
            return None
        text = {"body": _marked(body, name), "state": "closed"}
        return str(self._ask("PATCH", f"issues/{own['number']}", json=text)["html_url"])

    def is_closed(self, number: int) -> bool:
        """Return whether a pull request is closed, merged or not.

        Raises:
            GitHubError: It could not be read, or there is none of this number.
        """
        path = f"pulls/{number}"
        answer = self._ask("GET", path)
        if not isinstance(answer, dict) or answer.get("state") not in {"open", "closed"}:
            unclear = f"GET {path}: the answer does not say whether it is open"
            raise GitHubError(unclear)
        return bool(answer["state"] == "closed")

    def _own(self, path: str, parameters: Mapping[str, str], name: str) -> dict[str, Any] | None:
        mark = MARK.format(name=name)
        for item in self._all(path, parameters):
            if item["user"]["login"] == self.author and (item["body"] or "").startswith(mark):
                return item
        return None

    def _all(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            items = self._ask("GET", path, params={**parameters, "per_page": str(_PAGE), "page": str(page)})
            yield from items
            if len(items) < _PAGE:
                return
            page += 1

    def _ask(self, method: str, path: str, **request: Any) -> Any:  # noqa: ANN401 - what the interface answers
        try:
            answer = self.client.request(method, path, **request)
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            refused = f"{method} {path}: GitHub answered {error.response.status_code}"
            raise GitHubError(refused) from None
        except (httpx.HTTPError, ValueError) as error:
            failed = f"{method} {path}: {error}"
            raise GitHubError(failed) from None


def _marked(body: str, name: str) -> str:
    return f"{MARK.format(name=name)}\n{body}"
