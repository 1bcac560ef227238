"""New key pairs for licences, and the signing keys that a command is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tenants.errors import Problem, UsageError
from tenants.key_ring import KeyRing

if TYPE_CHECKING:
    from collections.abc import Iterable

LICENCE_KEY_BITS: Final = 3072
"""Size of a new licence key: 128-bit security, and twice as fast to sign with as 4096."""

PRIVATE_KEY: Final = "licence-private.pem"
PUBLIC_KEY: Final = "licence-public.pem"


def new_pair() -> tuple[bytes, bytes]:
    """Return a new key pair in the forms that the API reads: PKCS#8 and SPKI, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=LICENCE_KEY_BITS)
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read and that did not exist before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Make a key pair in a folder, and return the private and the public file.

    Raises:
        UsageError: One of the files exists already, or the folder cannot be written to.
    """
    private, public = folder / PRIVATE_KEY, folder / PUBLIC_KEY
    if there := [path for path in (private, public) if path.exists()]:
        raise UsageError(
            Problem(
                where=str(path),
                what="the file exists already",
                why="running APIs trust the old key only, and no new licence could be signed with it",
                how="choose another folder for the new pair, and rotate: iotistic licence rotate",
            )
            for path in there
        )
    pair = new_pair()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in zip((private, public), pair, strict=True):
            write_secret(path, content)
    except OSError as error:
        raise UsageError.of(
            where=str(folder),
            what=f"cannot be written to: {(error.strerror or str(error)).lower()}",
            why="a key that is not stored whole is lost",
            how="choose a folder that you may write to",
        ) from error
    return private, public


def key_ring(given: Iterable[str], *, default: Path) -> KeyRing:
    """Load the signing keys that a command was given.

    Args:
        given: ``NUMBER=FILE`` or ``FILE`` for number 1, once for each key.
        default: The key to use if none was given.

    Raises:
        UsageError: A file cannot be read, a number is none, or a key is one that the API refuses.
    """
    problems: list[Problem] = []
    pems: dict[int, str] = {}
    seen: set[str] = set()
    for text in given or (str(default),):
        number, equals, name = text.partition("=")
        if not equals:
            number, name = "1", text
        if not number.isdecimal() or int(number) < 1 or number in seen:
            problems.append(
                Problem(
                    where=f"--key {text}",
                    what=f'"{number}" is not a number of its own from 1 upwards',
                    why="a tenant's file names its key by number (epochs.licence_key)",
                    how="--key 1=old.pem --key 2=new.pem",
                )
            )
            continue
        seen.add(number)
        try:
            pems[int(number)] = read_text(Path(name))
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    return KeyRing.from_pems(pems)


def read_text(path: Path) -> str:
    """Return the text of a key's or a licence's file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no plain text"
        raise UsageError.of(
            where=str(path),
            what=f"cannot be read: {reason.lower()}",
            why="without it nothing can be signed or verified",
            how="name a file that you may read; the dev environment makes its own key: make up",
        ) from error
