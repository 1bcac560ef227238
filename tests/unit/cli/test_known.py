from __future__ import annotations

import pytest

from ops.known import require_known
from tenants.errors import UsageError


def test_only_so_many_names_are_listed() -> None:
    names = [f"tenant-{number:02}" for number in range(25)]
    with pytest.raises(UsageError, match=r"did you mean tenant-23.*tenant-19 and 5 more") as caught:
        require_known("tenant", "tenant-233", names, where="here", why="no")
    assert "tenant-20," not in str(caught.value)
