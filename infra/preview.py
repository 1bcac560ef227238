"""A preview: some customers of a pull request, on the platform of the stack that they stand beside.

Such a stack declares customers only. It may be removed at any moment and leaves nothing, so
it is refused wherever data is protected.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infra.clusters.cloud_settings import CLOUDS
from infra.customer.backup import VOLUME
from infra.customer.backup_access import NO_ACCESS
from infra.findings import problems
from infra.platform.certificates_settings import ACME_ISSUER
from tenants.errors import Problem, UsageError
from tenants.preview import preview_of
from tenants.validation import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.customer.model import Surroundings
    from infra.findings import Finding
    from infra.preview_settings import PreviewSettings
    from infra.settings import Settings
    from tenants.registry import Registry


def preview_problems(settings: Settings, *, where: str) -> list[Problem]:
    """Return why this configuration can have no preview.

    Args:
        settings: The stack's configuration.
        where: Its file, for the messages.
    """
    return problems(_findings(settings), where=where)


def _findings(settings: Settings) -> Iterator[Finding]:
    if settings.protect:
        yield (
            "preview",
            "is set, and iotistic:protect is true",
            "a preview runs what nobody has approved yet, and is deleted with everything in it",
            "set iotistic:protect to false, in an environment without real data; elsewhere make no preview",
        )
    if settings.cluster in CLOUDS:
        yield (
            "preview",
            f"is set, and iotistic:cluster is {settings.cluster}",
            "a cluster would be made for it, without the platform that customers stand on",
            "set iotistic:cluster to existing, with the kubeconfig of the stack it stands beside",
        )
    certificates = settings.certificates
    if (certificates.public and certificates.scope == "customer") or settings.broker_issuer == ACME_ISSUER:
        yield (
            "preview",
            "is set, where every customer has certificates of a public authority",
            "the authority signs few in a week for one domain, and real customers need them",
            "use one certificate for all (certificates.scope: wildcard), or a private authority",
        )


def previewed(registry: Registry, preview: PreviewSettings, *, folder: str, where: str) -> Registry:
    """Return a registry of nobody but the previews.

    Args:
        registry: The environment's.
        preview: Whom to show.
        folder: The environment's folder, for the messages.
        where: The configuration's file, likewise.

    Raises:
        UsageError: With one problem for each customer that the registry does not have.
    """
    tenants = {tenant.id: tenant for tenant in registry.tenants}
    if unknown := [name for name in preview.tenants if name not in tenants]:
        raise UsageError(
            Problem(
                where=f"{where}: iotistic:preview.tenants",
                what=f'there is no customer "{name}" in {folder}',
                why="the preview would show less than it says",
                how=f"{did_you_mean(name, list(tenants))}leave the id out, or bring its file back",
            )
            for name in unknown
        )
    shown = (preview_of(tenants[name], preview.number, until=preview.until) for name in preview.tenants)
    return replace(registry, tenants=tuple(shown))


def apart(surroundings: Surroundings) -> Surroundings:
    """Return the surroundings without what leads out of the cluster.

    Nobody is woken by a preview's alerts, nothing of it is kept in the environment's backups, and billing
    knows no such customer.
    """
    kept = surroundings.backup_repository if surroundings.backup_repository == VOLUME else None
    return replace(
        surroundings,
        monitoring=False,
        billing_port=None,
        backup_repository=kept,
        backup_route=None,
        backup_access=NO_ACCESS,
    )
