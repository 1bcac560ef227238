"""The processes of an embedded Kubernetes control plane, run by ``kwokctl``.

The folder of one control plane holds:

- ``etcd/``: the data, kept until the cluster is taken down on purpose;
- ``kwok/``: everything that kwokctl writes, which can be made anew;
- ``control-plane.json``: the ports, chosen once, and what the processes were started from.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ops.local import ports, processes
from ops.local.kubeconfig import KubeAccess, encode_file, write_kubeconfig
from ops.local.store import write_atomically
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from ops.local.tools import Toolbox

STAGES: Final = Path(__file__).parent / "manifests" / "stages.yaml"
SERVICE_RANGE: Final = "10.0.0.0/16"
"""Addresses of Services: kwokctl's own choice is too small for more than 254."""
POD_RANGE: Final = "10.244.0.0/16"
"""Addresses of simulated pods, clear of those of Services."""
SIMULATED: Final = ("kwok.x-k8s.io/node", "fake")
"""The annotation of simulated nodes. KWOK leaves others alone, so a real one can join."""

_COMPONENTS: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok-controller",
)
"""Names of the components, which are also the names that kwokctl starts them under."""
_BINARY_OPTIONS: Final = {
    "etcdBinary": "etcd",
    "kubeApiserverBinary": "kube-apiserver",
    "kubeControllerManagerBinary": "kube-controller-manager",
    "kubeSchedulerBinary": "kube-scheduler",
    "kwokControllerBinary": "kwok",
}
_PORT_OPTIONS: Final = {
    "etcdPort": "etcd",
    "etcdPeerPort": "etcd",
    "kubeApiserverPort": "kube-apiserver",
    "kubeControllerManagerPort": "kube-controller-manager",
    "kubeSchedulerPort": "kube-scheduler",
    "kwokControllerPort": "kwok-controller",
}
"""Each port that is listened on, and by which component."""
_PATIENCE_SECONDS: Final = 3
"""For ending well. Only etcd has anything to lose, and it needs far less."""
_LINES_OF_LOG: Final = 12


class ControlPlaneError(Exception):
    """The control plane did not start: a defect, or a machine that is not up to it."""


