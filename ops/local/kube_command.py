"""Runs ``kubectl`` from the toolbox against one cluster."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox


class KubectlError(Exception):
    """The command failed; the text is what it said."""


def kubectl(toolbox: Toolbox, access: KubeAccess, *arguments: str, stdin: str | None = None) -> str:
    """Run ``kubectl`` with ``arguments`` and return what it prints.

    Args:
        toolbox: Where the binary is.
        access: The cluster.
        arguments: The verb and what follows it.
        stdin: What it reads, for ``--filename=-``.

    Raises:
        KubectlError: It did not end with 0.
    """
    command = [
        str(toolbox.path("kubectl")),
        f"--kubeconfig={access.kubeconfig}",
        f"--context={access.context}",
        *arguments,
    ]
    answer = subprocess.run(  # noqa: S603 - the project's own binary
        command, input=stdin, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        message = f"kubectl {' '.join(arguments)}: {answer.stderr.strip()}"
        raise KubectlError(message)
    return answer.stdout
