"""The options that commands share, and what the shell offers for them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from ops import workspace
from ops.stack_config import environments
from tenants.errors import UsageError


def offer_environments(incomplete: str) -> list[str]:
    """Return the environments that begin with what was typed."""
    return [name for name in environments(workspace.ROOT) if name.startswith(incomplete)]


def offer_tenants(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tenants of the environment that begin with what was typed; none on any trouble."""
    try:
        opened = workspace.Workspace.open(ctx.params.get("env") or "dev")
    except UsageError:
        return []
    return [path.stem for path in opened.paths() if path.stem.startswith(incomplete)]


def offer_plans(incomplete: str) -> list[str]:
    """Return the plans that begin with what was typed."""
    return [name for name in ("starter", "professional", "enterprise") if name.startswith(incomplete)]


def _days(text: str) -> int:
    """Return ``7d`` or ``2w`` as a number of days."""
    match = re.fullmatch(r"([0-9]{1,4})([dw])", text)
    if match is None:
        message = f'"{text}" is not a time such as 7d or 2w'
        raise typer.BadParameter(message)
    return int(match[1]) * (7 if match[2] == "w" else 1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f'"{text}" is not a day such as 2026-11-30'
        raise typer.BadParameter(message) from error


def today_or(day: date | None) -> date:
    """Return the given day, or today in UTC: the one place where a clock is read."""
    return day or datetime.now(UTC).date()


def day_option(name: str, *, explanation: str, default: str | None = None) -> Any:  # noqa: ANN401 - as typer's
    """Return an option that takes a day."""
    return typer.Option(name, help=explanation, parser=_day, metavar="DAY", show_default=default or False)


def time_option(name: str, *, explanation: str) -> Any:  # noqa: ANN401 - as typer's
    """Return an option that takes a length of time in days or weeks."""
    return typer.Option(name, help=explanation, parser=_days, metavar="TIME")


Env = Annotated[
    str, typer.Option("--env", "-e", help="Environment.", autocompletion=offer_environments, metavar="NAME")
]
TenantId = Annotated[
    str,
    typer.Argument(help="Id of the tenant.", autocompletion=offer_tenants, metavar="ID", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Days = Annotated[int, typer.Option("--days", help="Days before the end of support that are near it.", min=0)]
Today = Annotated[date | None, day_option("--today", explanation="Day to judge by.", default="today in UTC")]
