"""What a report says of a run that failed."""

from __future__ import annotations

from typing import Final, TypeAlias

from ops.automation.redaction import redact
from ops.local.engine_run import EngineError
from ops.local.kube_command import KubectlError
from tenants.errors import UsageError

FAILURES: Final = (UsageError, EngineError, KubectlError)
"""What a report tells instead of ending the command: the other stacks are looked at all the same."""


Failure: TypeAlias = UsageError | EngineError | KubectlError
"""One of them."""


def told(error: Failure, *, stack: str) -> tuple[str, ...]:
    """Return what went wrong with a stack, once each and without secrets."""
    if isinstance(error, UsageError):
        texts = [str(problem) for problem in error.problems]
    elif isinstance(error, EngineError):
        texts = [*error.errors, f"{stack}: the engine failed"]
    else:
        texts = [str(error)]
    return tuple(map(redact, dict.fromkeys(texts)))
