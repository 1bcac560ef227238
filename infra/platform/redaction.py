"""What is taken out of every entry of a log before it leaves the node: passwords, tokens and keys.

Each pattern is one of RE2, as the log agent takes it, and has a group around what is taken out;
what stands around it stays, so that an entry still tells what was logged. A secret may stand on
several lines, so lines that go on with the one before them become one entry first.
"""

from __future__ import annotations

from typing import Final

REPLACEMENT: Final = "<redacted>"

_BASE64: Final = "A-Za-z0-9+/="

FIRST_LINE: Final = (
    r"^(?:[^\s}\])" + _BASE64 + r"-]"
    r"|[" + _BASE64 + r"]+[^" + _BASE64 + r"\r\n]"
    r"|-{1,4}(?:[^-]|$)"
    r"|-----BEGIN )"
)
"""What an entry begins with: anything but a line that goes on with the one before it.

That is one that is indented or empty, that closes a bracket, that has nothing but letters of base64,
or that ends a key. RE2 cannot say what must not follow, so this says what may: punctuation, a word
with something after it, dashes that are no frame, the frame that opens.
"""

_QUOTE: Final = r"(?:\\*[\"'])?"
"""A quotation mark, or one that is quoted itself: in JSON inside of JSON."""

_NAMES: Final = (
    "pass(?:word|wd|phrase)?|pwd|(?:client[_-]?)?secret(?:[_-]?(?:access[_-]?)?key)?|credentials?"
    "|(?:access|refresh|id|auth|session|api|csrf)[_-]?(?:token|key)|token|private[_-]?key"
)

REDACTIONS: Final = {
    # To its end, or to the entry's. First: its frame may be the value of a secret's name.
    "a private key": r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(.+?)(?:-----END|$)",
    # Where the rest of a key is an entry of its own: after a pause, or in a very long entry.
    "a line of nothing but base64": r"(?m)^[ \t]*([A-Za-z0-9+/]{40,}={0,2})[ \t\r]*$",
    "a private key in JSON": (r"\\*\"(?:d|p|q|dp|dq|qi|k)\\*\"\s*:\s*\\*\"([A-Za-z0-9_-]{20,})"),
    # Three parts in base64url, the first of which begins like every JSON object.
    "a JSON web token": r"(eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?)",
    # Whatever scheme it has. A name before it may be part of a longer one: Proxy-Authorization.
    "a header that lets somebody in": (
        r"(?i)(?:authorization|cookie|x-api-key|x-auth-token)"
        + _QUOTE
        + r"\s*[:=]\s*\[?"
        + _QUOTE
        + r"((?:(?:bearer|basic|digest|token|negotiate)\s+)?[^\s\"'\\,\]}]+)"
    ),
    "a bearer's token": r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})",
    # In quotation marks it may hold spaces.
    "a value of a secret's name, quoted": (
        r"(?i)(?:" + _NAMES + r")" + _QUOTE + r"\s*[:=]\s*(?:\\*\"([^\"\\]+)|\\*'([^'\\]+))"
    ),
    # In YAML it may be a block below its name.
    "a value of a secret's name": (
        r"(?i)(?:" + _NAMES + r")" + _QUOTE + r"\s*[:=]\s*(?:[|>][+-]?\s+)?([^\s\"'\\,;&}\])]+)"
    ),
    "a key of Stripe": r"\b((?:sk|rk|whsec)_[A-Za-z0-9_]{10,})",
    "a password in an address": r"[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@",
}
"""Patterns, by what they find. The order matters: what is taken out is not looked at again."""