class ControlPlane:
    """etcd, the API server, the controller manager, the scheduler and KWOK.

    Args:
        name: Name of the cluster and its context.
        directory: Folder of its own for everything it writes.
        toolbox: The binaries.
    """

    def __init__(self, name: str, directory: Path, toolbox: Toolbox) -> None:
        self._name = name
        self._directory = directory.resolve()
        self._toolbox = toolbox
        self._work = self._directory / "kwok" / "clusters" / name
        self._config = self._directory / "kwokctl.yaml"
        self._record = self._directory / "control-plane.json"

    @property
    def exists(self) -> bool:
        """True if there is anything to take down."""
        return self._directory.exists()

    def access(self) -> KubeAccess | None:
        """Return how to reach it, or None if it was never made."""
        record = self._load_record()
        if record is None or record["made_from"] is None:
            return None
        return self._write_access(record["ports"]["kubeApiserverPort"])

    def running(self) -> dict[str, int]:
        """Return the process id of each component that runs."""
        started_as = {str(self._work / "bin" / component): component for component in _COMPONENTS}
        found = processes.find(lambda command: command[0] in started_as)
        return {started_as[command[0]]: pid for pid, command in found.items()}

    def start(self) -> KubeAccess:
        """Start what does not run, from the data that is there, and return how to reach it.

        Raises:
            UsageError: A port it listens on is taken by another program.
            ControlPlaneError: It does not start.
        """
        self._end_orphaned_kwokctl()
        record = self._load_record()
        if record is None:
            record = {"ports": ports.choose(list(_PORT_OPTIONS)), "made_from": None}
            self._save_record(record)
        config = self._render_config(record["ports"])
        made_from = hashlib.sha256((config + json.dumps(self._extra_arguments())).encode()).hexdigest()
        if record["made_from"] != made_from:
            # New, half-made by a run that was killed, or made by another version of the project.
            self.stop()
            self._refuse_taken_ports(record["ports"])
            self._clear(keep_certificates=record["made_from"] is not None)
            write_atomically(self._config, config)
            self._kwokctl("create", "cluster", *self._extra_arguments())
            self._save_record({**record, "made_from": made_from})
        elif set(self.running()) != set(_COMPONENTS):
            self._refuse_taken_ports(record["ports"])
            self._correct_process_ids()
            self._kwokctl("start", "cluster")
        return self._write_access(record["ports"]["kubeApiserverPort"])

    def stop(self, *, patience: float = _PATIENCE_SECONDS) -> None:
        """End the processes; the data stays.

        Args:
            patience: Seconds they get to end well.
        """
        self._end_orphaned_kwokctl()
        processes.end(self.running().values(), patience=patience)

    def remove(self) -> None:
        """End the processes and remove all that was written, with the data."""
        self.stop(patience=0)
        shutil.rmtree(self._directory)

    def _load_record(self) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return record

    def _save_record(self, record: dict[str, Any]) -> None:
        write_atomically(self._record, json.dumps(record, indent=2) + "\n")

    def _render_config(self, chosen: dict[str, int]) -> str:
        options: dict[str, object] = {
            "runtime": "binary",
            # etcd asks nobody for a password: it must not be reachable from outside.
            "bindAddress": ports.LOOPBACK,
            "disableQPSLimits": True,
            **{option: str(self._toolbox.path(binary)) for option, binary in _BINARY_OPTIONS.items()},
            **chosen,
        }
        document = {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": options,
        }
        return f"{json.dumps(document, indent=2)}\n---\n{STAGES.read_text(encoding='utf-8')}"

    def _extra_arguments(self) -> list[str]:
        extra = {
            "etcd": {"data-dir": str(self._directory / "etcd")},
            "kube-apiserver": {
                "service-cluster-ip-range": SERVICE_RANGE,
                # As whom it asks a real node for a pod's log, or for a command to be run in it.
                "kubelet-client-certificate": str(self._work / "pki" / "admin.crt"),
                "kubelet-client-key": str(self._work / "pki" / "admin.key"),
                "kubelet-preferred-address-types": "InternalIP",
            },
            # There is one of each: after a restart it need not wait for its predecessor's term to end.
            "kube-controller-manager": {"leader-elect": "false"},
            "kube-scheduler": {"leader-elect": "false"},
            "kwok-controller": {
                "cidr": POD_RANGE,
                "node-lease-duration-seconds": "0",
                "manage-all-nodes": "false",
                "manage-nodes-with-annotation-selector": "=".join(SIMULATED),
            },
        }
        # Every component once before any is named again: kwokctl loses count otherwise.
        rounds = itertools.zip_longest(
            *(
                [f"{component}={key}={value}" for key, value in values.items()]
                for component, values in extra.items()
            )
        )
        return [f"--extra-args={argument}" for turn in rounds for argument in turn if argument is not None]

    def _clear(self, *, keep_certificates: bool) -> None:
        """Remove what kwokctl made, so that it makes all of it anew; the data lies elsewhere.

        The certificates stay if they are known to be complete, so that a
        kubeconfig handed out earlier goes on working.
        """
        if not self._work.exists():
            return
        for path in self._work.iterdir():
            if path.name == "pki" and keep_certificates:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _correct_process_ids(self) -> None:
        """Make kwokctl's notes true: after a reboot a number there may be anybody's process."""
        running = self.running()
        folder = self._work / "pids"
        folder.mkdir(parents=True, exist_ok=True)
        for component in _COMPONENTS:
            note = folder / f"{component}.pid"
            if component in running:
                note.write_text(str(running[component]), encoding="utf-8")
            else:
                note.unlink(missing_ok=True)

    def _end_orphaned_kwokctl(self) -> None:
        """End a kwokctl that outlived the run which started it."""
        ours = f"--config={self._config}"
        processes.end(processes.find(lambda command: "kwokctl" in command[0] and ours in command), patience=0)

    def _refuse_taken_ports(self, chosen: dict[str, int]) -> None:
        running = self.running()
        needed = {
            chosen[option]: component
            for option, component in _PORT_OPTIONS.items()
            if component not in running
        }
        problems = [
            Problem(
                where=f"port {port} on {ports.LOOPBACK}",
                what=f"is taken by another program, and {needed[port]} of the cluster {self._name} needs it",
                why="the cluster keeps the ports it was made with: its address stands in the stack's state",
                how=f"find the program with 'ss -ltnp sport = :{port}' (macOS: 'lsof -i :{port}') and end it",
            )
            for port in ports.taken(needed)
        ]
        if problems:
            raise UsageError(problems)

    def _kwokctl(self, *arguments: str) -> None:
        command = [
            str(self._toolbox.path("kwokctl")),
            *arguments,
            f"--name={self._name}",
            f"--config={self._config}",
        ]
        environment = {
            **os.environ,
            "KWOK_WORKDIR": str(self._directory / "kwok"),
            "KUBECONFIG": str(self._directory / "kwok" / "kubeconfig"),
            "PATH": os.pathsep.join([str(self._toolbox.bin_dir), os.environ.get("PATH", os.defpath)]),
        }
        answer = subprocess.run(  # noqa: S603 - the project's own binary
            command, env=environment, capture_output=True, text=True, check=False
        )
        if answer.returncode != 0:
            tail = "\n".join(answer.stderr.strip().splitlines()[-_LINES_OF_LOG:])
            message = f"kwokctl {' '.join(arguments[:2])} failed; logs are in {self._work / 'logs'}:\n{tail}"
            raise ControlPlaneError(message)

    def _write_access(self, port: int) -> KubeAccess:
        certificates = self._work / "pki"
        return write_kubeconfig(
            self._directory / "kubeconfig",
            context=self._name,
            cluster={
                "server": f"https://{ports.LOOPBACK}:{port}",
                "certificate-authority-data": encode_file(certificates / "ca.crt"),
            },
            user={
                "client-certificate-data": encode_file(certificates / "admin.crt"),
                "client-key-data": encode_file(certificates / "admin.key"),
            },
        )
