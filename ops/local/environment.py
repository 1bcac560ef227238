"""The dev environment as a whole: up, down, and how it is."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from infra.program import read_registry, registry_folder
from infra.removal import refuse_vanished, tenants_among
from ops.local import existing, overrides, tools
from ops.local.cluster import EmbeddedCluster
from ops.local.engine_run import engine_run
from ops.local.first_secrets import LocalSecrets, ensure_secrets
from ops.local.inventory import Inventory
from ops.local.node import machine
from ops.local.node.node import TOOLS as NODE_TOOLS
from ops.local.node.node import RealNode
from ops.local.node.wanted import refuse_small_machine, wanted_images
from ops.local.refusals import refuse_moving_volumes, refuse_orphans
from ops.local.stack import LocalStack, holds_resources, state_file
from ops.local.target import HOME, STACK
from ops.local.tools import ROOT
from ops.stack_config import committed_config
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from ops.local.kubeconfig import KubeAccess
    from ops.local.target import Target
    from ops.local.tools import Toolbox
    from tenants.registry import Registry

PARALLEL: Final = 64
"""Operations at once. Most of them only wait for an object to be ready, so the engine's own choice,
four for each processor, would let a few waiting ones hold up all others."""

UNCHANGED: Final = frozenset({"same", "read"})
"""Engine operations that change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an ``up`` did.

    Attributes:
        changes: Number of resources by engine operation: ``{"create": 81}``.
    """

    changes: dict[str, int]

    @property
    def changed(self) -> int:
        """Number of resources that were created, updated, replaced or deleted."""
        return sum(count for operation, count in self.changes.items() if operation not in UNCHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A dev environment on this machine.

    Attributes:
        target: Where it runs.
        console: Where progress is shown.
    """

    target: Target
    console: Console

    def up(self) -> Outcome:
        """Bring everything up, or finish what an interrupted run began.

        Raises:
            UsageError: If the registry, the secrets or the machine's state is refused.
        """
        if self._node_folder.exists():
            machine.refuse_unfit()
            self.refuse_small_machine()
        with self._alone():
            secrets = ensure_secrets(
                self.target.folder / "secrets", state_file=state_file(self.target.folder, STACK)
            )
            toolbox = tools.ensure(console=self.console)
            access = self._cluster(toolbox)
            config = self._overrides(toolbox, access)
            stack = LocalStack(name=STACK, folder=self.target.folder, toolbox=toolbox, secrets=secrets)
            if not stack.state_file.exists():
                refuse_orphans(Inventory(toolbox, access))
            opened = stack.open(config)
            self._refuse_vanished(stack.recover(opened, say=self.console.print))
            if self._node_folder.exists():
                wanted = wanted_images(stack.settings(opened), self.registry())
                self._real_node(access, toolbox).images.ensure_published(wanted)
            with engine_run(self.console, f"stack {STACK}", log=self.target.folder / "up.log") as run:
                result = opened.up(parallel=PARALLEL, on_output=run.on_output, on_event=run.on_event)
            changes = result.summary.resource_changes or {}
            return Outcome(changes={str(operation): count for operation, count in changes.items()})

    def down(self) -> None:
        """Remove everything ``up`` made: customers, platform, cluster, state and secrets.

        An existing cluster stays, and so does everything in it that is not ours.
        """
        if not self.target.folder.exists():
            return
        # Who has a real node needs it to be gone before its cluster is; who has none need not be root.
        node = self.node() if self._node_folder.exists() else None
        with self._alone():
            if self.target.context is None:
                if node is not None:
                    node.down()
                self._embedded(tools.ensure(console=self.console)).down()
            else:
                self._destroy(tools.ensure(console=self.console))
        shutil.rmtree(self.target.folder)

    def node(self) -> RealNode | None:
        """Return the real node of the embedded cluster as it is, or None if there is none.

        Looking at it and removing it needs none of its tools, so that none is fetched for that.

        Raises:
            UsageError: This machine or this user can have none.
        """
        machine.refuse_unfit()
        if not self._node_folder.exists():
            return None
        toolbox = tools.located([*tools.everyday(), *NODE_TOOLS])
        return self._real_node(self._embedded(toolbox).access, toolbox)

    def start_node(self) -> list[str]:
        """Start the embedded cluster and its real node, and return the parts that did not run before.

        Raises:
            UsageError: If this machine cannot carry a node, or the customers' volumes are
                on simulated nodes.
        """
        if self.target.context is not None:
            raise UsageError.of(
                where="--node",
                what="a real node belongs to the embedded cluster, and --cluster names another one",
                why="that cluster has nodes of its own",
                how="leave one of the two options out",
            )
        machine.prepare(self.console)
        with self._alone():
            return self._start_node(tools.ensure(console=self.console))

    def refuse_small_machine(self) -> None:
        """Refuse customers that would find no room on a real node of this machine.

        Raises:
            UsageError: They ask for more processors than there are.
        """
        refuse_small_machine(
            self.registry(),
            processors=os.cpu_count() or 1,
            cpu_percent=overrides.cpu_percent(self._committed),
        )

    def exists(self) -> bool:
        """Return whether there is anything to look at or to remove."""
        return self.target.folder.exists()

    def registry(self) -> Registry:
        """Return the registry as the program reads it.

        Raises:
            UsageError: With every problem of every file.
        """
        return read_registry(
            environment=self._committed["iotistic:environment"], domain=self._committed["iotistic:domain"]
        )

    def variables(self) -> dict[str, str]:
        """Return the shell variables with which pulumi and kubectl work on this environment."""
        toolbox = tools.ensure(console=self.console)
        stack = LocalStack(
            name=STACK,
            folder=self.target.folder,
            toolbox=toolbox,
            secrets=LocalSecrets(self.target.folder / "secrets"),
        )
        return {**stack.environment(), "KUBECONFIG": str(self.access(toolbox).kubeconfig)}

    def access(self, toolbox: Toolbox) -> KubeAccess:
        """Return how to reach the cluster, without starting anything."""
        if self.target.context is None:
            access = self._embedded(toolbox).status().access
            if access is None:
                raise UsageError.of(
                    where=str(self.target.folder / "cluster"),
                    what="the embedded cluster was never brought up, or its folder is gone",
                    why="there is nothing to ask or to change",
                    how="make up",
                )
            return access
        return existing.access(self.target.context, self.target.folder / "kubeconfig")

    def _cluster(self, toolbox: Toolbox) -> KubeAccess:
        if self.target.context is not None:
            return self.access(toolbox)
        if self._node_folder.exists():
            self._start_node(toolbox)
        return self._embedded(toolbox).up()

    def _start_node(self, toolbox: Toolbox) -> list[str]:
        refuse_moving_volumes(
            node=self._node_folder.exists(),
            stack=holds_resources(state_file(self.target.folder, STACK)),
            folder=self.target.folder,
        )
        access = self._embedded(toolbox).up()
        node_tools = tools.ensure([*tools.everyday(), *NODE_TOOLS], console=self.console)
        started = self._real_node(access, node_tools).up()
        if started:
            self.console.print(f"Started of the real node: {', '.join(started)}.")
        return started

    @property
    def _committed(self) -> Mapping[str, Any]:
        return committed_config(STACK, root=ROOT)

    @property
    def _node_folder(self) -> Path:
        return self.target.folder / "node"

    def _real_node(self, access: KubeAccess, toolbox: Toolbox) -> RealNode:
        return RealNode(self._node_folder, access, toolbox, self.console)

    def _embedded(self, toolbox: Toolbox) -> EmbeddedCluster:
        return EmbeddedCluster(
            name=f"iotistic-{STACK}",
            directory=self.target.folder / "cluster",
            toolbox=toolbox,
            console=self.console,
        )

    def _overrides(self, toolbox: Toolbox, access: KubeAccess) -> dict[str, object]:
        """Return the configuration that depends on this machine."""
        found = overrides.of_access(access)
        if self._node_folder.exists():
            found |= overrides.of_real_node(self._committed)
        if self.target.context is not None:
            found |= overrides.of_existing_cluster(
                Inventory(toolbox, access), identifier=self.target.folder.name, say=self.console.print
            )
        return found

    def _destroy(self, toolbox: Toolbox) -> None:
        state = state_file(self.target.folder, STACK)
        secrets = ensure_secrets(self.target.folder / "secrets", state_file=state)
        stack = LocalStack(name=STACK, folder=self.target.folder, toolbox=toolbox, secrets=secrets)
        opened = stack.open(self._overrides(toolbox, self.access(toolbox)))
        stack.recover(opened, say=self.console.print)
        with engine_run(self.console, f"stack {STACK}", log=self.target.folder / "down.log") as run:
            opened.destroy(parallel=PARALLEL, on_output=run.on_output, on_event=run.on_event)

    def _refuse_vanished(self, resources: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Say before the engine starts what the program would refuse: exit status 2, nothing touched."""
        registry = self.registry()
        refuse_vanished(
            deployed=tenants_among(resources),
            registered={tenant.id for tenant in registry.tenants},
            removed=registry.removed,
            folder=registry_folder(self._committed["iotistic:environment"]),
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second run of the same environment waiting until the first has ended."""
        HOME.mkdir(exist_ok=True)
        lock = FileLock(HOME / f"{self.target.folder.name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.console.print("another run is at work on this environment: waiting for it")
            lock.acquire()
        try:
            self.target.folder.mkdir(exist_ok=True)
            yield
        finally:
            lock.release()
