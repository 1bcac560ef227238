"""What is wrong with a stack's configuration, with the command that mends each key and nothing beside it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from infra.clusters.cloud_settings import CLOUDS
from tenants.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

_GUID: Final = "00000000-0000-0000-0000-00000000000"
EXAMPLES: Final[Mapping[str, str | list[str]]] = {
    "environment": "prod",
    "domain": "iot.example.com",
    "cluster": "existing",
    "clusterIdentifier": "iotistic-prod",
    "kubeconfig": "/etc/iotistic/kubeconfig",
    "kubeContext": "prod",
    "storageClass": "standard",
    "ingressClass": "traefik",
    "awaitRoutes": "true",
    "routes": "ingress",
    "brokerIssuer": "none",
    "monitoring": "false",
    "backupRepository": "none",
    "protect": "true",
    "cloud.kubernetesVersion": "1.35",
    "cloud.apiCidrs": ["203.0.113.0/24"],
    "cloud.aks.region": "westeurope",
    "cloud.aks.subscriptionId": f"{_GUID}1",
    "cloud.aks.tenantId": f"{_GUID}2",
    "cloud.aks.adminGroupIds": [f"{_GUID}3"],
    "cloud.aks.keyVaultName": "iotistic-prod",
    "cloud.eks.region": "eu-central-1",
    "cloud.eks.accountId": "123456789012",
    "cloud.eks.adminRoleArns": ["arn:aws:iam::123456789012:role/ci"],
    "cloud.gke.region": "europe-west1",
    "cloud.gke.kubernetesVersion": "1.35.1",
    "cloud.gke.project": "iotistic-prod",
    "cloud.gke.projectNumber": "123456789012",
    "backupStore.name": "iotisticprodbackups",
    "billing.image": "registry.example.com/iotistic/billing:1.0.0",
    "logging.store.name": "iotisticprodlogs",
    "monitoringStack.receivers.name": "night",
    "monitoringStack.receivers.channel": "#alerts",
    "monitoringStack.receivers.to": "night@example.com",
    "monitoringStack.receivers.sender": "alerts@example.com",
    "monitoringStack.receivers.host": "smtp.example.com",
    "monitoringStack.signOn.clientId": "grafana",
    "monitoringStack.signOn.authUrl": "https://id.example.com/authorize",
    "monitoringStack.signOn.tokenUrl": "https://id.example.com/token",
    "monitoringStack.signOn.apiUrl": "https://id.example.com/userinfo",
    "monitoringStack.signOn.domains": ["example.com"],
}
"""A value of each key that has to be set, by its path; in a cloud by the cloud's too, where it is its own."""

RECEIVERS: Final = ("email", "slack", "pagerduty", "webhook")
"""Kinds of those who are told of alerts."""

_PAIR: Final = ".local/licence-keys"
NEW_SECRETS: Final[Mapping[str, str]] = {
    "masterKey": "head --bytes 32 /dev/urandom | base64 | ",
    "licencePrivateKeys": (
        f".venv/bin/iotistic licence keygen {_PAIR} && python3 -c"
        " 'import json, sys; print(json.dumps({1: sys.stdin.read()}))'"
        f" < {_PAIR}/licence-private.pem | "
    ),
}
"""What makes a new stack's secrets, which then never stand in a command."""

_ONLY_ONCE: Final = (
    "  # for a new stack; one that had it needs the same again, or its passwords and licences change"
)
_MEANING: Final = "  # what it means: the key's description in Pulumi.yaml"
_WHY: Final = "nothing is declared from a configuration that is incomplete or wrong"
_LOOKS_TYPED: Final = re.compile(r"[+-]?\d+|true|false")
"""Text that the engine would take for a number or a truth value beneath a key."""


