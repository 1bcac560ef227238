"""How much a tenant's namespace may use: enough for all of it, during a roll-out too.

The floor is 4 CPU, 4 Gi and 10 Services. A quota that only just holds the running pods
refuses the surge pod of the next roll-out and the solver pod of the next certificate, so
both are counted, and the quota is raised where the plan needs it. Volumes outlast their
option, so those of every option are counted: one that is left behind must not keep the
database's from growing. The nodes' own disks are counted too: a customer's logs must not
fill one on which others run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.plans import ContainerSize
from tenants.quantities import bytes_text, cpu_text, mebibytes, millicores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tenants.plans import Options, Sizes, Storage

FLOOR_CPU = 4000
FLOOR_MEMORY = 4096
FLOOR_SERVICES = 10

ALWAYS = ("api", "postgres", "mosquitto", "dashboard")
OPTIONAL = ("exporter", "node_red", "prometheus", "grafana")
ROLLING = frozenset({"api", "dashboard", "exporter"})
"""Replaced by starting a second pod first. The others own a volume, so the old pod goes first."""

STATEFUL = ("postgres", "mosquitto", "node_red", "prometheus", "grafana")
"""Each owns one volume."""

SOLVER_CPU = 100
SOLVER_MEMORY = 64
"""Limits of the pod by which cert-manager answers an ACME challenge, its defaults."""

SIDECAR_CPU = 200
SIDECAR_MEMORY = 256
"""Room for what LimitRange gives a container without limits of its own, such as a debugging one."""

WATCHER = ContainerSize(cpu_request="5m", cpu_limit="50m", memory_request="16Mi", memory_limit="64Mi")
"""A container that only watches another one: metrics of the database and of the broker, the reload
of the broker's certificate, and the lock on the API's migrations."""

WATCHERS = 4

DISK_REQUEST = "64Mi"
"""What a container is promised of its node's own disk - logs and empty volumes - unless it says more."""

DISK_LIMIT = "1Gi"
"""What it may use of it at most, likewise."""

API_LOGS = "320Mi"
"""What the API's logs may use of it, and are promised, because they are written for certain.

The image keeps ten files of 10 MB of everything, ten of who did what, and five of errors: 250 MB. The
rest is for files that are being turned over. A pod that writes more is evicted.
"""

DUMPS = 2
"""Pods at a time that have room for a whole database on their node: the nightly backup, and a restore."""

LITTLE_ONES = 3
"""Containers beside those counted by size: a solver, a debugging one, and the Job that settles."""

BACKUP_VOLUME = "10Gi"
"""Size of the volume that backups go to where there is no object storage: on a laptop's cluster. The
same for every plan, because until the first backup no pod has used it, and such a volume cannot grow."""

SERVICES_BESIDE = 4
"""Headless Service of PostgreSQL, load balancer of MQTT, ACME solver, and one to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a namespace may use in all, as Kubernetes quantities and counts.

    Attributes:
        cpu: Sum of the processor limits.
        memory: Sum of the memory limits.
        requests_cpu: Sum of the processor requests.
        requests_memory: Sum of the memory requests.
        disk: Sum of the limits on the nodes' own disks.
        requests_disk: Sum of the requests there.
        storage: Sum of the volumes.
        pvcs: Number of volume claims.
        services: Number of Services.
        pods: Number of pods.
    """

    cpu: str
    memory: str
    requests_cpu: str
    requests_memory: str
    disk: str
    requests_disk: str
    storage: str
    pvcs: int
    services: int
    pods: int


def components(options: Options) -> tuple[str, ...]:
    """Return the names of the containers that a tenant with these options has."""
    return ALWAYS + tuple(name for name in OPTIONAL if getattr(options, name))


def quota_for(sizes: Sizes, storage: Storage, options: Options) -> Quota:
    """Return the quota that holds a tenant while everything rolls out at once."""
    names = components(options)
    pods = [getattr(sizes, name) for name in names]
    pods += [getattr(sizes, name) for name in names if name in ROLLING]
    pods += [sizes.job] * (1 + options.node_red) + [WATCHER] * WATCHERS
    room = mebibytes("1Gi") + mebibytes(BACKUP_VOLUME)
    on_disk = len(pods) + LITTLE_ONES
    dumps = (DUMPS + options.node_red) * mebibytes(storage.postgres)
    return Quota(
        cpu=_cores(max(FLOOR_CPU, _sum(pods, _cpu_limit) + SOLVER_CPU + SIDECAR_CPU)),
        memory=_gibibytes(max(FLOOR_MEMORY, _sum(pods, _memory_limit) + SOLVER_MEMORY + SIDECAR_MEMORY)),
        requests_cpu=cpu_text(_sum(pods, _cpu_request) + SOLVER_CPU + SIDECAR_CPU),
        requests_memory=bytes_text(_sum(pods, _memory_request) + SOLVER_MEMORY + SIDECAR_MEMORY),
        disk=bytes_text((on_disk + DUMPS) * mebibytes(DISK_LIMIT) + dumps),
        requests_disk=bytes_text((on_disk + DUMPS) * mebibytes(DISK_REQUEST) + mebibytes(API_LOGS)),
        storage=bytes_text(sum(mebibytes(getattr(storage, name)) for name in STATEFUL) + room),
        pvcs=len(STATEFUL) + 2,
        services=max(FLOOR_SERVICES, len(names) + SERVICES_BESIDE),
        pods=2 * len(pods) + 5,
    )


def _cpu_limit(size: ContainerSize) -> int:
    return millicores(size.cpu_limit)


def _cpu_request(size: ContainerSize) -> int:
    return millicores(size.cpu_request)


def _memory_limit(size: ContainerSize) -> int:
    return mebibytes(size.memory_limit)


def _memory_request(size: ContainerSize) -> int:
    return mebibytes(size.memory_request)


def _sum(sizes: Iterable[ContainerSize], amount: Callable[[ContainerSize], int]) -> int:
    return sum(amount(size) for size in sizes)


def _cores(amount: int) -> str:
    """Return an amount rounded up to whole cores."""
    return cpu_text(-(-amount // 1000) * 1000)


def _gibibytes(amount: int) -> str:
    """Return an amount rounded up to whole GiB."""
    return bytes_text(-(-amount // 1024) * 1024)
