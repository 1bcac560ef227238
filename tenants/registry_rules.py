"""The rules between all tenants of an environment."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.errors import Problem
from tenants.models import NODE_PORTS, LifecycleState, MqttMode, Ring
from tenants.ports import free_ports, usable
from tenants.quantities import bytes_text, cpu_text, mebibytes, millicores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tenants.facts import EnvironmentFacts
    from tenants.models import TenantFile
    from tenants.tenant import Tenant
    from tenants.yaml_source import Document


LONGEST_HOST = 253
"""Characters of the longest name that DNS allows."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tenant, the fields it was made from and the document they stood in, for messages."""

    tenant: Tenant
    file: TenantFile
    document: Document


def registry_problems(
    loaded: Sequence[Loaded], *, removed: frozenset[str], facts: EnvironmentFacts, complete: bool
) -> list[Problem]:
    """Return what is wrong with all tenants of an environment taken together.

    Args:
        loaded: The tenants.
        removed: Ids that are never used again.
        facts: What they are checked against.
        complete: Whether every file could be loaded; if not, nothing is said about what is missing.
    """
    return [
        *_unique(loaded, "id", lambda tenant: [tenant.id]),
        *_unique(loaded, "customer_id", lambda tenant: [tenant.customer_id]),
        *_unique(loaded, "subscription.stripe_customer_id", lambda tenant: [tenant.stripe_customer_id]),
        *_unique(
            loaded, "subscription.stripe_subscription_id", lambda tenant: [tenant.stripe_subscription_id]
        ),
        *_host_problems(loaded, facts),
        *_removed_problems(loaded, removed),
        *_cell_problems(loaded, facts),
        *_cluster_problems(loaded, facts),
        *_port_problems(loaded, facts),
        *(_ring_problems(loaded) if complete else ()),
    ]


def _where(entry: Loaded, key: str) -> str:
    return entry.document.where(*key.split("."))


def _unique(
    loaded: Iterable[Loaded], key: str, values: Callable[[Tenant], Iterable[str | None]]
) -> Iterator[Problem]:
    first: dict[str, Loaded] = {}
    for entry in loaded:
        for value in values(entry.tenant):
            if value is None:
                continue
            other = first.setdefault(value, entry)
            if other is not entry:
                yield Problem(
                    where=_where(entry, key),
                    what=f'"{value}" already belongs to {_where(other, key)}',
                    why="two customers would share what must belong to one",
                    how="correct the one that was copied or mistyped",
                )


def _host_problems(loaded: Sequence[Loaded], facts: EnvironmentFacts) -> Iterator[Problem]:
    own = {
        host: entry
        for entry in loaded
        for host in (entry.tenant.host(facts.domain), entry.tenant.mqtt_host(facts.domain))
    }
    first: dict[str, Loaded] = {}
    for entry in loaded:
        tenant = entry.tenant
        for index, host in enumerate(tenant.extra_hosts):
            where = entry.document.where("extra_hosts", index)
            beneath = host == facts.domain or host.endswith(f".{facts.domain}")
            if beneath and not host.endswith(f".{tenant.host(facts.domain)}"):
                owner = f", where {own[host].tenant.id} lives" if host in own else ""
                yield Problem(
                    where=where,
                    what=f'"{host}" lies under the platform\'s own domain {facts.domain}{owner}',
                    why="the tenant would receive log-ins and data meant for the platform or another tenant",
                    how=f"use a host of the customer's own domain, or one under {tenant.host(facts.domain)}",
                )
            other = first.setdefault(host, entry)
            if other is not entry or tenant.extra_hosts.index(host) != index:
                yield Problem(
                    where=where,
                    what=f'"{host}" is already given by {_where(other, "extra_hosts")}',
                    why="the same address cannot lead to two places",
                    how="delete one of the two",
                )
        longest = tenant.mqtt_host(facts.domain)
        if len(longest) > LONGEST_HOST:
            yield Problem(
                where=_where(entry, "id"),
                what=f"the host name {longest} is longer than {LONGEST_HOST} characters",
                why="no name server answers for it",
                how="choose a shorter id or a shorter domain",
            )


def _removed_problems(loaded: Iterable[Loaded], removed: frozenset[str]) -> Iterator[Problem]:
    for entry in loaded:
        if entry.tenant.id in removed:
            yield Problem(
                where=_where(entry, "id"),
                what=f'the id "{entry.tenant.id}" belonged to a tenant that was removed',
                why="backups, invoices and devices of the old customer still know the id",
                how="choose an id that was never used",
            )


