"""The command ``iotistic``."""

from __future__ import annotations

import typer

from ops.cli import local

app = typer.Typer(
    name="iotistic",
    help="Run Iotistic as code: the dev environment, the registry of tenants, licences and plans.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command."""
    app()
