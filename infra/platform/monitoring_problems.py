"""Choices about monitoring and logs that cannot work, refused before anything is declared."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from infra.findings import problems
from infra.platform.alertmanager import NOBODY
from infra.platform.monitoring_settings import (
    SIGN_ON_SECRET,
    EmailReceiver,
    PagerDutyReceiver,
    WebhookReceiver,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.findings import Finding
    from infra.platform.monitoring_settings import AnyReceiver
    from infra.settings import Settings
    from tenants.errors import Problem

_PUT: Final = "pulumi config set --secret --path iotistic:monitoringSecrets."


def monitoring_problems(settings: Settings, *, where: str) -> list[Problem]:
    """Return everything about monitoring and logs that cannot work.

    Args:
        settings: The stack's configuration.
        where: Its file, for the messages.
    """
    found = [*_logs(settings), *_own(settings)]
    if settings.monitoring_stack.install:
        found += [*_stack(settings), *_receivers(settings), *_secrets(settings)]
    return problems(found, where=where)


def _logs(settings: Settings) -> Iterator[Finding]:
    if settings.logging.install and settings.cluster == "simulated":
        yield (
            "logging.install",
            "is true, on a cluster whose pods do not run",
            "the run would wait for Loki until it gives up, and there are no logs",
            "leave it out",
        )
    if settings.logging.store is not None and settings.cloud is None:
        yield (
            "logging.store",
            f"is set, on the cluster {settings.cluster}",
            "it is made in the cloud of a cluster that the stack makes, and this is none",
            "leave it out: logs are kept on the volume",
        )


def _own(settings: Settings) -> Iterator[Finding]:
    if settings.monitoring_stack.install and settings.monitoring_stack.service is not None:
        yield (
            "monitoringStack.service",
            "names a Service, and the stack installs a Prometheus of its own",
            "usage would be asked of one that does not watch the customers",
            "leave it out, or set monitoringStack.install to false",
        )


def _stack(settings: Settings) -> Iterator[Finding]:
    if settings.cluster == "simulated":
        yield (
            "monitoringStack.install",
            "is true, on a cluster whose pods do not run",
            "the run would wait for Prometheus until it gives up",
            "leave it out: rules are declared there, and checked, without anything that reads them",
        )
    if not settings.monitoring:
        yield (
            "monitoring",
            "is false, and the stack installs Prometheus",
            "it would be told of no target and no rule, and nobody would hear of any fault",
            "set iotistic:monitoring to true",
        )


def _receivers(settings: Settings) -> Iterator[Finding]:
    receivers = settings.monitoring_stack.receivers
    key = "monitoringStack.receivers"
    if not any(_hears_of_everything_critical(receiver) for receiver in receivers):
        yield (
            key,
            "has nobody who is told of every critical alert",
            "the platform could be down and no one would know",
            "add one without tenants and plans: docs/guides/monitoring.md has one of each kind",
        )
    names = Counter(receiver.name for receiver in receivers)
    for name, count in sorted(names.items()):
        taken = 1 if name in {NOBODY, SIGN_ON_SECRET} else 0
        if count + taken > 1:
            yield (
                key,
                f"has the name {name} more than once"
                if not taken
                else f"has the name {name}, which is taken",
                "it would not be known who is meant",
                "give each a name of its own",
            )


def _hears_of_everything_critical(receiver: AnyReceiver) -> bool:
    heartbeat = isinstance(receiver, WebhookReceiver) and receiver.heartbeat
    return "critical" in receiver.severities and receiver.for_everything and not heartbeat


def _secrets(settings: Settings) -> Iterator[Finding]:
    given, wanted = settings.monitoring_secrets, settings.monitoring_stack.secret_names
    for name in sorted(given.keys() - wanted):
        yield (
            f"monitoringSecrets.{name}",
            "is the secret of no receiver",
            "a receiver whose name is misspelt would have none",
            "use a receiver's name, or take it out",
        )
    for receiver in settings.monitoring_stack.receivers:
        addressed = not isinstance(receiver, EmailReceiver | PagerDutyReceiver)
        secret = given.get(receiver.name)
        if addressed and secret is not None and not _at_https(secret):
            yield (
                f"monitoringSecrets.{receiver.name}",
                "is no address that begins with https:// and has no port",
                "alerts would go out readable for everybody, or be held back by the network policy",
                f"{_PUT}{receiver.name}",
            )


def _at_https(address: str) -> bool:
    """Return whether an address is one of HTTPS at its own port. It may hold a token: no repeating it."""
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0]
    return scheme == "https" and bool(host) and ":" not in host and "@" not in host
