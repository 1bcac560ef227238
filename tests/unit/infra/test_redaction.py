"""What is taken out of logs, by samples: each secret goes, and what is none stays."""

from __future__ import annotations

import re

import pytest

from infra.platform.redaction import FIRST_LINE, REDACTIONS, REPLACEMENT

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJjdXN0b21lcklkIjoiYWNtZSJ9.c2lnbmF0dXJl-_x"
KEY = "a1" * 12


def entries(text: str) -> list[str]:
    """Do what the log agent does first: put a line to the entry before it, unless it begins one."""
    found: list[str] = []
    for line in text.split("\n"):
        if re.search(FIRST_LINE, line) or not found:
            found.append(line)
        else:
            found[-1] += f"\n{line}"
    return found


def sent(text: str) -> str:
    """Return everything that leaves the node of what a program wrote."""
    return "\n".join(redacted(entry) for entry in entries(text))


def redacted(line: str) -> str:
    """Do what the log agent does: replace each group of each match, pattern after pattern."""
    for pattern in REDACTIONS.values():
        parts, end = [], 0
        for match in re.finditer(pattern, line):
            for group in range(1, len(match.groups()) + 1):
                start, stop = match.span(group)
                if start >= end and start != -1:
                    parts += [line[end:start], REPLACEMENT]
                    end = stop
        line = "".join([*parts, line[end:]])
    return line


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"licence {JWT} accepted", JWT),
        (f"GET /ws?token={JWT} 101", JWT),
        ("Authorization: Bearer abcdef1234567890", "abcdef1234567890"),
        ("authorization=Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ('{"headers":{"authorization":"Bearer abcdef123456"}}', "abcdef123456"),
        ('{"msg":"{\\"Authorization\\":\\"token abcdef123456\\"}"}', "abcdef123456"),
        ('{"authorization":["Basic dXNlcjpw"]}', "dXNlcjpw"),
        ("proxy-authorization: Digest abcdef123456", "abcdef123456"),
        ("curl -H 'X-Api-Key: k-123456'", "k-123456"),
        ("cookie: session=0123456789", "0123456789"),
        ("sent bearer 0123456789abcdef to upstream", "0123456789abcdef"),
        ("login failed password=hunter2 user=ops", "hunter2"),
        ("PASSWORD: hunter2", "hunter2"),
        ('{"user":"ops","password":"correct horse battery"}', "correct horse battery"),
        ('{"msg":"{\\"password\\":\\"correct horse\\"}"}', "correct horse"),
        ("{ password: 'correct horse', id: 7 }", "correct horse"),
        ("passwd=hunter2&user=ops", "hunter2"),
        ("PGPASSWORD=hunter2 psql", "hunter2"),
        ("client_secret=s3cr3t", "s3cr3t"),
        ("AWS_SECRET_ACCESS_KEY=abc/def+ghi", "abc/def+ghi"),
        ('"apiKey": "k-123456"', "k-123456"),
        ("refresh-token: r-123456", "r-123456"),
        ("access_token=a-123456", "a-123456"),
        (f"paid with sk_live_{KEY}", f"sk_live_{KEY}"),
        (f"rk_test_{KEY}!", f"rk_test_{KEY}"),
        (f"webhook whsec_{KEY}", f"whsec_{KEY}"),
        ("connect postgres://iotistic:hunter2@postgres:5432/iotistic", "hunter2"),
        ("redis://:hunter2@redis:6379", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("key -----BEGIN PRIVATE KEY-----MIIEvQ", "MIIEvQ"),
    ],
)
def test_a_secret_goes(line: str, secret: str) -> None:
    left = redacted(line)
    assert secret not in left
    assert REPLACEMENT in left


