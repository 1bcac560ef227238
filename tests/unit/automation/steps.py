"""Steps of the engine as its event log holds them."""

from __future__ import annotations

from typing import Any

from pulumi.automation.events import StepEventMetadata

API = "kubernetes:apps/v1:Deployment"


def state(urn: str, token: str, **sides: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are of any kind
    return {"type": token, "urn": urn, "id": "", "parent": "", "provider": "", **sides}


def step(  # noqa: PLR0913 - each is a part of an event
    op: str,
    name: str,
    *,
    of_type: str = API,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    diff: tuple[str, ...] = (),
    side: str = "inputs",
) -> StepEventMetadata:
    """Return a step on the object that the program calls ``name``."""
    urn = f"urn:pulumi:dev::iotistic::{of_type}::{name}"
    data = {
        "op": op,
        "urn": urn,
        "type": of_type,
        "provider": "",
        "old": None if old is None else state(urn, of_type, **{side: old}),
        "new": None if new is None else state(urn, of_type, **{side: new}),
        "detailedDiff": {path: {"diffKind": "update", "inputDiff": True} for path in diff},
    }
    return StepEventMetadata.from_json(data)


def named(name: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 - properties are of any kind
    return {"metadata": {"name": name, "namespace": "customer-acme"}, **rest}
