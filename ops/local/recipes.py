"""What is known about each tool: how to ask its version, where it is released, how it is built.

Versions are not here but in ``versions.yaml``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.local.versions import ToolVersions


class ChecksumFormat(enum.Enum):
    """How a publisher writes the SHA-256 of a release file."""

    SUMS = "sums"
    """A text file of lines ``<hash>  <file name>``."""
    SINGLE = "single"
    """A text file that starts with the hash."""
    GITHUB = "github"
    """GitHub's description of a release, which carries a digest for each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where a publisher offers a file.

    The texts may hold ``{version}``, ``{os}`` (linux, darwin) and ``{arch}`` (amd64, arm64).

    Attributes:
        url: Address of the binary itself or of a ``.tar.gz``.
        checksum_url: Address of its published checksum.
        checksum_format: How to read that.
        members: For an archive, the path in it of each binary; empty for a bare binary.
        arch_names: Where the publisher calls a machine type something else.
    """

    url: str
    checksum_url: str
    checksum_format: ChecksumFormat
    members: Mapping[str, str] = field(default_factory=dict)
    arch_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBuild:
    """A binary built from a package of a pinned Go module.

    Attributes:
        binary: Name of the result.
        directory: Folder under ``tools/`` with the ``go.mod`` and ``go.sum``.
        package: Import path of the main package.
        stamps: Values for the linker's ``-X``, by variable; may hold ``{version}``.
    """

    binary: str
    directory: str
    package: str
    stamps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoScript:
    """A script copied out of a pinned Go module, as it is."""

    binary: str
    directory: str
    module: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One thing to find: a binary, or several that only exist together.

    Attributes:
        name: Its name, and its folder's.
        version: Wanted version without a leading ``v``.
        binaries: Names of the files it provides; the first is asked for its version.
        version_arguments: Arguments that make the first binary print its version; None if there are none.
        release: Where it is published; None if no binary is.
        builds: How to make each binary with Go; empty for a tool that is a Python package.
        python_module: For a Python package, the module that is the program.
        optional: True if only asked for by name.
    """

    name: str
    version: str
    binaries: tuple[str, ...]
    version_arguments: tuple[str, ...] | None
    release: Release | None
    builds: tuple[GoBuild | GoScript, ...] = ()
    python_module: str | None = None
    optional: bool = False


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


def _etcd(version: str) -> Tool:
    archive = "etcd-v{version}-{os}-{arch}"
    return Tool(
        name="etcd",
        version=version,
        binaries=("etcd",),
        version_arguments=("--version",),
        release=Release(
            url=_GITHUB.format(repository="etcd-io/etcd", file=f"{archive}.tar.gz"),
            checksum_url=_GITHUB.format(repository="etcd-io/etcd", file="SHA256SUMS"),
            checksum_format=ChecksumFormat.SUMS,
            members={"etcd": f"{archive}/etcd"},
        ),
        builds=(GoBuild(binary="etcd", directory="kubernetes", package="go.etcd.io/etcd/server/v3"),),
    )


def _kubernetes(
    name: str, version: str, version_arguments: tuple[str, ...], *, optional: bool = False
) -> Tool:
    url = f"https://dl.k8s.io/release/v{{version}}/bin/{{os}}/{{arch}}/{name}"
    major, minor, _ = version.split(".", 2)
    component = "k8s.io/component-base/version"
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=version_arguments,
        release=Release(url=url, checksum_url=f"{url}.sha256", checksum_format=ChecksumFormat.SINGLE),
        builds=(
            GoBuild(
                binary=name,
                directory="kubernetes",
                package=f"k8s.io/kubernetes/cmd/{name}",
                stamps={
                    f"{component}.gitVersion": "v{version}",
                    f"{component}.gitMajor": major,
                    f"{component}.gitMinor": minor,
                },
            ),
        ),
        optional=optional,
    )