@pytest.mark.parametrize(
    "text",
    [
        "starting\n-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\nready in 3 s",
        "key: -----BEGIN OPENSSH PRIVATE KEY-----\n{key}\n-----END OPENSSH PRIVATE KEY-----",
        "private_key: |\n  -----BEGIN EC PRIVATE KEY-----\n{indented}\n  -----END EC PRIVATE KEY-----\np: 1",
        "-----BEGIN RSA PRIVATE KEY-----\r\n{windows}\r\n-----END RSA PRIVATE KEY-----\r",
    ],
)
def test_a_private_key_over_several_lines_goes(text: str) -> None:
    key = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDIdnlkfV9sXc" + "ab",
        *["Q" * 64] * 24,
        "dGFpbA==",
    ]
    left = sent(
        text.format(
            key="\n".join(key),
            indented="\n".join(f"    {line}" for line in key),
            windows="\r\n".join(key),
        )
    )
    assert [line for line in key if line in left] == []
    assert REPLACEMENT in left
    for stays in ("starting", "ready in 3 s", "p: 1"):
        assert (stays in left) == (stays in text)


def test_what_is_left_of_a_key_goes_where_it_is_an_entry_of_its_own() -> None:
    headed = "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-256-CBC,00\n\n" + "A1b2" * 16
    assert "A1b2" not in sent(headed)
    assert "A1b2" not in sent("A1b2" * 16)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('{\n  "user": "ops",\n  "password": "hunter2"\n}', "hunter2"),
        ('config {\n  "password":\n    "correct horse"\n}', "correct horse"),
        ("{\n  user: 'ops',\n  apiKey:\n    'k-123456'\n}", "k-123456"),
        ("secret: |\n  hunter2", "hunter2"),
        ("client_secret: >-\n  hunter2\nport: 1", "hunter2"),
        ('{\n  "kty": "EC",\n  "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"\n}', "870MB6gfuTJ4"),
        ('{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"}', "AyM1SysPpbyD"),
    ],
)
def test_a_secret_on_several_lines_goes(text: str, secret: str) -> None:
    left = sent(text)
    assert secret not in left
    assert REPLACEMENT in left
    assert left.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "listening on 3002\nconnected\n  retries: 0",
        "2026-11-23 LOG: a statement\n\tSELECT 1\n2026-11-23 LOG: done",
        "[info] ready\n--- a rule ---\n-1 left\n- an item\n{\n}\n<tag>",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_lines_without_a_secret_all_arrive_as_they_are(text: str) -> None:
    assert sent(text) == text


def test_an_entry_is_one_line_unless_lines_go_on_with_it() -> None:
    said = 'a b\n{x}\n[y]\n- z\n--z\n12:00 on\n"q": 1'
    assert entries(said) == said.split("\n")
    trace = "Error: no\n    at main (api.js:1)\n    at start\n}"
    assert entries(f"{trace}\nnext one") == [trace, "next one"]


@pytest.mark.parametrize(
    "line",
    [
        "device 7f0c connected from 192.0.2.7:51234 as device_7f0c",
        '{"level":"info","msg":"listening","port":3002}',
        "GET https://acme.iotistic.cloud/api/v1/devices 200 12ms",
        "password authentication failed for user iotistic",
        "no token given",
        "basic checks passed",
        "risk_score=12 tasks_pending=3",
        "checkpoint complete: wrote 43 buffers (0.3%); distance=265 kB",
        "mail to ops@example.com at 10:30",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redacted(line) == line


def test_a_line_still_tells_what_was_logged() -> None:
    line = f'{{"msg":"denied","user":"ops","authorization":"Bearer {JWT}","password":"a b","status":401}}'
    left = redacted(line)
    assert left.startswith('{"msg":"denied","user":"ops","authorization":"')
    assert left.endswith('","status":401}')
    assert "ops" in left


def test_several_secrets_of_a_line_all_go() -> None:
    assert redacted("password=a1 token=b2 password=c3") == (
        f"password={REPLACEMENT} token={REPLACEMENT} password={REPLACEMENT}"
    )


@pytest.mark.parametrize("pattern", [FIRST_LINE, *REDACTIONS.values()])
def test_a_pattern_needs_nothing_that_re2_lacks(pattern: str) -> None:
    assert not re.search(r"\(\?(?:[=!>#]|<[=!])|\\[1-9ZGK]|[*+?}]\+|\(\?P=", pattern)


@pytest.mark.parametrize("what", REDACTIONS)
def test_a_pattern_says_what_is_taken_out(what: str) -> None:
    assert re.compile(REDACTIONS[what]).groups >= 1
