"""``iotistic plan``: what is sold."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ops import workspace
from ops.cli.console import output, print_json, show_refusals
from ops.cli.options import Json, offer_plans
from ops.known import require_known
from tenants.changes import flattened
from tenants.plans import load_plans

app = typer.Typer(help="Show the plans.", no_args_is_help=True)


@app.command(name="list")
@show_refusals
def list_plans(*, as_json: Json = False) -> None:
    """List the plans."""
    plans = load_plans(workspace.ROOT / workspace.PLANS).plans.values()
    if as_json:
        print_json([plan.model_dump(mode="json") for plan in plans])
        return
    table = Table(
        "plan", "USD a month", "devices", "users", "database", "trial days", box=None, pad_edge=False
    )
    for plan in plans:
        table.add_row(
            plan.name,
            f"{plan.price.monthly_usd_cents / 100:.2f}",
            str(plan.features.max_devices),
            str(plan.limits.max_users or "unlimited"),
            plan.storage.postgres,
            str(plan.trial_days or ""),
        )
    output.print(table)


@app.command()
@show_refusals
def show(
    name: Annotated[
        str, typer.Argument(help="Name of the plan.", autocompletion=offer_plans, show_default=False)
    ],
    *,
    as_json: Json = False,
) -> None:
    """Show everything that a plan decides."""
    plans = {str(plan.name): plan for plan in load_plans(workspace.ROOT / workspace.PLANS).plans.values()}
    require_known("plan", name, list(plans), where="plan show", why="another plan must not be taken for it")
    found = plans[name]
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    table = Table("key", "value", box=None, pad_edge=False)
    for key, value in flattened(found).items():
        table.add_row(key, Text(value if isinstance(value, str) else json.dumps(value)))
    output.print(table)
