"""What is taken out of every line of a log before it leaves the node: passwords, tokens and keys.

Each pattern is one of RE2, as the log agent takes it, and has a group around what is taken out;
what stands around it stays, so that a line still tells what was logged.
"""

from __future__ import annotations

from typing import Final

REPLACEMENT: Final = "<redacted>"

_QUOTE: Final = r"(?:\\*[\"'])?"
"""A quotation mark, or one that is quoted itself: in JSON inside of JSON."""

_NAMES: Final = (
    "pass(?:word|wd|phrase)?|pwd|(?:client[_-]?)?secret(?:[_-]?(?:access[_-]?)?key)?|credentials?"
    "|(?:access|refresh|id|auth|session|api|csrf)[_-]?(?:token|key)|token|private[_-]?key"
)

REDACTIONS: Final = {
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
    "a value of a secret's name": (r"(?i)(?:" + _NAMES + r")" + _QUOTE + r"\s*[:=]\s*([^\s\"'\\,;&}\])]+)"),
    "a key of Stripe": r"\b((?:sk|rk|whsec)_[A-Za-z0-9_]{10,})",
    "a password in an address": r"[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END|$)",
}
"""Patterns, by what they find. The order matters: what is taken out is not looked at again."""
