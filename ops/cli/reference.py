"""The reference page of the command, made from its own help."""

from __future__ import annotations

from typing import Final

import typer
from typer.cli import get_docs_for_click

_NOTE: Final = "<!-- Generated from the command's help: change that, then write this page anew. -->\n"


def command_reference(app: typer.Typer) -> str:
    """Return the page that lists every command with its arguments and options."""
    command = typer.main.get_command(app)
    docs = get_docs_for_click(obj=command, ctx=typer.Context(command), name="iotistic")
    return f"{docs.strip()}\n\n{_NOTE}"
