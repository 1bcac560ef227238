"""Recipes of what only tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.local.recipe import Substitute, Tool
from ops.local.recipe_forms import github_release, go_tool, summed_release

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_tools(wanted: Mapping[str, str]) -> list[Tool]:
    """Return what only tests run.

    Args:
        wanted: Versions by the tools' names.
    """
    return [
        _kube_score(wanted["kube-score"]),
        _checkov(wanted["checkov"]),
        _actionlint(wanted["actionlint"]),
        _pebble(wanted["pebble"]),
        _traefik(wanted["traefik"]),
        _kube_state_metrics(wanted["kube-state-metrics"]),
    ]


def _kube_score(version: str) -> Tool:
    name = "kube-score"
    repository = f"zegl/{name}"
    return go_tool(
        name,
        version,
        package=f"github.com/{repository}/cmd/{name}",
        release=summed_release(repository, f"{name}_{{version}}_{{os}}_{{arch}}", sums="checksums.txt"),
        asked=("version",),
        stamps={"main.version": "v{version}"},
    )


def _checkov(version: str) -> Tool:
    return Tool(
        name="checkov",
        version=version,
        binaries=("checkov",),
        version_arguments=("--version",),
        release=None,
        python_module="checkov.main",
        optional=True,
    )


def _actionlint(version: str) -> Tool:
    name = "actionlint"
    repository = f"rhysd/{name}"
    return go_tool(
        name,
        version,
        package=f"github.com/{repository}/cmd/{name}",
        release=summed_release(
            repository,
            f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz",
            sums=f"{name}_{{version}}_checksums.txt",
            members={name: name},
        ),
        asked=("-version",),
        stamps={f"github.com/{repository}.version": "{version}"},
    )


def _pebble(version: str) -> Tool:
    name = "pebble"
    repository = f"letsencrypt/{name}"
    folder = f"{name}-{{os}}-{{arch}}"
    return go_tool(
        name,
        version,
        package=f"github.com/{repository}/v2/cmd/{name}",
        release=github_release(
            repository, f"{folder}.tar.gz", members={name: f"{folder}/{{os}}/{{arch}}/{name}"}
        ),
        asked=("-version",),
        stamps={"main.version": "v{version}"},
    )


def _traefik(version: str) -> Tool:
    name = "traefik"
    repository = f"traefik/{name}"
    module = f"github.com/{repository}/v3"
    return go_tool(
        name,
        version,
        package=f"{module}/cmd/{name}",
        release=summed_release(
            repository,
            f"{name}_v{{version}}_{{os}}_{{arch}}.tar.gz",
            sums=f"{name}_v{{version}}_checksums.txt",
            members={name: name},
        ),
        asked=("version",),
        stamps={f"{module}/pkg/version.Version": "{version}"},
        # Of the companies that it can prove names with, each has a library of its own: most of the
        # program, and some are not to be had from the module proxy.
        substitute=Substitute(
            module="github.com/go-acme/lego/v5",
            path="providers/dns/zz_gen_dns_providers.go",
            ours="dns_providers.go.txt",
        ),
    )


def _kube_state_metrics(version: str) -> Tool:
    name = "kube-state-metrics"
    return go_tool(
        name,
        version,
        package=f"k8s.io/{name}/v2",
        # Since 2.19 a release has no binaries, only an image.
        release=None,
        asked=("version",),
        stamps={"github.com/prometheus/common/version.Version": "v{version}"},
    )
