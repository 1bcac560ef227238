"""How long a large registry takes to load and check, how much memory that needs, and to sign its licences.

    .venv/bin/python -m benchmarks.registry            # 100, 1,000 and 10,000 tenants
    .venv/bin/python -m benchmarks.registry --check    # fails if a limit is broken

Each size is measured in a process of its own, so that its memory is only its own.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console
from rich.table import Table

from tenants.facts import EnvironmentFacts
from tenants.key_ring import KeyRing
from tenants.keys import SigningKey
from tenants.plans import load_plans
from tenants.registry import load_registry

ROOT = Path(__file__).parents[1]
SIZES = (100, 1_000, 10_000)

MOST_LOAD_SECONDS = 10.0
MOST_MEGABYTES = 1_000.0
MOST_SIGN_SECONDS = 12.0
"""Limits for the largest size, in processor seconds: whatever else this machine does meanwhile."""

MOST_GROWTH = 1.6
"""How much dearer a tenant may be in the largest registry than in the middle one: growth is linear."""

PLANS = ("starter", "professional", "enterprise")
RINGS = ("canary", "early", "stable")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one size cost; processor seconds are what it would take if nothing else ran."""

    tenants: int
    load_seconds: float
    load_cpu_seconds: float
    sign_seconds: float
    sign_cpu_seconds: float
    megabytes: float


def main(
    *,
    check: Annotated[bool, typer.Option(help="Exit with 1 if a limit is broken.")] = False,
    measure_only: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Measure all sizes, or a single one in this process."""
    if measure_only:
        print(json.dumps(asdict(measure(measure_only))))  # noqa: T201  # read by the process above
        return
    results = [in_a_process_of_its_own(size) for size in SIZES]
    Console().print(table(results))
    if check and (broken := broken_limits(results)):
        Console(stderr=True).print("\n".join(broken))
        raise typer.Exit(1)


def in_a_process_of_its_own(size: int) -> Result:
    """Measure one size."""
    command = [sys.executable, "-m", "benchmarks.registry", "--measure-only", str(size)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
    return Result(**json.loads(run.stdout))


def measure(size: int) -> Result:
    """Write a registry of a size, load it and sign all its licences."""
    plans = load_plans(ROOT / "tenants/plans.yaml")
    enough = EnvironmentFacts(
        domain="iotistic.example", namespaces_per_cluster=size * 2, services_per_cluster=size * 20
    )
    with tempfile.TemporaryDirectory() as folder:
        write_registry(Path(folder), size)
        started, cpu_started = time.perf_counter(), time.process_time()
        registry = load_registry(Path(folder), environment="bench", plans=plans, facts=enough)
        loaded, cpu_loaded = time.perf_counter(), time.process_time()
    keys = KeyRing({1: SigningKey(rsa.generate_private_key(65537, 2048))})
    signing, cpu_signing = time.perf_counter(), time.process_time()
    keys.sign_all(registry.tenants)
    signed, cpu_signed = time.perf_counter(), time.process_time()
    return Result(
        tenants=len(registry.tenants),
        load_seconds=loaded - started,
        load_cpu_seconds=cpu_loaded - cpu_started,
        sign_seconds=signed - signing,
        sign_cpu_seconds=cpu_signed - cpu_signing,
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def write_registry(folder: Path, size: int) -> None:
    """Write tenants as people write them: most with a few differences from their plan."""
    environment = folder / "bench"
    environment.mkdir()
    for number in range(size):
        name = f"tenant-{number:05d}"
        digest = hashlib.sha256(name.encode()).hexdigest()
        (environment / f"{name}.yaml").write_text(
            f"""# yaml-language-server: $schema=../../schema.json
schema_version: 1
id: "{name}"
customer_id: "cust_{digest[:32]}"
company_name: "Company {number} Ünïcode"
contact_email: "ops{number}@example.com"
plan: "{PLANS[number % 3]}"
created: "2026-03-02"
subscription:
  status: "active"
  current_period_end: "2027-12-31"
  stripe_customer_id: "cus_{digest[:14]}"
  stripe_subscription_id: "sub_{digest[:24]}"
cell: "c{number // 10}"
ring: "{RINGS[number % 3]}"
# Grown after the first summer.
resources:
  api:
    cpu_limit: "2"
storage:
  postgres: "80Gi"
extra_hosts:
  - "iot{number}.example.com"
epochs:
  mqtt: 2
""",
            encoding="utf-8",
        )


def table(results: list[Result]) -> Table:
    """Return the results as a table."""
    shown = Table("tenants", "load s", "of it CPU s", "CPU ms each", "peak MB", "sign s", "of it CPU s")
    for result in results:
        shown.add_row(
            f"{result.tenants:,}",
            f"{result.load_seconds:.2f}",
            f"{result.load_cpu_seconds:.2f}",
            f"{result.load_cpu_seconds / result.tenants * 1000:.2f}",
            f"{result.megabytes:.0f}",
            f"{result.sign_seconds:.2f}",
            f"{result.sign_cpu_seconds:.2f}",
        )
    return shown


def broken_limits(results: list[Result]) -> list[str]:
    """Return what is slower or larger than it may be, judged by the two largest sizes."""
    middle, largest = results[-2:]
    growth = largest.load_cpu_seconds / largest.tenants / (middle.load_cpu_seconds / middle.tenants)
    checks = (
        ("load seconds", largest.load_cpu_seconds, MOST_LOAD_SECONDS),
        ("megabytes", largest.megabytes, MOST_MEGABYTES),
        ("sign seconds", largest.sign_cpu_seconds, MOST_SIGN_SECONDS),
        ("growth", growth, MOST_GROWTH),
    )
    return [f"{name}: {value:.2f}, more than {limit:g}" for name, value, limit in checks if value > limit]


if __name__ == "__main__":
    typer.run(main)
