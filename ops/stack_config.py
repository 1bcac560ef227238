"""What the committed ``Pulumi.<environment>.yaml`` says about an environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ops.known import require_known
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def environments(root: Path) -> list[str]:
    """Return the names of the environments that have a committed configuration."""
    return sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))


def committed_config(environment: str, *, root: Path) -> Mapping[str, Any]:
    """Return the configuration of an environment as it stands in git.

    Args:
        environment: Its name, such as ``dev``.
        root: The project's folder.

    Raises:
        UsageError: There is no such environment, or its file is broken.
    """
    require_known(
        "environment",
        environment,
        environments(root),
        where="--env",
        why="nothing says which domain and which folder it has",
    )
    path = root / f"Pulumi.{environment}.yaml"
    try:
        config: Mapping[str, Any] = YAML(typ="safe").load(path)["config"]
        config["iotistic:environment"], config["iotistic:domain"]
    except (YAMLError, KeyError, TypeError) as error:
        raise UsageError.of(
            where=str(path),
            what="does not give iotistic:environment and iotistic:domain below config",
            why="tenants' hosts are checked against the domain",
            how="restore the file from git",
        ) from error
    return config


def project_defaults(root: Path) -> dict[str, str]:
    """Return what the project file sets where a stack says nothing, as the engine hands it on.

    Args:
        root: The project's folder.
    """
    described: Mapping[str, Any] = YAML(typ="safe").load(root / "Pulumi.yaml")["config"]
    return {key: as_engine_text(entry["default"]) for key, entry in described.items() if "default" in entry}


def as_engine_text(value: object) -> str:
    """Return a value of a configuration as the engine hands it to the program: always as text."""
    return value if isinstance(value, str) else json.dumps(value)
