"""Values that reach a model from elsewhere than a file are held to the same rules."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from tenants.fields import Cron, Day, Host, Line, Text


@pytest.mark.parametrize("adapter", [TypeAdapter(Line), TypeAdapter(Text)], ids=["line", "text"])
@pytest.mark.parametrize("text", ["a\u202eb", "a\x00b", "a\u200bb", "a\x1b[31m", "\ufeffa", "a\U000e0041"])
def test_invisible_characters_are_refused(adapter: TypeAdapter[str], text: str) -> None:
    with pytest.raises(ValidationError, match="invisible or control character"):
        adapter.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e",
        "\u0915\u094d\u200d\u0937",
        "👩\u200d🔧 Werkstatt",
        "株式会社",
        "Ünïcödé",
        "${x}",
    ],
)
def test_every_script_and_its_joiners_are_welcome(text: str) -> None:
    assert TypeAdapter(Line).validate_python(text) == text


def test_a_day_may_be_given_as_a_day() -> None:
    adapter = TypeAdapter(Day)
    day = adapter.validate_python("2028-02-29")
    assert adapter.validate_python(day) == day
    assert adapter.dump_python(day, mode="json") == "2028-02-29"


@pytest.mark.parametrize("schedule", ["* * * * *", "*/15 0-6,22 1,15 */3 0", "59 23 31 12 6", "0 2 * * 1-5"])
def test_schedules(schedule: str) -> None:
    assert TypeAdapter(Cron).validate_python(schedule) == schedule


@pytest.mark.parametrize(
    "schedule", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "* * * *"]
)
def test_schedules_that_never_come(schedule: str) -> None:
    with pytest.raises(ValidationError, match="is not a cron schedule"):
        TypeAdapter(Cron).validate_python(schedule)


LONGEST = ".".join(["a" * 61] * 4) + ".de"


@pytest.mark.parametrize(
    "host", ["a.de", "xn--bcher-kva.example", "1.example.com", "a" * 63 + ".example", LONGEST]
)
def test_hosts(host: str) -> None:
    assert TypeAdapter(Host).validate_python(host) == host


@pytest.mark.parametrize(
    "host", ["a" * 64 + ".example", "aaa." + LONGEST, "a..de", "-a.de", "a-.de", "a.de\n", ".a.de"]
)
def test_hosts_that_dns_does_not_allow(host: str) -> None:
    with pytest.raises(ValidationError, match="is not a host name"):
        TypeAdapter(Host).validate_python(host)
