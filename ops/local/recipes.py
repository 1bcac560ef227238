"""What is known about each tool. Versions are not here but in ``versions.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.local.recipe import ChecksumFormat, GoBuild, GoScript, Release, Tool
from ops.local.recipe_forms import GITHUB, github_release, go_tool, summed_release
from ops.local.recipes_node import node_tools
from ops.local.recipes_tests import test_tools

if TYPE_CHECKING:
    from ops.local.versions import ToolVersions


def known_tools(versions: ToolVersions) -> dict[str, Tool]:
    """Return every tool by name, in the order in which they are best fetched."""
    wanted = versions.tools
    kubernetes = wanted["kubernetes"]
    tools = [
        _etcd(wanted["etcd"]),
        _kubernetes("kubectl", kubernetes, ("version", "--client", "--output=json")),
        *(
            _kubernetes(name, kubernetes, ("--version",))
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        *(_kwok(name, wanted["kwok"], kubernetes) for name in ("kwok", "kwokctl")),
        _pulumi(wanted["pulumi"]),
        _pulumi_kubernetes(wanted["pulumi-resource-kubernetes"]),
        _helm(wanted["helm"]),
        *(_kubernetes(name, kubernetes, ("--version",), optional=True) for name in ("kubelet", "kube-proxy")),
        *node_tools(wanted),
        *test_tools(wanted),
    ]
    return {tool.name: tool for tool in tools}


def _etcd(version: str) -> Tool:
    archive = "etcd-v{version}-{os}-{arch}"
    return go_tool(
        "etcd",
        version,
        package="go.etcd.io/etcd/server/v3",
        release=summed_release(
            "etcd-io/etcd", f"{archive}.tar.gz", sums="SHA256SUMS", members={"etcd": f"{archive}/etcd"}
        ),
        asked=("--version",),
        directory="kubernetes",
        optional=False,
    )


def _kubernetes(name: str, version: str, asked: tuple[str, ...], *, optional: bool = False) -> Tool:
    url = f"https://dl.k8s.io/release/v{{version}}/bin/{{os}}/{{arch}}/{name}"
    major, minor, _ = version.split(".", 2)
    component = "k8s.io/component-base/version"
    return go_tool(
        name,
        version,
        package=f"k8s.io/kubernetes/cmd/{name}",
        release=Release(url=url, checksum_url=f"{url}.sha256", checksum_format=ChecksumFormat.SINGLE),
        asked=asked,
        directory="kubernetes",
        stamps={
            f"{component}.gitVersion": "v{version}",
            f"{component}.gitMajor": major,
            f"{component}.gitMinor": minor,
        },
        optional=optional,
    )


def _kwok(name: str, version: str, kubernetes: str) -> Tool:
    return go_tool(
        name,
        version,
        package=f"sigs.k8s.io/kwok/cmd/{name}",
        release=github_release("kubernetes-sigs/kwok", f"{name}-{{os}}-{{arch}}"),
        asked=("--version",),
        directory="kwok",
        stamps={
            "sigs.k8s.io/kwok/pkg/consts.Version": "v{version}",
            "sigs.k8s.io/kwok/pkg/consts.KubeVersion": f"v{kubernetes}",
        },
        optional=False,
    )


def _pulumi(version: str) -> Tool:
    language_host = "pulumi-language-python"
    binaries = ("pulumi", language_host, f"{language_host}-exec")
    return Tool(
        name="pulumi",
        version=version,
        binaries=binaries,
        version_arguments=("version",),
        release=Release(
            url="https://get.pulumi.com/releases/sdk/pulumi-v{version}-{os}-{arch}.tar.gz",
            checksum_url=GITHUB.format(repository="pulumi/pulumi", file="pulumi-{version}-checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
            members={binary: f"pulumi/{binary}" for binary in binaries},
            arch_names={"amd64": "x64"},
        ),
        builds=(
            GoBuild(
                binary="pulumi",
                directory="pulumi",
                package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                stamps={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v{version}"},
            ),
            # The language host's module carries no version of its own and builds
            # only against an older engine library, hence a go.mod apart.
            GoBuild(
                binary=language_host,
                directory=language_host,
                package="github.com/pulumi/pulumi/sdk/python/cmd/pulumi-language-python/v3",
            ),
            GoScript(
                binary=f"{language_host}-exec",
                directory="pulumi",
                module="github.com/pulumi/pulumi/sdk/v3",
                path="python/cmd/pulumi-language-python-exec",
            ),
        ),
    )


def _pulumi_kubernetes(version: str) -> Tool:
    name = "pulumi-resource-kubernetes"
    return go_tool(
        name,
        version,
        package=".",
        release=github_release(
            "pulumi/pulumi-kubernetes",
            f"{name}-v{{version}}-{{os}}-{{arch}}.tar.gz",
            members={name: name},
        ),
        asked=None,
        stamps={"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": "{version}"},
        optional=False,
    )


def _helm(version: str) -> Tool:
    url = "https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz"
    return go_tool(
        "helm",
        version,
        package="helm.sh/helm/v3/cmd/helm",
        release=Release(
            url=url,
            checksum_url=f"{url}.sha256sum",
            checksum_format=ChecksumFormat.SUMS,
            members={"helm": "{os}-{arch}/helm"},
        ),
        asked=("version", "--short"),
        stamps={"helm.sh/helm/v3/internal/version.version": "v{version}"},
    )
