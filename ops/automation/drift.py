"""Drift: what differs from what was declared, and what nobody declared."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ops.automation.access import cluster_of
from ops.automation.failures import FAILURES, told
from ops.automation.reports import DriftReport, Stray
from ops.automation.undeclared import customers_objects, declared_objects, undeclared
from ops.stack_config import committed_config
from ops.workspace import ROOT

if TYPE_CHECKING:
    from ops.automation.engine import Stack
    from ops.automation.undeclared import ObjectKey


def drift_of(stack: Stack) -> DriftReport:
    """Return how the objects of a stack differ from what was declared. Nothing is changed."""
    try:
        return DriftReport(stack=stack.name, changes=stack.drift(), undeclared=_strays(stack))
    except FAILURES as error:
        return DriftReport(stack=stack.name, errors=told(error, stack=stack.name))


def _strays(stack: Stack) -> tuple[Stray, ...]:
    environment = str(committed_config(stack.name, root=ROOT)["iotistic:environment"])
    resources = stack.resources()
    with tempfile.TemporaryDirectory() as folder:
        access = cluster_of(resources, stack=stack.name, folder=Path(folder))
        items = customers_objects(stack.toolbox, access, environment=environment)
    return tuple(
        Stray(kind=key.kind, name=_name(key))
        for key in undeclared(items, declared=declared_objects(resources))
    )


def _name(key: ObjectKey) -> str:
    return f"{key.namespace}/{key.name}" if key.namespace else key.name
