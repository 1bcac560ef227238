"""Whether a cloud's provider knows the properties it is given, by its own SDK's description of them.

The type checker sees what the code says. This sees what arrives at the engine.
"""

from __future__ import annotations

import importlib
import sys
import typing
from typing import TYPE_CHECKING, Any

from pulumi._types import input_type_types, is_input_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi.runtime.mocks import MockResourceArgs

PACKAGES = {"azure-native": "pulumi_azure_native", "aws": "pulumi_aws", "gcp": "pulumi_gcp"}


def unknown_properties(resource: MockResourceArgs) -> list[str]:
    """Return the properties, as paths, that the provider of a cloud's resource does not know."""
    description = _description(resource.typ)
    return list(_unknown(resource.inputs, [description], resource.typ))


def is_of_a_cloud(resource: MockResourceArgs) -> bool:
    """Return whether a resource is one of a cloud's, and not the cloud's provider."""
    return package_of(resource) in PACKAGES


def package_of(resource: MockResourceArgs) -> str:
    """Return the package that a resource's type is of."""
    return resource.typ.partition(":")[0]


def _description(token: str) -> type:
    """Return the class that describes a resource's properties: of ``aws:eks/cluster:Cluster``."""
    package, module, name = token.split(":")
    module = module.partition("/")[0]
    resource = getattr(importlib.import_module(f"{PACKAGES[package]}.{module}"), name)
    defined_in = sys.modules[resource.__module__]
    # Where a property's own type has the name that the resource's would have, it is called so.
    description: type = getattr(defined_in, f"{name}InitArgs", None) or getattr(defined_in, f"{name}Args")
    return description


def _unknown(value: Any, descriptions: list[type], path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, descriptions, f"{path}[]")
    elif isinstance(value, dict) and descriptions:
        known = {name: kind for found in descriptions for name, kind in input_type_types(found).items()}
        for name, inner in value.items():
            if name not in known:
                yield f"{path}.{name}"
            else:
                yield from _unknown(inner, list(_described(known[name])), f"{path}.{name}")


def _described(kind: Any) -> Iterator[type]:  # noqa: ANN401 - a type, or what typing makes of types
    """Return the descriptions within a property's type; a map from free names to texts has none."""
    if isinstance(kind, type) and is_input_type(kind):
        yield kind
    elif typing.get_origin(kind) is not dict:
        for inner in typing.get_args(kind):
            yield from _described(inner)