def problem_of(model: type[BaseModel], detail: ErrorDetails, *, stack: str) -> Problem:
    """Turn one finding of the settings into a problem in this project's words.

    Args:
        model: The settings.
        detail: What pydantic found. What is missing it calls by its name in the model.
        stack: Name of the stack.
    """
    tagged = tuple(part if isinstance(part, int) else to_camel(part) for part in detail["loc"])
    path = tuple(
        part for before, part in zip((None, *tagged), tagged, strict=False) if not _is_tag(before, part)
    )
    missing = detail["type"] == "missing"
    return Problem(
        where=f"Pulumi.{stack}.yaml: iotistic:{'.'.join(map(str, path))}",
        what="is not set" if missing else f"is wrong: {detail['msg']}",
        why=_WHY,
        how=_how(model, detail, tagged=tagged, path=path, stack=stack),
    )


def object_keys(model: type[BaseModel]) -> set[str]:
    """Return the keys whose values are objects: one command for all of one would overwrite the rest of it."""
    return {
        field.alias or name
        for name, field in model.model_fields.items()
        if field.annotation is not None
        and any(issubclass(kind, BaseModel | dict) for kind in _kinds(field.annotation))
    } - {"imageOverrides", "licencePrivateKeys"}


def _how(
    model: type[BaseModel],
    detail: ErrorDetails,
    *,
    tagged: Sequence[str | int],
    path: Sequence[str | int],
    stack: str,
) -> str:
    key = str(path[0])
    secret = any(field.alias == key and not field.repr for field in model.model_fields.values())
    if detail["type"] == "extra_forbidden":
        return f"pulumi config rm --path {shlex.quote(_property(path))}{_MEANING}"
    if secret and key in object_keys(model):
        return (
            f"pulumi config set --secret --path 'iotistic:{key}.<name>' < file with the secret of that name"
        )
    if secret and detail["type"] == "missing":
        return f"{NEW_SECRETS[key]}pulumi config set --secret iotistic:{key}{_ONLY_ONCE}"
    if secret:
        return f"pulumi config set --secret iotistic:{key} < file with it{_MEANING}"
    whole = len(path) == 1 and key in object_keys(model)
    if whole or (isinstance(detail["input"], dict) and detail["type"] != "missing"):
        return f"edit iotistic:{'.'.join(map(str, path))} in Pulumi.{stack}.yaml{_MEANING}"
    return _command(path, _example(tagged)) + _MEANING


def _command(path: Sequence[str | int], example: str | list[str]) -> str:
    """Return the command that sets one value and leaves everything around it as it is."""
    if isinstance(example, list):
        path, example = (*path, 0), example[0]
    beneath = len(path) > 1
    options = ["--path"] if beneath else []
    if beneath and _LOOKS_TYPED.fullmatch(example):
        options += ["--type", "string"]
    return shlex.join(["pulumi", "config", "set", *options, _property(path), example])


def _example(tagged: Sequence[str | int]) -> str | list[str]:
    """Return a value for a path, of the cloud that it is in."""
    names = [part for part in tagged if isinstance(part, str)]
    plain = [name for name in names if name not in {*CLOUDS, *RECEIVERS}]
    found = EXAMPLES.get(".".join(names), EXAMPLES.get(".".join(plain), "<value>"))
    # A wrong entry of a list is mended by itself.
    return found[0] if isinstance(found, list) and isinstance(tagged[-1], int) else found


def _property(path: Sequence[str | int]) -> str:
    """Return a path as the engine's command takes it."""
    text = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" if part.isalnum() else f'["{part}"]'
        for part in path
    )
    return f"iotistic:{text.removeprefix('.')}"


def _is_tag(before: str | int | None, part: str | int) -> bool:
    """Return whether a part is the kind of a cloud or of a list's entry, which no path in a file has."""
    return part in (CLOUDS if before == "cloud" else RECEIVERS if isinstance(before, int) else ())


def _kinds(annotation: Any) -> Iterator[type]:  # noqa: ANN401 - what stands behind a name may be any type
    """Return the classes in an annotation."""
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type):
        yield kind
    for part in get_args(annotation):
        yield from _kinds(part)
