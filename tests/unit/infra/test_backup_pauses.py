"""How long a schedule lets pass between two backups."""

from __future__ import annotations

import pytest

from infra.customer.backup_pauses import longest_pause

NEVER = 28 * 366


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("30 2 * * *", 1),
        ("0 */6 * * *", 1),
        ("0 2 */1 * 0-6", 1),
        ("0 2 * * 0", 7),
        ("0 2 * * 1,4", 4),
        ("0 2 1-31 * 6", 1),
        ("0 2 1 * *", 31),
        ("0 2 */2 * *", 2),
        # From the 20th of a leap year's February to the 10th of March.
        ("0 2 10/10 * *", 19),
        ("0 2 31 * *", 61),
        # Each of both is enough where both are set, as Kubernetes has it.
        ("0 2 1 * 1", 7),
        # From the 31st of July to the 1st of January.
        ("0 2 * 1,7 *", 154),
        ("0 2 29 2 *", 1461),
        ("0 2 30 2 *", NEVER),
    ],
)
def test_the_longest_pause_is_told(schedule: str, days: int) -> None:
    assert longest_pause(schedule) == days
