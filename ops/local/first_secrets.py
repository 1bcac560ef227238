"""The secrets of a dev environment: made once, kept in an ignored folder, never made twice.

Making new ones beside an environment that already runs would lock it out of its own state
and of its customers' databases. So they are made only where nothing exists yet, and a folder
that has lost some of them is refused, not repaired.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ops.licence_keys import PRIVATE_KEY, PUBLIC_KEY, new_pair, write_secret
from tenants.errors import Problem, UsageError
from tenants.secrets import MASTER_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PASSPHRASE: Final = "passphrase"  # noqa: S105 - the name of a file
_MASTER_KEY: Final = "master-key"

_LOSS: Final[Mapping[str, str]] = {
    _PASSPHRASE: "without it the stack's state cannot be decrypted, so nothing can be changed or removed",
    _MASTER_KEY: "with a new one every customer's passwords would differ from the ones their databases know",
    PRIVATE_KEY: "with a new one every licence would be signed by a key that no running API trusts",
    PUBLIC_KEY: "whoever verifies licences would have nothing to verify them with",
}
"""What it means that a file is gone, for each file. Also the list of files."""


@dataclass(frozen=True, slots=True)
class LocalSecrets:
    """Where the secrets of one dev environment are.

    Attributes:
        folder: Their folder, mode 0700, with files of mode 0600.
    """

    folder: Path

    @property
    def passphrase_file(self) -> Path:
        """File with the passphrase that encrypts the secrets in the stack's state."""
        return self.folder / _PASSPHRASE

    def configuration(self) -> dict[str, str]:
        """Return what goes into the stack's configuration as secrets, by key."""
        return {
            "iotistic:masterKey": self._read(_MASTER_KEY),
            "iotistic:licencePrivateKeys": json.dumps({"1": self._read(PRIVATE_KEY)}),
        }

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="ascii").strip()


def ensure_secrets(folder: Path, *, state_file: Path) -> LocalSecrets:
    """Return the environment's secrets, made now if this is its very first run.

    Args:
        folder: The secrets' folder.
        state_file: The stack's state, whose existence means that this is no first run.

    Raises:
        UsageError: If some are missing although others, or the state, exist.
    """
    missing = [name for name in _LOSS if not (folder / name).is_file()]
    first_run = len(missing) == len(_LOSS) and not state_file.exists()
    if missing and not first_run:
        raise UsageError(_lost(folder / name, loss=_LOSS[name], state_file=state_file) for name in missing)
    if first_run:
        _make(folder)
    return LocalSecrets(folder)


def _lost(path: Path, *, loss: str, state_file: Path) -> Problem:
    evidence = f"the state {state_file}" if state_file.exists() else "other secrets of the same environment"
    return Problem(
        where=str(path),
        what=f"the secret is missing, although {evidence} exists",
        why=loss,
        how=(
            f"put the file back from your copy of {path.parent}; if there is none, 'make down' removes this "
            "dev environment with all its data, and 'make up' then makes a new one with new secrets"
        ),
    )


def _make(folder: Path) -> None:
    """Make all secrets in a temporary folder and move it into place, so that there are all or none."""
    private_key, public_key = new_pair()
    values = {
        _PASSPHRASE: secrets.token_urlsafe(32).encode(),
        _MASTER_KEY: base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)),
        PRIVATE_KEY: private_key,
        PUBLIC_KEY: public_key,
    }
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
    unfinished.mkdir(mode=0o700, parents=True)
    for name, value in values.items():
        write_secret(unfinished / name, value)
    unfinished.rename(folder)
