"""Keeps secrets out of what people and logs get to read.

The engine hides every value that it knows to be a secret. This is the second net, for what
it cannot know: a password in an error message, a token in a field that nobody marked.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "[secret]"
"""What stands instead of a secret. The engine uses the same word."""

_NAMES_A_SECRET: Final = re.compile(
    r"password|passwd|passphrase|secret|token|credential|private[_-]?key|api[_-]?key|master[_-]?key|licen[cs]e"
    r"|kubeconfig",
    re.IGNORECASE,
)
_MENTIONS_ONLY: Final = re.compile(
    r"(Name|Ref|secretKeyRef.*|checksum.*|secretName|automount\w+)$", re.IGNORECASE
)
"""Ends of paths that say which secret, not what is in it."""

_SHAPES: Final = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/-]{8,}=*"),
    re.compile(
        r"\b(gh[pousr]_\w{20,}|github_pat_\w{20,}|sk_(live|test)_\w{10,}|whsec_\w{10,}|AKIA[A-Z0-9]{16})\b"
    ),
    re.compile(r"(?i)(?<=password=)[^\s&'\"]+"),
)
"""What secrets look like: private keys, signed tokens, log-ins in addresses, keys with a known beginning."""


def redact(text: str) -> str:
    """Return a text with everything hidden that looks like a secret."""
    for shape in _SHAPES:
        text = shape.sub(HIDDEN, text)
    return text


def names_a_secret(path: str) -> bool:
    """Return whether a property's path says that its value is a secret."""
    return bool(_NAMES_A_SECRET.search(path)) and not _MENTIONS_ONLY.search(path)
