"""Asks a name server for one name, and ends with 0 if it has an address.

Run as ``python ask_dns.py <server> <name>``, inside the node, with nothing but Python's own modules.
"""

from __future__ import annotations

import socket
import sys
from typing import Final

PORT: Final = 53
_SECONDS: Final = 2
_LARGEST: Final = 512


def question(name: str) -> bytes:
    """Return the message that asks for a name's IPv4 addresses (RFC 1035)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = b"\0\1" + b"\1\0" + b"\0\1" + bytes(6)
    return header + labels + b"\0" + b"\0\1" + b"\0\1"


def has_answer(message: bytes) -> bool:
    """Return whether a name server's message brings a record, and no error."""
    return len(message) > 12 and message[3] & 0x0F == 0 and int.from_bytes(message[6:8], "big") > 0  # noqa: PLR2004 - positions in the header


def main(server: str, name: str, port: int = PORT) -> int:
    """Return 0 if the server knows the name, else 1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(_SECONDS)
        try:
            asker.connect((server, port))
            asker.send(question(name))
            return int(not has_answer(asker.recv(_LARGEST)))
        except OSError as error:
            sys.stderr.write(f"{server} does not answer: {error}\n")
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
