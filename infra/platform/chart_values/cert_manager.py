"""What cert-manager's chart is told.

The keys are documented in ``deploy/charts/cert-manager/README.template.md`` of
https://github.com/cert-manager/cert-manager, and its ``values.schema.json`` refuses all others.
"""

from typing import TypedDict

from infra.platform.chart_values.shared import (
    DisruptionBudget,
    First,
    Labels,
    Placed,
    Resources,
    ServiceAccount,
    Switch,
)


class Definitions(TypedDict):
    """cert-manager's kinds of objects."""

    enabled: bool
    keep: bool


class LeaderElection(TypedDict):
    """Where pods agree who of them works."""

    namespace: str


class Global(First, TypedDict):
    """What is of no part alone."""

    leaderElection: LeaderElection


_WithGlobal = TypedDict("_WithGlobal", {"global": Global}, total=False)


class Part(Placed, TypedDict):
    """A part that stays."""

    resources: Resources
    networkPolicy: Switch
    podDisruptionBudget: DisruptionBudget


class Replicated(Part, TypedDict):
    """Such a part, with the number of its pods."""

    replicaCount: int


class StartupApiCheck(Placed, TypedDict):
    """The Job that asks the webhook whether it answers."""

    resources: Resources


class Monitor(TypedDict):
    """The ServiceMonitor."""

    enabled: bool
    honorLabels: bool


class Prometheus(TypedDict):
    """Metrics for Prometheus."""

    servicemonitor: Monitor


class CertManagerValues(_WithGlobal, Replicated, TypedDict, total=False):
    """Everything that the chart is told. The controller is the part without a name."""

    imageRegistry: str
    crds: Definitions
    webhook: Replicated
    cainjector: Replicated
    startupapicheck: StartupApiCheck
    prometheus: Prometheus
    serviceAccount: ServiceAccount
    podLabels: Labels
