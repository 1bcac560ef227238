"""What is taken out of logs, by samples: each secret goes, and what is none stays."""

from __future__ import annotations

import re

import pytest

from infra.platform.redaction import REDACTIONS, REPLACEMENT

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJjdXN0b21lcklkIjoiYWNtZSJ9.c2lnbmF0dXJl-_x"
KEY = "a1" * 12


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


@pytest.mark.parametrize("what", REDACTIONS)
def test_a_pattern_says_what_is_taken_out_and_needs_nothing_that_re2_lacks(what: str) -> None:
    pattern = REDACTIONS[what]
    assert re.compile(pattern).groups >= 1
    assert not re.search(r"\(\?(?:[=!>#]|<[=!])|\\[1-9ZGK]|[*+?}]\+|\(\?P=", pattern)
