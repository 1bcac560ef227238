"""The Pulumi stack of a dev environment: its state, its configuration, and how to run it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi.automation as auto
from ruamel.yaml import YAML

from infra.configuration import read_settings
from ops.local.store import write_atomically
from ops.local.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from infra.settings import Settings
    from ops.local.first_secrets import LocalSecrets
    from ops.local.tools import Toolbox

PROJECT: Final = "iotistic"
PROJECT_FILE: Final = "Pulumi.yaml"
_FOLDER_VARIABLE: Final = "PULUMI_OPTION_CWD"
"""Where the engine goes before it does anything, its version included."""

_YAML: Final = YAML(typ="safe", pure=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """One stack whose state lives in a folder of this machine.

    Attributes:
        name: The stack's name, which is also the environment's: ``dev``.
        folder: Folder of the environment, below which everything of the stack is kept.
        toolbox: The engine, the language host and the provider.
        secrets: The environment's secrets.
    """

    name: str
    folder: Path
    toolbox: Toolbox
    secrets: LocalSecrets

    @property
    def config_file(self) -> Path:
        """The stack's configuration with what must not be in git: secrets and this machine's paths."""
        return self.folder / f"Pulumi.{self.name}.yaml"

    @property
    def state_file(self) -> Path:
        """The engine's state of the stack."""
        return state_file(self.folder, self.name)

    def environment(self) -> dict[str, str]:
        """Return the variables with which ``pulumi`` works on this stack and nothing else."""
        return {
            "PATH": f"{self.toolbox.bin_dir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PULUMI_HOME": str(self.folder / "pulumi-home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.secrets.passphrase_file),
            _FOLDER_VARIABLE: str(self.folder),
            "PULUMI_STACK": self.name,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # An output used as text is a mistake that would otherwise end up in an object.
            "PULUMI_ERROR_OUTPUT_STRING": "1",
        }

    def open(self, overrides: Mapping[str, object]) -> auto.Stack:
        """Return the stack, created if need be, with its configuration written anew.

        Args:
            overrides: Configuration that depends on this machine, by key.
        """
        (self.folder / "state").mkdir(parents=True, exist_ok=True)
        self._keep_no_engine_logs()
        restore_cut_off(self.state_file)
        write_project(self.folder)
        self._write_config(overrides)
        # The library asks for the version first, as the shell has it: of an environment that may be gone.
        os.environ.pop(_FOLDER_VARIABLE, None)
        workspace = auto.LocalWorkspace(
            work_dir=str(self.folder),
            env_vars=self.environment(),
            pulumi_command=auto.PulumiCommand(str(self.toolbox.bin_dir.parent), skip_version_check=True),
        )
        stack = auto.Stack.create_or_select(self.name, workspace)
        self._set_missing_secrets()
        return stack

    def settings(self, stack: auto.Stack) -> Settings:
        """Return the opened stack's configuration as the program reads it, secrets included.

        Raises:
            UsageError: With one problem for each key that is missing or wrong.
        """
        values = stack.get_all_config()

        def get(key: str) -> str | None:
            found = values.get(f"{PROJECT}:{key}")
            return None if found is None else found.value

        return read_settings(get, stack=self.name)

    def recover(
        self, stack: auto.Stack, *, say: Callable[[str], None]
    ) -> list[tuple[str, Mapping[str, Any]]]:
        """Undo what a run that was killed left behind: its lock, and operations nobody finished.

        Objects that were being created then are created again, which adopts them: every
        object has the same field manager.

        Args:
            stack: The opened stack.
            say: Told what is being undone.

        Returns:
            The URN of everything in the stack's state, each with its outputs.
        """
        if any(is_stale(lock) for lock in self._locks()):
            say("a former run was interrupted: removing its lock")
            stack.cancel()
        deployment = _deployment(stack)
        if deployment.get("pending_operations"):
            say("a former run was interrupted: finishing what it began")
            stack.refresh(clear_pending_creates=True)
            deployment = _deployment(stack)
        resources = deployment.get("resources", [])
        return [(resource["urn"], resource.get("outputs", {})) for resource in resources]

    def _keep_no_engine_logs(self) -> None:
        """Put a file where the engine would make the folder of its automatic logs.

        It logs every property of every object at each step, which takes half of its time, and there
        is no switch: it does without only where the folder cannot be made.
        """
        logs = self.folder / "pulumi-home" / "logs"
        if logs.is_dir():
            shutil.rmtree(logs)
        logs.parent.mkdir(exist_ok=True)
        logs.touch()

    def _locks(self) -> list[Path]:
        folder = self.folder / "state" / ".pulumi" / "locks" / "organization" / PROJECT / self.name
        return sorted(folder.glob("*.json"))

    def _write_config(self, overrides: Mapping[str, object]) -> None:
        """Write the configuration: the committed file, this machine's values, and the encrypted ones kept."""
        document: dict[str, Any] = _YAML.load(ROOT / self.config_file.name)
        document["config"].update(overrides)
        if self.config_file.exists():
            former: dict[str, Any] = _YAML.load(self.config_file)
            document.update({key: value for key, value in former.items() if key == "encryptionsalt"})
            document["config"].update(
                {key: value for key, value in former["config"].items() if _holds_a_secret(value)}
            )
        write_yaml(self.config_file, document)

    def _set_missing_secrets(self) -> None:
        """Encrypt the secrets into the configuration, through a pipe: no process list shows them."""
        present = _YAML.load(self.config_file)["config"]
        for key, value in self.secrets.configuration().items():
            if key not in present:
                subprocess.run(  # noqa: S603 - fixed arguments
                    [self.toolbox.path("pulumi"), "config", "set", "--secret", key],
                    input=value,
                    text=True,
                    cwd=self.folder,
                    env={**os.environ, **self.environment()},
                    check=True,
                )


def _holds_a_secret(value: object) -> bool:
    """Return whether the engine has encrypted a value of the configuration, or anything beneath it."""
    return isinstance(value, dict) and ("secure" in value or any(map(_holds_a_secret, value.values())))


def state_file(folder: Path, stack: str) -> Path:
    """Return where the file backend keeps a stack's state below the environment's folder."""
    return folder / "state" / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def holds_resources(state: Path) -> bool:
    """Return whether a stack's state knows of anything: a stack that was only opened is empty.

    Of a state that cannot be read the answer is yes, since what it held may still be there.
    """
    try:
        document = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except json.JSONDecodeError:
        return True
    return bool((document["checkpoint"].get("latest") or {}).get("resources"))


def restore_cut_off(state: Path) -> None:
    """Put the engine's own copy of a state back where writing it was cut off, which leaves it empty.

    A state that is gone stays gone: the engine keeps the copy when a stack is removed, too.
    """
    copy = state.with_name(f"{state.name}.bak")
    if state.exists() and not state.stat().st_size and copy.exists():
        shutil.copy2(copy, state)


def _deployment(stack: auto.Stack) -> Mapping[str, Any]:
    return stack.export_stack().deployment or {}


def write_project(folder: Path) -> None:
    """Write a project file into a folder of a stack's own, which runs the program where it is.

    The engine writes the stack's encryption salt beside the project file, whatever
    configuration file it is told to use: the committed one must stay free of it.
    """
    project: dict[str, Any] = _YAML.load(ROOT / PROJECT_FILE)
    project["main"] = str(ROOT)
    project["runtime"]["options"]["virtualenv"] = str(ROOT / project["runtime"]["options"]["virtualenv"])
    write_yaml(folder / PROJECT_FILE, project)


def write_yaml(path: Path, document: dict[str, Any]) -> None:
    """Write a document, whole or not at all."""
    text = io.StringIO()
    _YAML.dump(document, text)
    write_atomically(path, text.getvalue())


def is_stale(lock: Path) -> bool:
    """Return whether the process that wrote this lock is gone, or went before it had written all of it."""
    try:
        os.kill(json.loads(lock.read_text(encoding="utf-8"))["pid"], 0)
    except (ProcessLookupError, json.JSONDecodeError):
        return True
    return False
