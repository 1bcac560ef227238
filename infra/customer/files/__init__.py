"""The configuration files of a customer's workloads, kept as files of their own kind.

They are what the programs read, so they can be tried with those programs; names that end in
``.j2`` are templates, in which a name that is not given is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    # Nothing a customer wrote is ever put in, and in the one page what people write is escaped there.
    autoescape=False,  # noqa: S701
)


def render(name: str, **values: object) -> str:
    """Return a file's text.

    Args:
        name: The file's name, without ``.j2``.
        values: What a template takes.
    """
    return _ENVIRONMENT.select_template([name, f"{name}.j2"]).render(values)
