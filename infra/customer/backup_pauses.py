"""How long it may take from one backup to the next, by a schedule's own words."""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import Final

_FROM: Final = date(2000, 1, 1)
_DAYS: Final = 28 * 366
"""In 28 years every day of a month has been every day of a week."""


@functools.cache
def longest_pause(schedule: str) -> int:
    """Return the most days from a day with a backup to the next, which is 1 where there is one every day.

    Args:
        schedule: Five cron fields. As Kubernetes reads them, a day has to be right as a day of the month and
            as one of the week, or as one of them where neither is left open.
    """
    _, _, day, month, weekday = schedule.split(" ")
    days, months, weekdays = _numbers(day, 1, 31), _numbers(month, 1, 12), _numbers(weekday, 0, 6)
    both = _is_open(day) or _is_open(weekday)
    longest, last = 0, 0
    for number in range(_DAYS):
        today = _FROM + timedelta(days=number)
        right = (today.day in days, today.isoweekday() % 7 in weekdays)
        if today.month in months and (all(right) if both else any(right)):
            longest, last = max(longest, number - last), number
    return max(longest, _DAYS - last)


def _numbers(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            found |= set(range(least, most + 1, int(step or 1)))
        else:
            found |= set(range(int(first), int(last or (most if step else first)) + 1, int(step or 1)))
    return found


def _is_open(field: str) -> bool:
    return any(part in {"*", "*/1"} for part in field.split(","))
