"""Recipes of what runs on a real node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.local.recipe import ChecksumFormat, Release, Tool
from ops.local.recipe_forms import GITHUB, github_release, go_tool

if TYPE_CHECKING:
    from collections.abc import Mapping


def node_tools(wanted: Mapping[str, str]) -> list[Tool]:
    """Return what runs on a real node beside the parts of Kubernetes.

    Args:
        wanted: Versions by the tools' names.
    """
    return [
        _coredns(wanted["coredns"]),
        _kube_router(wanted["kube-router"]),
        _cert_manager(wanted["cert-manager"]),
    ]


def _coredns(version: str) -> Tool:
    url = GITHUB.format(repository="coredns/coredns", file="coredns_{version}_{os}_{arch}.tgz")
    return go_tool(
        "coredns",
        version,
        package="github.com/coredns/coredns",
        release=Release(
            url=url,
            checksum_url=f"{url}.sha256",
            checksum_format=ChecksumFormat.SUMS,
            members={"coredns": "coredns"},
        ),
        asked=("-version",),
    )


def _kube_router(version: str) -> Tool:
    name = "kube-router"
    module = "github.com/cloudnativelabs/kube-router/v2"
    return go_tool(
        name,
        version,
        package=f"{module}/cmd/{name}",
        release=github_release(
            "cloudnativelabs/kube-router",
            f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz",
            members={name: name},
        ),
        asked=("--version",),
        stamps={f"{module}/pkg/version.Version": "v{version}"},
    )


def _cert_manager(version: str) -> Tool:
    module = "github.com/cert-manager/cert-manager"
    return go_tool(
        "cert-manager",
        version,
        package=f"{module}/cmd/controller",
        release=None,
        asked=None,
        stamps={f"{module}/pkg/util.AppVersion": "v{version}"},
    )
