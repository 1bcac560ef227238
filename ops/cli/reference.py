"""The reference page of the command, made from its own help."""

from __future__ import annotations

from typing import Final

import typer
from typer.cli import get_docs_for_click

_NOTE: Final = "<!-- Generated from the command's help: change that, then write this page anew. -->\n"


def command_reference(app: typer.Typer) -> str:
    """Return the page that lists every command with its arguments and options."""
    command = typer.main.get_command(app)
    context = typer.Context(command, help_option_names=["-h", "--help"])
    title, rest = get_docs_for_click(obj=command, ctx=context, name="iotistic").split("\n", 1)
    return f"{title}\n\n{_NOTE}{rest.rstrip()}\n"