def _cell_problems(loaded: Sequence[Loaded], facts: EnvironmentFacts) -> Iterator[Problem]:
    cells: dict[str, list[Loaded]] = defaultdict(list)
    without: list[Loaded] = []
    for entry in loaded:
        if entry.tenant.cell is None:
            without.append(entry)
        else:
            cells[entry.tenant.cell].append(entry)
    if cells:
        for entry in without:
            yield Problem(
                where=_where(entry, "cell"),
                what="the tenant has no cell, while others of the environment have one",
                why="no run would care for it: each run changes one cell",
                how=f"add one of the cells: {', '.join(sorted(cells))}, or a new one",
            )
    for name, members in sorted(cells.items()):
        if len(members) > facts.tenants_per_cell:
            yield Problem(
                where=_where(members[-1], "cell"),
                what=f'the cell "{name}" holds {len(members)} tenants, more than {facts.tenants_per_cell}',
                why="a run takes longer with the square of the tenants, and one bad run hits them all",
                how="put new tenants into a new cell",
            )
        clusters = sorted({entry.tenant.cluster for entry in members})
        if len(clusters) > 1:
            yield Problem(
                where=_where(members[-1], "cell"),
                what=f'the cell "{name}" lies on the clusters {", ".join(clusters)}',
                why="one run of a cell speaks to one cluster",
                how="use a cell for each cluster",
            )


def _cluster_problems(loaded: Sequence[Loaded], facts: EnvironmentFacts) -> Iterator[Problem]:
    clusters: dict[str, list[Tenant]] = defaultdict(list)
    for entry in loaded:
        clusters[entry.tenant.cluster].append(entry.tenant)
    for name, tenants in sorted(clusters.items()):
        checks = [
            ("namespaces", len(tenants) + facts.platform_namespaces, facts.namespaces_per_cluster),
            (
                "Services",
                sum(tenant.quota.services for tenant in tenants) + facts.platform_services,
                facts.services_per_cluster,
            ),
        ]
        for kind, count, limit in checks:
            if count > limit:
                yield Problem(
                    where=f"cluster {name}",
                    what=f"its tenants and the platform may need {count} {kind}, more than {limit}",
                    why="Kubernetes becomes slow and unreliable above it, for every tenant of the cluster",
                    how="place new tenants on a further cluster",
                )
        if facts.node_pool is None:
            continue
        running = [tenant for tenant in tenants if tenant.runs]
        cpu = sum(millicores(tenant.quota.requests_cpu) for tenant in running)
        memory = sum(mebibytes(tenant.quota.requests_memory) for tenant in running)
        for kind, needed, there in (
            ("processor", cpu, millicores(facts.node_pool.cpu)),
            ("memory", memory, mebibytes(facts.node_pool.memory)),
        ):
            if needed > there:
                show = cpu_text if kind == "processor" else bytes_text
                yield Problem(
                    where=f"cluster {name}",
                    what=f"its tenants may request {show(needed)} of {kind}, its nodes have {show(there)}",
                    why="pods would wait for room that never comes, first during a roll-out",
                    how="add nodes, suspend tenants, or place new ones on a further cluster",
                )


def _port_problems(loaded: Sequence[Loaded], facts: EnvironmentFacts) -> Iterator[Problem]:
    allowed = usable(facts.node_ports)
    taken: dict[tuple[str, int], str] = {}
    missing: list[Loaded] = []
    for entry in loaded:
        tenant = entry.tenant
        if tenant.mqtt.mode is not MqttMode.NODE_PORT:
            continue
        for key in NODE_PORTS:
            port = getattr(tenant.mqtt, key)
            where = entry.document.where("mqtt", key)
            if port is None:
                missing.append(entry)
                continue
            if port not in allowed:
                yield Problem(
                    where=where,
                    what=f"the port {port} is not between {allowed.start} and {allowed.stop - 1}",
                    why="Kubernetes refuses the Service, and nobody could connect",
                    how="delete all its ports and have them allocated: `iotistic registry ports --allocate`",
                )
            other = taken.setdefault((tenant.cluster, port), where)
            if other != where:
                yield Problem(
                    where=where,
                    what=f"the port {port} is already taken by {other}",
                    why="devices or people would reach another customer's instance, or none",
                    how="delete all its ports and have them allocated: `iotistic registry ports --allocate`",
                )
    for entry in {id(entry): entry for entry in missing}.values():
        cluster_ports = {port for cluster, port in taken if cluster == entry.tenant.cluster}
        free = free_ports(cluster_ports, len(NODE_PORTS), facts.node_ports)
        yield Problem(
            where=entry.document.where("mqtt"),
            what="the mode node_port lacks its ports",
            why="a port that is not written down could change or be given to two tenants",
            how="have them allocated with `iotistic registry ports --allocate`; free now: "
            + ", ".join(f"{key}: {port}" for key, port in zip(NODE_PORTS, free, strict=True)),
        )


def _ring_problems(loaded: Sequence[Loaded]) -> Iterator[Problem]:
    rings = Counter(entry.tenant.ring for entry in loaded if entry.tenant.lifecycle is LifecycleState.ACTIVE)
    if any(("ring",) in entry.document.lines for entry in loaded) and not rings[Ring.CANARY]:
        yield Problem(
            where="ring of all tenants",
            what="rings are used, but no active tenant is in the ring canary",
            why="a bad change would reach the first paying customers without a trial run",
            how='give at least one active tenant ring: "canary"',
        )
