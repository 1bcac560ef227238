"""How each wrong or missing value is mended: by a command that leaves everything beside it as it is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML

from infra.configuration import read_settings
from infra.platform.monitoring_settings import AnyReceiver
from infra.program import ROOT
from infra.settings import WITHOUT_DEFAULT, Settings
from infra.settings_problems import EXAMPLES, NEW_SECRETS, RECEIVERS, object_keys
from ops.stack_config import project_defaults
from tenants.errors import UsageError
from tests.program.clouds import CLOUDS, GUID, cloud_config

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_BY_HAND = ("preview.", "certificates.dnsSolver.")
"""What a command writes, and what is an object of somebody else's form."""

OF_A_RECEIVER = (
    "pulumi config set --secret --path 'iotistic:monitoringSecrets.<name>'"
    " < file with the secret of that name"
)


def fixes(config: dict[str, str]) -> dict[str, str]:
    with pytest.raises(UsageError) as refusal:
        read_settings(config.get, stack="prod")
    return {
        problem.where.partition("iotistic:")[2]: problem.how.partition("  # ")[0]
        for problem in refusal.value.problems
    }


def nothing_set(**given: str) -> dict[str, str]:
    return {**project_defaults(ROOT), **given}


def test_a_missing_value_is_set_by_its_path_with_an_example(config: dict[str, str]) -> None:
    found = fixes({**cloud_config(config, "aks"), "cloud": "{}"})
    assert found == {
        "cloud.region": "pulumi config set --path iotistic:cloud.region westeurope",
        "cloud.kubernetesVersion": "pulumi config set --path iotistic:cloud.kubernetesVersion 1.35",
        "cloud.apiCidrs": "pulumi config set --path 'iotistic:cloud.apiCidrs[0]' 203.0.113.0/24",
        "cloud.subscriptionId": f"pulumi config set --path iotistic:cloud.subscriptionId {GUID.format(1)}",
        "cloud.tenantId": f"pulumi config set --path iotistic:cloud.tenantId {GUID.format(2)}",
        "cloud.adminGroupIds": f"pulumi config set --path 'iotistic:cloud.adminGroupIds[0]' {GUID.format(3)}",
        "cloud.keyVaultName": "pulumi config set --path iotistic:cloud.keyVaultName iotistic-prod",
    }


def test_numbers_that_are_names_stay_text(config: dict[str, str]) -> None:
    found = fixes({**cloud_config(config, "eks"), "cloud": "{}"})
    assert found["cloud.accountId"] == (
        "pulumi config set --path --type string iotistic:cloud.accountId 123456789012"
    )


@pytest.mark.parametrize("cloud", CLOUDS)
def test_everything_that_is_missing_is_named_at_once_secrets_too(cloud: str) -> None:
    found = fixes(nothing_set(cluster=cloud))
    assert set(found) == {*WITHOUT_DEFAULT, *(f"cloud.{key}" for key in CLOUDS[cloud])}
    for key, command in NEW_SECRETS.items():
        assert found[key] == f"{command}pulumi config set --secret iotistic:{key}"


def test_what_has_no_default_is_called_none_and_nothing_else_that_is_required() -> None:
    defaults = project_defaults(ROOT)
    assert [key for key in WITHOUT_DEFAULT if defaults[key] != "none"] == []
    required = {to_camel(name) for name, field in Settings.model_fields.items() if field.is_required()}
    meant = {"brokerIssuer", "backupRepository"}
    assert {key for key in required if defaults[key] == "none"} == {*WITHOUT_DEFAULT, *meant}


@pytest.mark.parametrize(
    ("key", "value", "path", "fix"),
    [
        ("cloud", '{"nodes": 3}', "cloud.nodes", "pulumi config rm --path iotistic:cloud.nodes"),
        (
            "cloud",
            '{"apiCidrs": ["10.0.0.0/8", "0.0.0.0/0"]}',
            "cloud.apiCidrs.1",
            "pulumi config set --path 'iotistic:cloud.apiCidrs[1]' 203.0.113.0/24",
        ),
        (
            "cloud",
            '{"maintenance": {"hour": 22}}',
            "cloud.maintenance.hour",
            "pulumi config set --path iotistic:cloud.maintenance.hour '<value>'",
        ),
        (
            "cloud",
            '{"systemPool": {"least": 5, "most": 4}}',
            "cloud.systemPool",
            "edit iotistic:cloud.systemPool in Pulumi.prod.yaml",
        ),
        ("cloud", "[]", "cloud", "edit iotistic:cloud in Pulumi.prod.yaml"),
        ("protect", "perhaps", "protect", "pulumi config set iotistic:protect true"),
        ("masterKey", "short", "masterKey", "pulumi config set --secret iotistic:masterKey < file with it"),
        (
            "monitoringStack",
            '{"receivers": [{"kind": "slack", "name": "day"}]}',
            "monitoringStack.receivers.0.channel",
            "pulumi config set --path 'iotistic:monitoringStack.receivers[0].channel' '#alerts'",
        ),
        (
            "monitoringStack",
            '{"install": true, "receivers": [{"kind": "pagerduty", "name": "night"}]}',
            "monitoringSecrets",
            OF_A_RECEIVER,
        ),
    ],
)
def test_a_wrong_value_is_mended_where_it_is(
    config: dict[str, str], key: str, value: str, path: str, fix: str
) -> None:
    assert fixes({**cloud_config(config, "aks"), "monitoringSecrets": "{}", key: value})[path] == fix


def test_no_command_overwrites_an_object() -> None:
    described = project_types()
    assert object_keys(Settings) == {key for key, kind in described.items() if kind == "object"}
    for key in object_keys(Settings):
        for value in ("[]", "no object", '{"no-such-field": 1}'):
            for fix in fixes(nothing_set(cluster="aks", **{key: value})).values():
                words = shlex.split(fix.partition(" < ")[0], comments=True)
                assert words[:3] != ["pulumi", "config", "set"] or f"iotistic:{key}" not in words


def project_types() -> dict[str, str]:
    config = YAML(typ="safe").load(ROOT / "Pulumi.yaml")["config"]
    return {key: entry["type"] for key, entry in config.items()}


def test_every_value_that_has_to_be_set_has_an_example() -> None:
    paths = {path for path in required_paths(Settings) if not path.startswith(NOT_BY_HAND)}
    lacking = {path for path in paths if path not in EXAMPLES and without_cloud(path) not in EXAMPLES}
    assert lacking == set(NEW_SECRETS)
    used = paths | {without_cloud(path) for path in paths}
    assert set(EXAMPLES) - used == {"kubeconfig", "kubeContext"}


def required_paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield the path of each field without a default, with a cloud's kind where it is the cloud's own."""
    for name, field in model.model_fields.items():
        path = f"{before}{to_camel(name)}"
        if field.is_required() and name != "kind":
            yield path
        for kind in models_in(field.annotation):
            tag = next(iter(get_args(kind.model_fields["kind"].annotation)), "") if path == "cloud" else ""
            yield from required_paths(kind, f"{path}.{tag}." if tag else f"{path}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any type may have a name
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def without_cloud(path: str) -> str:
    return ".".join(part for part in path.split(".") if part not in CLOUDS)


def test_the_kinds_of_receivers_are_those_that_there_are() -> None:
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in models_in(AnyReceiver)}
    assert kinds == set(RECEIVERS)
