"""The stack of a pull request: some customers, beside an environment's stack and on its platform."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from infra.clusters.cloud_settings import CLOUDS
from infra.preview_settings import MOST_TENANTS
from ops.automation.access import cluster_of, reached_by
from ops.automation.engine import Stack
from ops.automation.failures import FAILURES, told
from ops.automation.preview import changes_since, stacks_of_change
from ops.automation.previews_objects import PreviewsObjects, numbers_in
from ops.automation.reports import Shown, StackReport
from ops.automation.targets import is_protected
from ops.local.inventory import Inventory
from ops.local.stack import write_project, write_yaml
from ops.local.store import exclusive
from ops.stack_config import committed_config
from ops.workspace import ROOT, Workspace
from tenants.changes import Kind, Limits
from tenants.errors import UsageError
from tenants.preview import preview_id, preview_name, preview_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from ops.automation.failures import Failure
    from tenants.changes import Comparison
    from tenants.tenant import Tenant

FOLDER: Final = ROOT / "build" / "preview-stacks"

_YAML: Final = YAML(typ="safe", pure=True)
NOT_FOR_A_PREVIEW: Final = tuple(
    f"iotistic:{key}"
    for key in (
        "cloud",
        "dns",
        "backupStore",
        "backupCredentials",
        "backupNetwork",
        "velero",
        "billing",
        "billingSecrets",
        "monitoringStack",
        "monitoringSecrets",
        "logging",
        "ingress",
        "mqttEdge",
    )
)
"""What the environment's own stack makes of its configuration, for the previews too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whom a pull request's stack shows.

    Attributes:
        shown: Ids of the customers.
        left_out: Ids of those who would be shown too, were there room.
        sample: Whether the one shown stands for all.
    """

    shown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    sample: bool = False


def choose(comparison: Comparison, tenants: Sequence[Tenant], *, affected: bool) -> Choice:
    """Choose whom to show of a change: new customers, then changed ones, or else one as a sample.

    A customer at rest is not shown: there would be nothing to see.

    Args:
        comparison: What the change does to the registry.
        tenants: The environment's customers.
        affected: Whether the change is about the environment's stack at all.
    """
    running = {tenant.id: tenant for tenant in tenants if tenant.runs}
    changed = sorted(
        (change for change in comparison.tenants if change.id in running),
        key=lambda change: (change.kind is not Kind.ADDED, change.id),
    )
    ids = tuple(change.id for change in changed)
    if ids:
        return Choice(shown=ids[:MOST_TENANTS], left_out=ids[MOST_TENANTS:])
    if not affected or not running:
        return Choice()
    smallest = min(running.values(), key=lambda tenant: (tenant.plan.price.monthly_usd_cents, tenant.id))
    return Choice(shown=(smallest.id,), sample=True)


def end_of_next_month(today: date) -> date:
    """Return the last day of the month after this one.

    Until then a preview's licence is valid: it is the same all month, so that a second run changes nothing.
    """
    month = timedelta(days=32)
    after_next = ((today.replace(day=1) + month).replace(day=1) + month).replace(day=1)
    return after_next - timedelta(days=1)


def refuse_protected(stack: str) -> None:
    """Refuse previews beside a stack whose data is protected.

    Raises:
        UsageError: It is, or its configuration does not say that it is not.
    """
    if is_protected(committed_config(stack, root=ROOT)):
        raise UsageError.of(
            where=f"Pulumi.{stack}.yaml: iotistic:protect",
            what="is not false, so that no pull request may have a stack beside this one",
            why="its customers are real, and a preview runs what nobody has approved yet in their cluster",
            how="choose the stack of an environment without real data: --stack dev",
        )


def numbers_of_stacks(beside: Stack) -> list[int]:
    """Return the numbers of all pull requests that have a stack, or objects left of one.

    Raises:
        UsageError: The stack beside them is not there, or its cluster does not answer.
        EngineError: The backend did not answer.
    """
    named = {number for number in map(preview_number, beside.names()) if number is not None}
    with _reached(beside) as inventory:
        return sorted(named | numbers_in(inventory))


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestStack:
    """One pull request's stack. Runs of the same number wait for each other.

    Attributes:
        number: The pull request's number.
        beside: The stack on whose platform it stands.
    """

    number: int
    beside: Stack

    @property
    def name(self) -> str:
        """The stack's name."""
        return preview_name(self.number)

    @property
    def folder(self) -> Path:
        """Where its configuration is written. Nothing in it is needed later."""
        return FOLDER / self.name

    def up(self, *, base: str, today: date) -> StackReport:
        """Bring the stack to what the working copy declares; without a customer to show, remove it.

        Args:
            base: What the working copy's branch started from.
            today: The day to judge the change by, and to count the licences' end from.
        """
        try:
            choice = self._choice(base, today)
            if not choice.shown:
                self._remove()
                return StackReport(stack=self.name, beside=self.beside.name)
            return self._update(choice, until=end_of_next_month(today))
        except FAILURES as error:
            return self._failed(error)

    def down(self) -> StackReport:
        """Remove the stack with everything in it, also what a run that was cut off left of it."""
        try:
            self._remove()
        except FAILURES as error:
            return self._failed(error)
        return StackReport(stack=self.name, beside=self.beside.name)

    def _failed(self, error: Failure) -> StackReport:
        return StackReport(stack=self.name, beside=self.beside.name, errors=told(error, stack=self.name))

    def _choice(self, base: str, today: date) -> Choice:
        workspace = Workspace.open(self.beside.name)
        registry = workspace.registry()
        # What of the change must not happen is for its preview to say: this one deletes nobody's data.
        comparison = changes_since(base, workspace, registry, limits=Limits(), today=today)
        return choose(comparison, registry.tenants, affected=self.beside.name in stacks_of_change(base))

    def _update(self, choice: Choice, *, until: date) -> StackReport:
        with self._alone():
            config = self.configure(choice.shown, until=until)
            stack = self._stack()
            stack.make(secrets_provider=config.get("secretsprovider"))
            stack.recover()
            stack.up()
            addresses = stack.output("tenants")
        return StackReport(
            stack=self.name,
            beside=self.beside.name,
            shown=tuple(
                Shown(id=tenant, name=name, **addresses[name])
                for tenant in choice.shown
                for name in [preview_id(tenant, self.number)]
            ),
            left_out=choice.left_out,
            sample=choice.sample,
            until=until,
        )

    def _remove(self) -> None:
        with self._alone(), _reached(self.beside) as inventory:
            objects = PreviewsObjects(inventory, self.number)
            volumes = objects.volumes()
            objects.delete_with_their_claims(volumes)
            if self.name in self.beside.names():
                self.configure((), until=None)
                stack = self._stack()
                stack.recover()
                stack.destroy()
            objects.delete_what_is_left(volumes)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stack(self) -> Stack:
        return Stack(
            name=self.name,
            toolbox=self.beside.toolbox,
            console=self.beside.console,
            logs=self.beside.logs,
            folder=self.folder,
        )

    def configure(self, tenants: Sequence[str], *, until: date | None) -> dict[str, Any]:
        """Write the stack's configuration and return it: that of the stack beside it, without the platform.

        With the same encryption, so that the secrets in it can be read: passwords follow from the customers'
        ids and are others than those beside it.
        """
        document: dict[str, Any] = _YAML.load(self.beside.folder / f"Pulumi.{self.beside.name}.yaml")
        config = {key: value for key, value in document["config"].items() if key not in NOT_FOR_A_PREVIEW}
        kubeconfig, context = reached_by(self.beside.resources(), stack=self.beside.name)
        if config.get("iotistic:cluster") in CLOUDS:
            config["iotistic:cluster"] = "existing"
        config |= {"iotistic:kubeconfig": kubeconfig, "iotistic:kubeContext": context}
        if until is not None:
            shown = {"number": self.number, "tenants": list(tenants), "until": until.isoformat()}
            config["iotistic:preview"] = shown
        document["config"] = config
        self.folder.mkdir(parents=True, exist_ok=True)
        write_project(self.folder)
        write_yaml(self.folder / f"Pulumi.{self.name}.yaml", document)
        return document

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = FOLDER / f"{self.name}.lock"
        with exclusive(lock, self.beside.console, what=f"at work on {self.name}"):
            yield


@contextmanager
def _reached(stack: Stack) -> Iterator[Inventory]:
    """Yield what there is in the cluster of a stack."""
    with tempfile.TemporaryDirectory() as folder:
        yield Inventory(stack.toolbox, cluster_of(stack.resources(), stack=stack.name, folder=Path(folder)))
