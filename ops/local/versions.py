"""Reads the tool and definition versions out of ``versions.yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from pathlib import Path


class ToolVersions(BaseModel):
    """The parts of ``versions.yaml`` that the tools need.

    Attributes:
        tools: Version of each binary (or family of binaries), without a leading ``v``.
        crds: Version of each set of custom resource definitions.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    tools: dict[str, str]
    crds: dict[str, str]


def load_versions(path: Path) -> ToolVersions:
    """Return the versions written in ``path``.

    Raises:
        UsageError: The file is missing, no YAML, or lacks a part.
    """
    try:
        return ToolVersions.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except (OSError, YAMLError) as error:
        raise _unusable(path, [("", str(error))]) from error
    except ValidationError as error:
        parts = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
        raise _unusable(path, parts) from error


def _unusable(path: Path, parts: list[tuple[str, str]]) -> UsageError:
    return UsageError(
        Problem(
            where=f"{path.name}: {key}" if key else path.name,
            what=message,
            why="without the versions no tool can be found or built",
            how="restore the file from git",
        )
        for key, message in parts
    )
