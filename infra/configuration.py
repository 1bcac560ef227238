"""Reads a stack's configuration: every key by itself, then what only all of them together tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from infra.platform.backup_store_rules import backup_problems
from infra.platform.cloud_rules import cloud_problems
from infra.platform.front_rules import front_problems
from infra.platform.monitoring_problems import monitoring_problems
from infra.preview import preview_problems
from infra.settings import WITHOUT_DEFAULT, Settings
from infra.settings_problems import problem_of
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def read_settings(get: Callable[[str], str | None], *, stack: str) -> Settings:
    """Read and check every key.

    Args:
        get: Returns the value of a configuration key, or None where it is not set.
        stack: Name of the stack, for the messages.

    Raises:
        UsageError: With one problem for each key that is missing or wrong, or else for each
            combination that cannot work.
    """
    values: dict[str, str] = {
        key: value
        for key in map(to_camel, Settings.model_fields)
        if (value := get(key)) is not None and not (value == "none" and key in WITHOUT_DEFAULT)
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise UsageError(problem_of(Settings, detail, stack=stack) for detail in error.errors()) from None
    # A preview stands on another stack's platform and declares none of its own.
    whole = (front_problems, monitoring_problems, cloud_problems, backup_problems)
    rules = whole if settings.preview is None else (preview_problems,)
    where = f"Pulumi.{stack}.yaml"
    if problems := [problem for rule in rules for problem in rule(settings, where=where)]:
        raise UsageError(problems)
    return settings
