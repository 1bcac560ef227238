"""The command ``iotistic``."""

from __future__ import annotations

import typer

from ops.cli import ci, cluster, licence, local, plan, registry, tenant

app = typer.Typer(
    name="iotistic",
    help=(
        "Run Iotistic as code: the dev environment, the registry of tenants, licences, plans, clusters, "
        "automation."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(local.app, name="local")
app.add_typer(tenant.app, name="tenant")
app.add_typer(registry.app, name="registry")
app.add_typer(licence.app, name="licence")
app.add_typer(plan.app, name="plan")
app.add_typer(cluster.app, name="cluster")
app.add_typer(ci.app, name="ci")


def main() -> None:
    """Run the command."""
    app()
