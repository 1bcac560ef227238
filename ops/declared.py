"""One customer's instance as the program would declare it, without the secrets and the cluster's keys."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from infra.clusters.cloud_settings import CLOUDS
from infra.configuration import read_settings
from infra.customer.model import Credentials, Instance
from infra.images import load_images
from infra.program import image_source, surroundings_of
from ops.stack_config import as_engine_text, committed_config, project_defaults
from ops.workspace import tenant_of
from tenants.secrets import MASTER_KEY_BYTES

if TYPE_CHECKING:
    from ops.workspace import Workspace

_PREFIX: Final = "iotistic:"
_WITHHELD: Final = {
    "masterKey": base64.b64encode(bytes(MASTER_KEY_BYTES)).decode(),
    "licencePrivateKeys": "{}",
}
"""In place of the secrets. Nothing is derived from them and nothing is signed."""

_NO_ACCESS: Final = {"kubeconfig": "withheld", "kubeContext": "withheld"}
"""In place of the access to a cluster, which an object says nothing about."""


def declared_instance(workspace: Workspace, tenant_id: str) -> Instance:
    """Return a customer's instance, from the registry and the committed configuration.

    Raises:
        UsageError: There is no such tenant, or the registry or the configuration is refused.
    """
    tenant = tenant_of(workspace.registry(), tenant_id)
    config = _configuration(workspace)
    settings = read_settings(config.get, stack=workspace.environment)
    return Instance(
        tenant=tenant,
        surroundings=surroundings_of(settings),
        images=load_images(image_source(settings)).pinned(tenant.version),
        credentials=Credentials.withheld(tenant),
    )


def _configuration(workspace: Workspace) -> dict[str, str]:
    """Return every key as the engine hands it to the program: by its name, and always as text."""
    defaults = project_defaults(workspace.root)
    committed = {
        key.removeprefix(_PREFIX): value
        for key, value in committed_config(workspace.environment, root=workspace.root).items()
    }
    access = {} if committed.get("cluster") in CLOUDS else _NO_ACCESS
    return {
        key: as_engine_text(_without_secrets(value))
        for key, value in {**defaults, **committed, **access, **_WITHHELD}.items()
    }


def _without_secrets(value: object) -> object:
    """Return a value with a word in the place of everything that the engine has encrypted."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {"secure"}:
        return "withheld"
    return {key: _without_secrets(held) for key, held in value.items()}
