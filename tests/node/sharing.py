"""What the processes of one run share: each runs a lane of the tests, and all of them need the one node."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ops.local.store import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the tests, in one process or several of them.

    Attributes:
        folder: What its processes share.
        members: An open file, locked by all who take part: the kernel lets go of it for one that is killed.
        lanes: Another one, locked as long as a process may run tests beside those of others.
    """

    folder: Path
    members: int
    lanes: int

    @classmethod
    def join(cls) -> Run:
        """Take part in the run. All processes do before the first test begins."""
        name = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
        folder = Path(tempfile.gettempdir()) / f"iotistic-node-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        members, lanes = (
            os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("members", "lanes")
        )
        for file in (members, lanes):
            fcntl.flock(file, fcntl.LOCK_SH)
        return cls(folder, members, lanes)

    def once(self, name: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - it is JSON
        """Return what one process makes for all of them, and what the others wait for meanwhile.

        Raises:
            RuntimeError: Another process tried, and failed.
        """
        made, failed = self.folder / f"{name}.json", self.folder / f"{name}.failed"
        with FileLock(self.folder / f"{name}.lock"):
            if failed.exists():
                message = f"{name}: another process failed to make it: {failed.read_text(encoding='utf-8')}"
                raise RuntimeError(message)
            if not made.exists():
                try:
                    write_atomically(made, json.dumps(make()))
                except BaseException as error:
                    write_atomically(failed, str(error))
                    raise
        return json.loads(made.read_text(encoding="utf-8"))

    def wait_for_others(self) -> None:
        """Wait until no other process runs tests any more, or is to run some."""
        fcntl.flock(self.lanes, fcntl.LOCK_EX)

    def leave(self, clean_up: Callable[[], None]) -> None:
        """Take part no more. Who is the last to leave cleans up what all of them shared."""
        try:
            fcntl.flock(self.members, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # Another one will be the last: who asks for a lock has let go of the one they had.
        else:
            clean_up()
            shutil.rmtree(self.folder)
        finally:
            for file in (self.lanes, self.members):
                os.close(file)
