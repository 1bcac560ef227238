"""The whole program under an engine that records what is declared and does nothing."""

from __future__ import annotations

import base64
import json
import logging
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from infra import program
from infra.program import REGISTRY_DIRECTORY, declare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

INSTANCE = "iotistic:customer:CustomerInstance"
LOGGER = logging.getLogger("engine")
RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass
class RecordingEngine(Mocks):
    """Records every resource, and answers that the stack holds the customers ``deployed``.

    Attributes:
        deployed: Each customer in the stack's state, with the lifecycle that was last applied.
        declared: What the program declared. The order is not that of the program: registrations overlap.
        looked_at: What it only read.
        protected: Names of what the engine is told never to delete.
        waits: For each name, and kind and name, what it waits for, by both.
        ignores: For each name the properties that are left as the cloud has them, if there are any.
    """

    deployed: Mapping[str, str] = field(default_factory=dict)
    declared: list[MockResourceArgs] = field(default_factory=list)
    looked_at: list[MockResourceArgs] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)
    waits: dict[str, set[str]] = field(default_factory=dict)
    ignores: dict[str, list[str]] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        # What has an id beforehand is looked at, and not declared.
        (self.looked_at if args.resource_id else self.declared).append(args)
        return f"{args.name}-id", args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        assert args.token.endswith(":readStackResourceOutputs"), args.token
        held = {
            f"urn:pulumi:dev::iotistic::{INSTANCE}::{tenant}": {"lifecycle": lifecycle}
            for tenant, lifecycle in self.deployed.items()
        }
        return {"outputs": {urn: {"type": INSTANCE, "outputs": of_it} for urn, of_it in held.items()}}, []

    def kubernetes_objects(self) -> list[MockResourceArgs]:
        return [
            resource
            for resource in self.declared
            if resource.typ.startswith("kubernetes:") and resource.typ != RELEASE
        ]

    def releases(self) -> dict[str, MockResourceArgs]:
        """Return the charts, by the name of their release."""
        return {resource.inputs["name"]: resource for resource in self.declared if resource.typ == RELEASE}


class OrderMonitor(MockMonitor):
    """Tells the engine what mocks alone are not told: what a resource waits for, and its protection."""

    def __init__(self, engine: RecordingEngine) -> None:
        super().__init__(engine)
        self._engine = engine

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - as the SDK's own
        names = {urn.rpartition("::")[2] for urn in request.dependencies}
        names |= {_kind_and_name(urn) for urn in request.dependencies}
        if request.provider:
            # The provider's name stands before its id.
            names.add(request.provider.split("::")[-2])
        # Resources of several types may have one name.
        for key in (request.name, f"{request.type.rpartition(':')[2]}:{request.name}"):
            self._engine.waits.setdefault(key, set()).update(names)
        if request.ignoreChanges:
            self._engine.ignores[request.name] = list(request.ignoreChanges)
        if request.protect:
            self._engine.protected.add(request.name)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's own


def _kind_and_name(urn: str) -> str:
    """Return what tells resources of one name apart: ``Subnet:cloud-private-a``."""
    kind, name = urn.split("::")[-2:]
    return f"{kind.rpartition(':')[2]}:{name}"


@dataclass(frozen=True)
class Run:
    """One run of the program.

    Attributes:
        engine: What was declared.
        outputs: What the program returned as the stack's outputs.
    """

    engine: RecordingEngine
    outputs: dict[str, Any]


@pytest.fixture(scope="session")
def config(licence_private_key: str) -> dict[str, str]:
    """A complete configuration of a dev stack."""
    return {
        "environment": "dev",
        "domain": "iotistic.localhost",
        "cluster": "simulated",
        "clusterIdentifier": "test",
        "kubeconfig": "kubeconfig",
        "kubeContext": "test",
        "storageClass": "standard",
        "ingressClass": "traefik",
        "awaitRoutes": "true",
        "routes": "ingress",
        "brokerIssuer": "iotistic-ca",
        "monitoring": "true",
        "backupRepository": "volume",
        "protect": "false",
        "masterKey": base64.b64encode(bytes(range(32))).decode(),
        "licencePrivateKeys": json.dumps({"1": licence_private_key}),
    }


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dev environment's registry, which the program reads instead: it may be edited."""
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program, "REGISTRY_DIRECTORY", tmp_path / "tenants" / "registry")
    folder = tmp_path / "tenants" / "registry" / "dev"
    shutil.copytree(REGISTRY_DIRECTORY / "dev", folder)
    return folder


@pytest.fixture
def run_program() -> Callable[..., Run]:
    """Run the program: ``run_program(config, deployed={"acme": "active"})``."""

    def run(config: dict[str, str], *, deployed: Mapping[str, str] | None = None) -> Run:
        engine = RecordingEngine(deployed or {})
        pulumi.runtime.set_mocks(
            engine, project="iotistic", stack="dev", logger=LOGGER, monitor=OrderMonitor(engine)
        )
        pulumi.runtime.set_all_config({f"iotistic:{key}": value for key, value in config.items()})
        outputs: dict[str, Any] = {}

        async def program() -> None:
            outputs.update(await declare())

        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call] # the SDK leaves it untyped
        return Run(engine, outputs)

    return run
