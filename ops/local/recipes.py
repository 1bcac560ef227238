"""What is known about each tool. Versions are not here but in ``versions.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.local.recipe import ChecksumFormat, GoBuild, GoScript, Release, Substitute, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.local.versions import ToolVersions

_GITHUB = "https://github.com/{repository}/releases/download/v{{version}}/{file}"
_GITHUB_DIGESTS = "https://api.github.com/repos/{repository}/releases/tags/v{{version}}"


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
        _coredns(wanted["coredns"]),
        _kube_router(wanted["kube-router"]),
        _cert_manager(wanted["cert-manager"]),
        _kube_score(wanted["kube-score"]),
        _checkov(wanted["checkov"]),
        _actionlint(wanted["actionlint"]),
        _pebble(wanted["pebble"]),
        _traefik(wanted["traefik"]),
    ]
    return {tool.name: tool for tool in tools}


def _github_release(repository: str, file: str, members: Mapping[str, str] | None = None) -> Release:
    """Return a release of a project that publishes no checksum file: GitHub tells the digests."""
    return Release(
        url=_GITHUB.format(repository=repository, file=file),
        checksum_url=_GITHUB_DIGESTS.format(repository=repository),
        checksum_format=ChecksumFormat.GITHUB,
        members=members or {},
    )


def _go_tool(  # noqa: PLR0913 - a tool has this many independent parts
    name: str,
    version: str,
    *,
    package: str,
    release: Release | None,
    asked: tuple[str, ...] | None,
    directory: str | None = None,
    stamps: Mapping[str, str] | None = None,
    substitute: Substitute | None = None,
    optional: bool = True,
) -> Tool:
    """Return a tool of one binary, which one Go package makes.

    Args:
        name: The tool's and the binary's name.
        version: The wanted version.
        package: Import path of the main package.
        release: Where it is published; None if no binary is.
        asked: Arguments that make it print its version; None if there are none.
        directory: Folder under ``tools/`` with its ``go.mod``, if not one of its own name.
        stamps: Values for the linker's ``-X``.
        substitute: What is changed in a module before it is built.
        optional: True if only asked for by name.
    """
    build = GoBuild(
        binary=name,
        directory=directory or name,
        package=package,
        stamps=stamps or {},
        substitute=substitute,
    )
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=asked,
        release=release,
        builds=(build,),
        optional=optional,
    )


def _etcd(version: str) -> Tool:
    archive = "etcd-v{version}-{os}-{arch}"
    return _go_tool(
        "etcd",
        version,
        package="go.etcd.io/etcd/server/v3",
        release=Release(
            url=_GITHUB.format(repository="etcd-io/etcd", file=f"{archive}.tar.gz"),
            checksum_url=_GITHUB.format(repository="etcd-io/etcd", file="SHA256SUMS"),
            checksum_format=ChecksumFormat.SUMS,
            members={"etcd": f"{archive}/etcd"},
        ),
        asked=("--version",),
        directory="kubernetes",
        optional=False,
    )


def _kubernetes(name: str, version: str, asked: tuple[str, ...], *, optional: bool = False) -> Tool:
    url = f"https://dl.k8s.io/release/v{{version}}/bin/{{os}}/{{arch}}/{name}"
    major, minor, _ = version.split(".", 2)
    component = "k8s.io/component-base/version"
    return _go_tool(
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
    return _go_tool(
        name,
        version,
        package=f"sigs.k8s.io/kwok/cmd/{name}",
        release=_github_release("kubernetes-sigs/kwok", f"{name}-{{os}}-{{arch}}"),
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
            checksum_url=_GITHUB.format(repository="pulumi/pulumi", file="pulumi-{version}-checksums.txt"),
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
    return _go_tool(
        name,
        version,
        package=".",
        release=_github_release(
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
    return _go_tool(
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


def _coredns(version: str) -> Tool:
    url = _GITHUB.format(repository="coredns/coredns", file="coredns_{version}_{os}_{arch}.tgz")
    return _go_tool(
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
    return _go_tool(
        name,
        version,
        package=f"{module}/cmd/{name}",
        release=_github_release(
            "cloudnativelabs/kube-router",
            f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz",
            members={name: name},
        ),
        asked=("--version",),
        stamps={f"{module}/pkg/version.Version": "v{version}"},
    )


def _cert_manager(version: str) -> Tool:
    module = "github.com/cert-manager/cert-manager"
    return _go_tool(
        "cert-manager",
        version,
        package=f"{module}/cmd/controller",
        release=None,
        asked=None,
        stamps={f"{module}/pkg/util.AppVersion": "v{version}"},
    )


def _kube_score(version: str) -> Tool:
    name = "kube-score"
    repository = f"zegl/{name}"
    return _go_tool(
        name,
        version,
        package=f"github.com/{repository}/cmd/{name}",
        release=Release(
            url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_{{os}}_{{arch}}"),
            checksum_url=_GITHUB.format(repository=repository, file="checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
        ),
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
    return _go_tool(
        name,
        version,
        package=f"github.com/{repository}/cmd/{name}",
        release=Release(
            url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz"),
            checksum_url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
            members={name: name},
        ),
        asked=("-version",),
        stamps={f"github.com/{repository}.version": "{version}"},
    )


def _pebble(version: str) -> Tool:
    name = "pebble"
    repository = f"letsencrypt/{name}"
    folder = f"{name}-{{os}}-{{arch}}"
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=("-version",),
        release=_github_release(
            repository, f"{folder}.tar.gz", members={name: f"{folder}/{{os}}/{{arch}}/{name}"}
        ),
        builds=(
            GoBuild(
                binary=name,
                directory=name,
                package=f"github.com/{repository}/v2/cmd/{name}",
                stamps={"main.version": "v{version}"},
            ),
        ),
        optional=True,
    )


def _traefik(version: str) -> Tool:
    name = "traefik"
    repository = f"traefik/{name}"
    module = f"github.com/{repository}/v3"
    return _go_tool(
        name,
        version,
        package=f"{module}/cmd/{name}",
        release=Release(
            url=_GITHUB.format(repository=repository, file=f"{name}_v{{version}}_{{os}}_{{arch}}.tar.gz"),
            checksum_url=_GITHUB.format(repository=repository, file=f"{name}_v{{version}}_checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
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
