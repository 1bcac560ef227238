"""Whether a cloud's provider takes the properties it is given, by its own SDK's description of them.

The type checker sees what the code says. This sees what arrives at the engine.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import typing
from collections import abc
from enum import Enum
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi.runtime.mocks import MockResourceArgs

PACKAGES = {"azure-native": "pulumi_azure_native", "aws": "pulumi_aws", "gcp": "pulumi_gcp"}


def wrong_properties(resource: MockResourceArgs) -> list[str]:
    """Return what the provider of a cloud's resource would refuse, each with its path.

    That is: properties that it does not know, that are missing, or that are of another type.
    """
    return list(_wrong_in(resource.inputs, _description(resource.typ), resource.typ))


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


def _wrong_in(values: dict[str, Any], description: type, path: str) -> Iterator[str]:
    """Yield what is wrong with the properties of one description."""
    known = input_type_types(description)
    called = input_type_py_to_pulumi_names(description)
    for name, parameter in list(inspect.signature(description).parameters.items()):
        if parameter.default is inspect.Parameter.empty and values.get(called[name]) is None:
            yield f"{path}.{called[name]} is missing"
    for name, value in values.items():
        if name not in known:
            yield f"{path}.{name} is not known"
        elif value is not None:
            yield from _wrong(value, list(_alternatives(known[name])), f"{path}.{name}")


def _wrong(value: Any, kinds: list[Any], path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield what is wrong with a value that may be of any of these types."""
    if Any in kinds:
        return
    if isinstance(value, list) and (of := _within(kinds, abc.Sequence)):
        for item in value:
            yield from _wrong(item, of, f"{path}[]")
    elif isinstance(value, dict) and (of := _within(kinds, abc.Mapping)):
        for name, inner in value.items():
            yield from _wrong(inner, of, f"{path}.{name}")
    elif isinstance(value, dict) and (described := [kind for kind in kinds if is_input_type(kind)]):
        yield from _wrong_in(value, described[0], path)
    elif not any(_is_of(value, kind) for kind in kinds if isinstance(kind, type)):
        yield f"{path} is {value!r}, not of {' or '.join(str(kind) for kind in kinds)}"


def _is_of(value: object, kind: type) -> bool:
    """Return whether a plain value is of a type. A boolean is no number here.

    On the way to the engine all numbers get a fraction.
    """
    if issubclass(kind, Enum):
        return value in {item.value for item in kind}
    plain = int if isinstance(value, float) and value.is_integer() else type(value)
    return plain in ({int, float} if kind is float else {kind})


def _within(kinds: list[Any], container: type) -> list[Any]:
    """Return the types of what a list holds, or a map from free names, if any of these types is one."""
    held = [typing.get_args(kind)[-1] for kind in kinds if typing.get_origin(kind) is container]
    return [kind for found in held for kind in _alternatives(found)]


def _alternatives(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - a type, or what typing makes of types
    """Yield the types that a property may be of, without the ways of saying that it is not known yet."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        for inner in typing.get_args(kind):
            yield from _alternatives(inner)
    elif typing.get_origin(kind) not in {abc.Awaitable, pulumi.Output} and not typing.is_typeddict(kind):
        yield kind
