"""What one caller may ask of one customer, whichever controller leads there.

Each controller counts a customer's callers by themselves: one who asks too much of one customer
is held back there, and nowhere else.
"""

from __future__ import annotations

from typing import Final

BODY_MEBIBYTES: Final = 16
"""Largest request: firmware goes to object storage, not through the API."""

REQUESTS_PER_SECOND: Final = 50
"""From one address, to one path of a customer's, in the long run."""

BURST: Final = 250
"""Requests at once before that counts: a page with everything it loads, for an office behind one address."""

CONNECTIONS: Final = 100
"""Requests under way from one address. An open WebSocket is one."""
