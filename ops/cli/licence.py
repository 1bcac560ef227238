"""``iotistic licence``: keys, licences and their rotation."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import jwt
import typer

from ops.cli.console import notes, output, print_json, print_refusal, show_refusals
from ops.cli.edits import Session, edits_registry
from ops.cli.options import Env, TenantId, Today, today_or
from ops.licence_keys import PRIVATE_KEY, PUBLIC_KEY, key_ring, read_text, write_pair
from ops.workspace import Workspace, tenant_of
from tenants.editing import edit
from tenants.errors import UsageError
from tenants.keys import load_public_key, thumbprint
from tenants.licences import claims_for, read_licence, refusals

EXIT_FALSE = 1
"""Exit status for a licence that the API would refuse."""

app = typer.Typer(help="Make keys, show and verify licences, rotate keys.", no_args_is_help=True)

Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        help="Signing key as NUMBER=FILE, or FILE for number 1. Repeat it for several.",
        metavar="[N=]FILE",
        show_default="the dev environment's",
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key", help="The public key.", metavar="FILE", show_default="the dev environment's"
    ),
]
Folder = Annotated[Path, typer.Argument(help="Folder for the new pair.", show_default=False)]
Token = Annotated[bool, typer.Option("--token", help="Print the signed licence itself.")]
Licence = Annotated[
    str, typer.Argument(help="File with the licence; - reads it from standard input.", metavar="FILE")
]


@app.command()
@show_refusals
def keygen(folder: Folder) -> None:
    """Make a key pair: PKCS#8 and SPKI in PEM, readable by you only. Nothing is overwritten."""
    private, public = write_pair(folder)
    output.print(str(private), markup=False)
    output.print(str(public), markup=False)
    notes.print("Keep the private key where secrets are kept, never in git.")


@app.command()
@show_refusals
def show(tenant_id: TenantId, *, token: Token = False, keys: Keys = None, env: Env = "dev") -> None:
    """Show what a tenant's licence says."""
    workspace = Workspace.open(env)
    tenant = tenant_of(workspace.registry(), tenant_id)
    if token:
        ring = key_ring(keys or (), default=workspace.secrets / PRIVATE_KEY)
        typer.echo(ring.sign_for(tenant))
    else:
        print_json(claims_for(tenant))


@app.command()
@show_refusals
def verify(
    licence: Licence = "-", *, public_key: PublicKey = None, env: Env = "dev", today: Today = None
) -> None:
    """Verify a licence as the API does, and show its claims; status 1 if the API would refuse it."""
    path = public_key or Workspace.open(env).secrets / PUBLIC_KEY
    pem = read_text(path)
    key = load_public_key(pem, where=str(path))
    token = (sys.stdin.read() if licence == "-" else read_text(Path(licence))).strip()
    if _names_another(token, thumbprint(key)):
        notes.print("The licence names another key than this one (kid).")
    try:
        claims = read_licence(token, pem)
    except UsageError as refusal:
        print_refusal(refusal)
        raise typer.Exit(EXIT_FALSE) from None
    print_json(claims)
    problems = refusals(claims, at=datetime.combine(today_or(today), time(), UTC))
    if problems:
        print_refusal(UsageError(problems))
        raise typer.Exit(EXIT_FALSE)


def _names_another(token: str, key: str) -> bool:
    """Return whether a licence says that another key has signed it."""
    try:
        return jwt.get_unverified_header(token).get("kid") not in {None, key}
    except jwt.InvalidTokenError:
        return False


@app.command()
@edits_registry()
def rotate(session: Session, *, keys: Keys = None) -> None:
    """Move the next ring of tenants to the newest key: canary first, stable last."""
    ring = key_ring(keys or (), default=session.workspace.secrets / PRIVATE_KEY)
    tenants = session.registry.tenants
    ring.check(tenants)
    moving = ring.next_to_move(tenants)
    for one in moving[:1]:
        notes.print(f"Ring {one.ring}: {len(moving)} tenants move to the key {ring.newest}.")
    session.carry_out(
        [edit(session.workspace.path(one.id), {("epochs", "licence_key"): ring.newest}) for one in moving]
    )
    if not moving and (old := sorted(ring.retirable(tenants))):
        notes.print(f"No tenant names these keys any more: {', '.join(map(str, old))}. They can go.")
