"""The engine as this shell is set up: its backend, its log-in to a cloud, its stacks."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi.automation as auto

from ops.automation.changes import changes_of
from ops.local import tools
from ops.local.engine_run import EngineError, engine_run
from ops.local.tools import ROOT
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pulumi.automation import EngineEvent
    from pulumi.automation.events import StepEventMetadata
    from rich.console import Console

    from ops.automation.changes import Change
    from ops.local.tools import Toolbox

TOOLS: Final = ("pulumi", "pulumi-resource-kubernetes", "kubectl")
"""What a stack is looked at and changed with. The cloud's plugins the engine brings itself."""


def project_folder() -> Path:
    """Return the folder of the project file: the one this shell names, else the working copy's."""
    return Path(os.environ.get("PULUMI_OPTION_CWD", ROOT))


def open_stacks(names: Sequence[str], console: Console) -> list[Stack]:
    """Return stacks by their names, in the backend that this shell is logged in to.

    Raises:
        UsageError: A tool cannot be had.
    """
    toolbox = tools.ensure(TOOLS, console=console)
    logs = ROOT / "build" / "logs"
    return [Stack(name=name, toolbox=toolbox, console=console, logs=logs) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack, in the backend that this shell is logged in to.

    Attributes:
        name: Its name.
        toolbox: The engine and the provider.
        console: Where progress is shown.
        logs: Folder that takes the engine's own output.
        folder: Folder of the project file, and of the stack's configuration.
    """

    name: str
    toolbox: Toolbox
    console: Console
    logs: Path
    folder: Path = field(default_factory=project_folder)

    def preview(self) -> tuple[Change, ...]:
        """Return what an update would do.

        Raises:
            UsageError: The backend has no such stack.
            EngineError: The preview failed.
        """
        return self._watch("preview", auto.Stack.preview, event="resource_pre_event")

    def drift(self) -> tuple[Change, ...]:
        """Return what differs from what the engine last made. Nothing is changed, the state neither.

        Raises:
            UsageError: The backend has no such stack.
            EngineError: The cluster or the backend did not answer.
        """
        return self._watch("refresh", auto.Stack.preview_refresh, event="res_outputs_event")

    def up(self) -> dict[str, int]:
        """Update the stack and return the number of resources by engine operation.

        Raises:
            UsageError: The backend has no such stack.
            EngineError: The update failed.
        """
        stack = self._select()
        with engine_run(self.console, f"update of {self.name}", log=self._log("update")) as run:
            result = stack.up(on_output=run.on_output, on_event=run.on_event)
        changes = result.summary.resource_changes or {}
        return {str(operation): count for operation, count in changes.items()}

    def names(self) -> list[str]:
        """Return the names of all stacks of the project in the backend.

        Raises:
            EngineError: The backend did not answer.
        """
        with self._asking("list"):
            return [summary.name for summary in self._workspace().list_stacks()]

    def make(self, *, secrets_provider: str | None) -> None:
        """Make the stack in the backend, if it is not there.

        Args:
            secrets_provider: What encrypts its secrets; None for a passphrase.

        Raises:
            EngineError: The backend did not answer, or refused.
        """
        with self._asking("make"):
            auto.Stack.create_or_select(self.name, self._workspace(secrets_provider))

    def recover(self) -> None:
        """End what a run that was cut off left: its lock, and operations that nobody finished.

        Only for a stack that no other run can be at work on.

        Raises:
            UsageError: The backend has no such stack.
            EngineError: The cluster or the backend did not answer.
        """
        stack = self._select()
        with self._asking("recovery"):
            stack.cancel()
            deployment: Mapping[str, Any] = stack.export_stack().deployment or {}
            if deployment.get("pending_operations"):
                # What was being created is created again, or found by its labels: nothing is lost of it.
                stack.refresh(clear_pending_creates=True)

    def destroy(self) -> None:
        """Delete everything that the stack holds, and the stack.

        Raises:
            UsageError: The backend has no such stack.
            EngineError: Something could not be deleted.
        """
        stack = self._select()
        with engine_run(self.console, f"removal of {self.name}", log=self._log("removal")) as run:
            stack.destroy(remove=True, on_output=run.on_output, on_event=run.on_event)

    def output(self, name: str) -> Any:  # noqa: ANN401 - outputs are of any kind
        """Return one of the stack's outputs, as the last update left it."""
        return self._select().outputs()[name].value

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the stack's state, secrets readable: for looking up, never for showing."""
        deployment: Mapping[str, Any] = self._select().export_stack().deployment or {}
        return list(deployment.get("resources", []))

    def _watch(self, title: str, operation: Callable[..., object], *, event: str) -> tuple[Change, ...]:
        """Run an operation that changes nothing, and return what it found.

        Args:
            title: What it is called.
            operation: Method of the engine's stack.
            event: Which of a step's events says how it ends: a refresh knows only afterwards.
        """
        steps: list[StepEventMetadata] = []
        stack = self._select()

        def on_event(told: EngineEvent) -> None:
            run.on_event(told)
            step = getattr(told, event)
            if step is not None:
                steps.append(step.metadata)

        with engine_run(self.console, f"{title} of {self.name}", log=self._log(title)) as run:
            operation(stack, on_output=run.on_output, on_event=on_event)
        return changes_of(steps)

    def _log(self, title: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{self.name}-{title}.log"

    @contextmanager
    def _asking(self, title: str) -> Iterator[None]:
        try:
            yield
        except auto.StackNotFoundError:
            raise
        except auto.CommandError as error:
            log = self._log(title)
            log.write_text(str(error), encoding="utf-8")
            told = f"{title} of {self.name}"
            raise EngineError(told, [], log) from None

    def _workspace(self, secrets_provider: str | None = None) -> auto.LocalWorkspace:
        return auto.LocalWorkspace(
            work_dir=str(self.folder),
            secrets_provider=secrets_provider,
            env_vars={
                "PATH": f"{self.toolbox.bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "PULUMI_OPTION_CWD": str(self.folder),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_ERROR_OUTPUT_STRING": "1",
            },
            pulumi_command=auto.PulumiCommand(str(self.toolbox.bin_dir.parent), skip_version_check=True),
        )

    def _select(self) -> auto.Stack:
        try:
            with self._asking("select"):
                return auto.Stack.select(self.name, self._workspace())
        except auto.StackNotFoundError:
            raise UsageError.of(
                where=f"stack {self.name}",
                what="the backend that this shell uses has no stack of that name",
                why="there is nothing to compare with, and a new one would make every customer anew",
                how=(
                    "check PULUMI_BACKEND_URL (for the dev environment: "
                    'eval "$(.venv/bin/iotistic local env)"), or make it: pulumi stack init'
                ),
            ) from None
