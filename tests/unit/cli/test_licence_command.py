"""Keys and licences from the command line."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ops import licence_keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Project

LAST = "2027-01-07"
"""Last day of acme's licence: paid until 2026-12-31, and the plan's seven days."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp("keys") / name for name in ("old", "new")]
    for folder in folders:
        licence_keys.write_pair(folder)
    return folders


@pytest.fixture
def keyed(project: Project, pairs: list[Path]) -> Project:
    """A project with the keys of a dev environment."""
    secrets = project.root / ".local/dev/secrets"
    secrets.mkdir(parents=True)
    for path in pairs[0].iterdir():
        (secrets / path.name).write_bytes(path.read_bytes())
    return project


def test_keygen_makes_a_pair_for_its_owner_only(project: Project, tmp_path: Path) -> None:
    answer = project.run("licence", "keygen", str(tmp_path / "new"))
    private, public = tmp_path / "new/licence-private.pem", tmp_path / "new/licence-public.pem"
    assert (answer.status, answer.out.split()) == (0, [str(private), str(public)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (private, public)} == {0o600}
    assert private.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert public.read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
    key = load_pem_private_key(private.read_bytes(), None)
    assert key.public_key() == load_pem_public_key(public.read_bytes())
    assert "PRIVATE KEY" not in answer.out + answer.err


def test_keygen_overwrites_nothing(project: Project, pairs: list[Path]) -> None:
    before = (pairs[0] / "licence-private.pem").read_bytes()
    answer = project.run("licence", "keygen", str(pairs[0]))
    assert (answer.status, answer.err.count("the file exists already")) == (2, 2)
    assert (pairs[0] / "licence-private.pem").read_bytes() == before


def test_keygen_needs_a_folder_that_can_be_written(project: Project) -> None:
    answer = project.run("licence", "keygen", str(project.path("acme")))
    assert (answer.status, "cannot be written to" in answer.err) == (2, True)


def test_show_prints_claims_and_the_token_only_when_asked(keyed: Project) -> None:
    claims = keyed.run("licence", "show", "acme")
    assert claims.data["tenantId"] == "acme"
    assert "eyJ" not in claims.out
    token = keyed.run("licence", "show", "acme", "--token").out
    assert jwt.decode(token.strip(), options={"verify_signature": False}) == claims.data


def test_a_licence_is_verified_on_its_last_day_and_not_after(keyed: Project, tmp_path: Path) -> None:
    token = keyed.run("licence", "show", "acme", "--token").out
    file = tmp_path / "acme.jwt"
    file.write_text(token)
    assert keyed.run("licence", "verify", str(file), "--today", LAST).data["tenantId"] == "acme"
    assert keyed.run("licence", "verify", "--today", LAST, stdin=token).status == 0
    over = keyed.run("licence", "verify", "--today", "2027-01-08", stdin=token)
    assert (over.status, "ended on 2027-01-08" in over.err) == (1, True)
    assert over.data["tenantId"] == "acme"


def test_a_false_licence_gives_status_1(keyed: Project, pairs: list[Path]) -> None:
    token = keyed.run("licence", "show", "acme", "--token").out
    changed = token[:-20] + "AAAA" + token[-16:]
    assert keyed.run("licence", "verify", stdin=changed).status == 1
    assert "is not signed with this key" in keyed.run("licence", "verify", stdin="not a licence").err
    other = keyed.run("licence", "verify", "--public-key", str(pairs[1] / "licence-public.pem"), stdin=token)
    assert (other.status, "names another key" in other.err) == (1, True)
    unsigned = jwt.encode({"exp": 9_999_999_999}, "", algorithm="none")
    assert keyed.run("licence", "verify", stdin=unsigned).status == 1


def test_a_licence_without_an_end_is_over(keyed: Project, pairs: list[Path]) -> None:
    private = (pairs[0] / "licence-private.pem").read_text()
    token = jwt.encode({"tenantId": "acme"}, private, algorithm="RS256")
    answer = keyed.run("licence", "verify", stdin=token)
    assert (answer.status, "expiresAt: is no date" in answer.err) == (1, True)


def test_a_licence_of_a_subscription_that_is_canceled_is_refused_as_the_api_does(
    keyed: Project, pairs: list[Path]
) -> None:
    private = (pairs[0] / "licence-private.pem").read_text()
    claims = {"expiresAt": 9_999_999_999, "subscription": {"status": "canceled"}}
    answer = keyed.run("licence", "verify", stdin=jwt.encode(claims, private, algorithm="RS256"))
    assert (answer.status, "the subscription is canceled" in answer.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "acme", "--token"), "cannot be read: no such file"),
        (("show", "acme", "--token", "--key", "0=x"), '"0" is not a number of its own'),
        (("show", "acme", "--token", "--key", "one=x"), '"one" is not a number of its own'),
        (("show", "acme", "--token", "--key", "/nowhere.pem"), "/nowhere.pem: cannot be read"),
        (("show", "acmee"), "did you mean acme?"),
        (("verify", "/nowhere.jwt"), "cannot be read"),
        (("rotate", "--key", "1=/nowhere", "--key", "1=/nowhere"), "is not a number of its own"),
    ],
)
def test_what_is_refused(project: Project, arguments: tuple[str, ...], message: str) -> None:
    answer = project.run("licence", *arguments)
    assert (answer.status, message in answer.err) == (2, True)


def test_a_binary_file_is_no_key(keyed: Project, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    answer = keyed.run("licence", "show", "acme", "--token", "--key", str(tmp_path / "key"))
    assert (answer.status, "it is no plain text" in answer.err) == (2, True)


def test_a_rotation_goes_ring_by_ring(keyed: Project, pairs: list[Path]) -> None:
    old, new = (str(folder / "licence-private.pem") for folder in pairs)
    keys = ("--key", f"1={old}", "--key", f"2={new}")
    first = keyed.edit("licence", "rotate", *keys)
    assert (first.status, "Ring canary: 1 tenants move to the key 2." in first.err) == (0, True)
    assert "licence_key: 2" in keyed.text("globex")
    assert "licence_key" not in keyed.text("acme")
    missing = keyed.run("licence", "show", "globex", "--token", "--key", f"1={old}")
    assert (missing.status, "there is no licence key 2" in missing.err) == (2, True)
    assert keyed.edit("licence", "rotate", *keys).status == 0
    assert "licence_key: 2" in keyed.text("acme")
    done = keyed.edit("licence", "rotate", *keys)
    assert "No tenant names these keys any more: 1." in done.err
    assert "Nothing to change." in done.err
