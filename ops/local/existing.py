"""Clusters that exist already, as the user's own kubeconfig names them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ops.local.kubeconfig import KubeAccess, encode_file, write_kubeconfig
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTS: Final = {"contexts": "context", "clusters": "cluster", "users": "user"}
"""The lists of a kubeconfig, and under which key each item holds its content."""
_FILE_KEYS: Final = ("certificate-authority", "client-certificate", "client-key")
"""Keys that name a file; with ``-data`` appended they hold its content."""


def describe(context: str) -> str:
    """Return ``<context> at <server>``, for a person who is to confirm it.

    Raises:
        UsageError: The user's kubeconfig has no such context, or cannot be read.
    """
    cluster, _, _ = _look_up(context)
    return f"{context} at {cluster.content['server']}"


def access(context: str, destination: Path) -> KubeAccess:
    """Write a kubeconfig for ``context`` alone to ``destination`` and return how to use it.

    Certificates are copied in, so that it goes on working wherever it is read.
    Commands that fetch a token (``exec``) are kept: they need their program on this machine.

    Raises:
        UsageError: The user's kubeconfig has no such context, or cannot be read.
    """
    cluster, user, namespace = _look_up(context)
    return write_kubeconfig(
        destination,
        context=context,
        cluster=_self_contained(cluster),
        user=_self_contained(user),
        namespace=namespace,
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """One item of a kubeconfig's lists, and the folder that relative names in it start from."""

    content: dict[str, Any]
    folder: Path


def _look_up(context: str) -> tuple[_Entry, _Entry, str | None]:
    """Return cluster, user and namespace of ``context``."""
    files = _files()
    merged = _merge(files)
    names = ", ".join(str(path) for path in files)
    if context not in merged["contexts"]:
        known = ", ".join(sorted(merged["contexts"])) or "none at all"
        raise UsageError.of(
            where=f"CLUSTER={context}",
            what=f"{names} has no context of that name",
            why="it is unclear which cluster is meant, and the wrong one could be changed",
            how=f"use one of those that exist ({known}), or leave CLUSTER out for the embedded cluster",
        )
    chosen = merged["contexts"][context].content
    cluster = merged["clusters"].get(chosen.get("cluster", ""))
    user = merged["users"].get(chosen.get("user", ""), _Entry({}, Path()))
    if cluster is None or "server" not in cluster.content:
        raise UsageError.of(
            where=f"{names}: context {context}",
            what=f"its cluster {chosen.get('cluster')!r} is not in the file, or has no server",
            why="the cluster cannot be reached",
            how="repair the context, or choose another",
        )
    return cluster, user, chosen.get("namespace")


def _files() -> list[Path]:
    """Return the kubeconfigs that kubectl would read, in its order."""
    listed = os.environ.get("KUBECONFIG", "")
    files = [Path(name).expanduser() for name in listed.split(os.pathsep) if name]
    return files or [Path("~/.kube/config").expanduser()]


def _merge(files: list[Path]) -> dict[str, dict[str, _Entry]]:
    """Return contexts, clusters and users by name; as with kubectl the first file to name one wins."""
    merged: dict[str, dict[str, _Entry]] = {name: {} for name in _LISTS}
    for path in files:
        if not path.exists():  # kubectl passes over these too.
            continue
        document = _read(path)
        for name, key in _LISTS.items():
            for entry, content in _entries(path, document, name, key):
                merged[name].setdefault(entry, _Entry(content, path.parent))
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        document = YAML(typ="safe", pure=True).load(path)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not a mapping")
    return document


def _entries(
    path: Path, document: dict[str, Any], name: str, key: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    items = document.get(name) or []
    if not isinstance(items, list):
        raise _unreadable(path, f"{name} is not a list")
    for item in items:
        if not isinstance(item, dict) or "name" not in item:
            raise _unreadable(path, f"{name} has an entry without a name")
        content = item.get(key) or {}
        if not isinstance(content, dict):
            raise _unreadable(path, f"{key} of {item['name']} is not a mapping")
        yield str(item["name"]), content


def _self_contained(entry: _Entry) -> dict[str, Any]:
    """Return the entry's content with files replaced by what is in them."""
    copied = dict(entry.content)
    for key in _FILE_KEYS:
        if key in copied:
            file = entry.folder / copied.pop(key)
            try:
                copied[f"{key}-data"] = encode_file(file)
            except OSError as error:
                raise _unreadable(file, str(error)) from error
    return copied


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError.of(
        where=str(path),
        what=f"it cannot be read as a kubeconfig: {reason}",
        why="the cluster cannot be looked up",
        how="repair the file, or point KUBECONFIG at another",
    )