def _kwok(name: str, version: str, kubernetes: str) -> Tool:
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=("--version",),
        release=_github_release("kubernetes-sigs/kwok", f"{name}-{{os}}-{{arch}}"),
        builds=(
            GoBuild(
                binary=name,
                directory="kwok",
                package=f"sigs.k8s.io/kwok/cmd/{name}",
                stamps={
                    "sigs.k8s.io/kwok/pkg/consts.Version": "v{version}",
                    "sigs.k8s.io/kwok/pkg/consts.KubeVersion": f"v{kubernetes}",
                },
            ),
        ),
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
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=None,
        release=_github_release(
            "pulumi/pulumi-kubernetes",
            f"{name}-v{{version}}-{{os}}-{{arch}}.tar.gz",
            members={name: name},
        ),
        builds=(
            GoBuild(
                binary=name,
                directory=name,
                package=".",
                stamps={"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": "{version}"},
            ),
        ),
    )


def _helm(version: str) -> Tool:
    url = "https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz"
    return Tool(
        name="helm",
        version=version,
        binaries=("helm",),
        version_arguments=("version", "--short"),
        release=Release(
            url=url,
            checksum_url=f"{url}.sha256sum",
            checksum_format=ChecksumFormat.SUMS,
            members={"helm": "{os}-{arch}/helm"},
        ),
        builds=(
            GoBuild(
                binary="helm",
                directory="helm",
                package="helm.sh/helm/v3/cmd/helm",
                stamps={"helm.sh/helm/v3/internal/version.version": "v{version}"},
            ),
        ),
        optional=True,
    )


def _coredns(version: str) -> Tool:
    url = _GITHUB.format(repository="coredns/coredns", file="coredns_{version}_{os}_{arch}.tgz")
    return Tool(
        name="coredns",
        version=version,
        binaries=("coredns",),
        version_arguments=("-version",),
        release=Release(
            url=url,
            checksum_url=f"{url}.sha256",
            checksum_format=ChecksumFormat.SUMS,
            members={"coredns": "coredns"},
        ),
        builds=(GoBuild(binary="coredns", directory="coredns", package="github.com/coredns/coredns"),),
        optional=True,
    )


def _kube_router(version: str) -> Tool:
    name = "kube-router"
    module = "github.com/cloudnativelabs/kube-router/v2"
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=("--version",),
        release=_github_release(
            "cloudnativelabs/kube-router",
            f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz",
            members={name: name},
        ),
        builds=(
            GoBuild(
                binary=name,
                directory=name,
                package=f"{module}/cmd/{name}",
                stamps={f"{module}/pkg/version.Version": "v{version}"},
            ),
        ),
        optional=True,
    )


def _cert_manager(version: str) -> Tool:
    module = "github.com/cert-manager/cert-manager"
    return Tool(
        name="cert-manager",
        version=version,
        binaries=("cert-manager",),
        version_arguments=None,
        release=None,
        builds=(
            GoBuild(
                binary="cert-manager",
                directory="cert-manager",
                package=f"{module}/cmd/controller",
                stamps={f"{module}/pkg/util.AppVersion": "v{version}"},
            ),
        ),
        optional=True,
    )


def _kube_score(version: str) -> Tool:
    name = "kube-score"
    repository = f"zegl/{name}"
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=("version",),
        release=Release(
            url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_{{os}}_{{arch}}"),
            checksum_url=_GITHUB.format(repository=repository, file="checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
        ),
        builds=(
            GoBuild(
                binary=name,
                directory=name,
                package=f"github.com/{repository}/cmd/{name}",
                stamps={"main.version": "v{version}"},
            ),
        ),
        optional=True,
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
    repository = "rhysd/actionlint"
    return Tool(
        name=name,
        version=version,
        binaries=(name,),
        version_arguments=("-version",),
        release=Release(
            url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_{{os}}_{{arch}}.tar.gz"),
            checksum_url=_GITHUB.format(repository=repository, file=f"{name}_{{version}}_checksums.txt"),
            checksum_format=ChecksumFormat.SUMS,
            members={name: name},
        ),
        builds=(
            GoBuild(
                binary=name,
                directory=name,
                package=f"github.com/{repository}/cmd/{name}",
                stamps={f"github.com/{repository}.version": "{version}"},
            ),
        ),
        optional=True,
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
