"""A customer's pods as plain processes: the rendered objects, run without a container engine.

bubblewrap gives a process what its container would: a read-only root, the volumes with the
owners that a kubelet gives them, its user, its environment and no privileges. Files and
commands are those of the rendered objects; only the programs are Debian's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tests.edge.world import LOOPBACK, Process, child, program
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.component import Manifest

PROGRAMS = (
    *("bwrap", "curl", "ip", "nginx", "nsenter", "postgres", "restic", "setpriv", "unshare"),
    *("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "prometheus-postgres-exporter"),
    "promtool",
)

_PATH = "/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin"
_ACCOUNTS = {"root": 0, "postgres": 70, "nginx": 101}
"""The users that the images look up by name."""

_RUN_SECONDS = 60

_GROUP_WRITES = 0o2070
"""What a kubelet adds to a volume's folder for the pod's group."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a container's image brings along.

    Attributes:
        entrypoint: What runs a container's ``args``.
        environment: Variables that a container need not set.
        files: Files and folders by their path in the image.
    """

    entrypoint: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


NOTHING = Image()


class Node:
    """Runs the containers of one instance; all its Services are the loopback of one network.

    Args:
        folder: Where volumes and logs go.
        objects: The instance's rendered objects. Those given later replace those of the same name.
    """

    def __init__(self, folder: Path, objects: Sequence[Manifest]) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self._objects: dict[tuple[str, str], Manifest] = {}
        self._images: dict[str, Image] = {}
        self.apply(objects)
        self._network = self._start_network()

    def apply(self, objects: Sequence[Manifest]) -> None:
        """Take objects over, as an API server does. Processes keep running."""
        self._objects |= {(item["kind"], item["metadata"]["name"]): item for item in objects}

    def close(self) -> None:
        for process in reversed(self.processes):
            process.stop()

    def image(self, container: str, image: Image) -> None:
        """Say what the image of a container brings along."""
        self._images[container] = image

    def create(self, kind: str, name: str) -> None:
        """Make a workload's pod anew: its files as they are declared now, its scratch volumes empty."""
        pod = self.pod(kind, name)
        shutil.rmtree(self.folder / "pods" / name, ignore_errors=True)
        for source in pod["volumes"]:
            self._fill(self._place(name, source), source, pod["securityContext"]["fsGroup"])

    def start(self, kind: str, name: str, container: str) -> Process:
        """Make a workload's pod anew, start one of its containers and leave it running."""
        self.create(kind, name)
        return self.go_on(kind, name, container)

    def go_on(self, kind: str, name: str, container: str) -> Process:
        """Start a container of a pod that is there, and leave it running."""
        return self._run(self._command(kind, name, container, None, {}), name=f"{name}/{container}")

    def beside(self, name: str, *command: str) -> Process:
        """Start a program that is no container's in the instance's network, and leave it running."""
        return self._run([*self._enter, *command], name=name)

    def end(self, process: Process, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask a container to end, as a kubelet does, or kill it, and wait until it has ended."""
        # Around the program there are the container's first process, and that which waits for it outside.
        os.kill(child(child(process.popen.pid)), number)
        wait_until(lambda: not process.runs, what=f"{process.name} has ended", seconds=_RUN_SECONDS)

    def finish(self, kind: str, name: str) -> subprocess.CompletedProcess[str]:
        """Make a job's pod anew, run its containers one after the other, and return how the last ended.

        One that is to be restarted always stays beside those that come after it, as long as they run.
        """
        self.create(kind, name)
        pod = self.pod(kind, name)
        containers: list[dict[str, Any]] = [*pod.get("initContainers", ()), *pod["containers"]]
        *first, last = containers
        beside: list[Process] = []
        try:
            for container in first:
                if container.get("restartPolicy") == "Always":
                    beside.append(self.start_beside(kind, name, container))
                    continue
                answer = self.run(kind, name, container["name"])
                if answer.returncode != 0:
                    return answer
            return self.run(kind, name, last["name"])
        finally:
            for process in beside:
                process.stop()

    def start_beside(self, kind: str, name: str, container: Mapping[str, Any]) -> Process:
        """Start a container of a pod that is there, and return once a kubelet would go on to the next."""
        process = self.go_on(kind, name, container["name"])
        if hook := container.get("lifecycle", {}).get("postStart"):
            answer = self.run(kind, name, container["name"], *hook["exec"]["command"])
            assert answer.returncode == 0, answer.stderr + process.said()
        probe = container["startupProbe"]["exec"]["command"]

        def started() -> bool:
            assert process.runs, process.said()
            return self.run(kind, name, container["name"], *probe).returncode == 0

        wait_until(started, what=f"{container['name']} has started", seconds=_RUN_SECONDS)
        return process

    def run(
        self, kind: str, name: str, container: str, *command: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a container of a pod to its end, or another command in its place, and return how it ended."""
        return subprocess.run(
            self._command(kind, name, container, command or None, environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_SECONDS,
        )

    def volume(self, kind: str, name: str, volume: str) -> Path:
        """Return where a volume of a workload's pod is, as it was mounted last."""
        (source,) = (item for item in self.pod(kind, name)["volumes"] if item["name"] == volume)
        return self._place(name, source)

    def http(self, url: str, *arguments: str) -> tuple[int, dict[str, str], str]:
        """Ask inside the instance's network; return status, headers in lower case, and body."""
        answer = subprocess.run(
            [*self._enter, "curl", "--silent", "--show-error", "--include", *arguments, url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.splitlines()
        headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
        return int(first.split()[1]), headers, body

    def listens(self, port: int) -> bool:
        """Return whether something accepts connections at a port."""
        probe = f"exec 3<>/dev/tcp/{LOOPBACK}/{port}"
        return (
            subprocess.run([*self._enter, "bash", "-c", probe], capture_output=True, check=False).returncode
            == 0
        )

    @property
    def network(self) -> Path:
        """The instance's network, as the kernel shows it."""
        return Path(f"/proc/{self._network.popen.pid}/ns/net")

    @property
    def _enter(self) -> list[str]:
        return ["nsenter", f"--net={self.network}"]

    def _start_network(self) -> Process:
        process = self._run(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
            name="network",
        )
        wait_until(lambda: "up" in process.said(), what="the network is up")
        return process

    def _run(self, command: list[str], *, name: str) -> Process:
        log = self.folder / f"{len(self.processes)}-{name.replace('/', '-')}.log"
        process = Process(name, command, log)
        self.processes.append(process)
        return process

    def pod(self, kind: str, name: str) -> dict[str, Any]:
        spec = self._objects[kind, name]["spec"]
        if kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        pod: dict[str, Any] = spec["template"]["spec"]
        return pod

    def _command(
        self,
        kind: str,
        name: str,
        container: str,
        command: Sequence[str] | None,
        environment: Mapping[str, str],
    ) -> list[str]:
        pod = self.pod(kind, name)
        containers = [*pod.get("initContainers", ()), *pod["containers"]]
        (spec,) = (item for item in containers if item["name"] == container)
        image = self._images.get(container, NOTHING)
        arguments = command or spec.get("command") or [*image.entrypoint, *spec.get("args", ())]
        group = pod["securityContext"]["fsGroup"]
        user = spec["securityContext"].get("runAsUser", pod["securityContext"]["runAsUser"])
        for sysctl in pod["securityContext"].get("sysctls", ()):
            file = f"/proc/sys/{sysctl['name'].replace('.', '/')}"
            subprocess.run([*self._enter, "sh", "-c", f"echo {sysctl['value']} > {file}"], check=True)
        variables = {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            **image.environment,
            **{item["name"]: self.value(item) for item in spec["env"]},
            **environment,
        }
        return [
            *self._enter,
            str(program("bwrap")),
            *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--clearenv"),
            *("--hostname", name),
            *self._root(image),
            *self._mounts(name, pod, spec),
            # Last, so that everything could be mounted; /proc, /dev and the volumes are mounts apart.
            *("--remount-ro", "/"),
            *(word for key, value in variables.items() for word in ("--setenv", key, value)),
            *("setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={group}"),
            *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
            *arguments,
        ]

    def _root(self, image: Image) -> list[str]:
        accounts = self.folder / "passwd"
        _settle(
            accounts,
            "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in _ACCOUNTS.items()),
        )
        hosts = self.folder / "hosts"
        services = [name for kind, name in self._objects if kind == "Service"]
        _settle(hosts, f"{LOOPBACK} localhost {' '.join(services)}\n")
        words = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        words += ["--perms", "1777", "--tmpfs", "/dev/shm", "--dir", "/run"]  # noqa: S108 - of its own
        words += ["--dir", "/var", "--symlink", "../run", "/var/run"]
        for link in ("bin", "sbin", "lib", "lib64"):
            words += ["--symlink", f"usr/{link}", f"/{link}"]
        for path, file in {"/etc/passwd": accounts, "/etc/hosts": hosts, **image.files}.items():
            words += _bind(file, path, fixed=True)
        return words

    def _mounts(self, pod_name: str, pod: Mapping[str, Any], container: Mapping[str, Any]) -> list[str]:
        sources = {volume["name"]: volume for volume in pod["volumes"]}
        words: list[str] = []
        for mount in container["volumeMounts"]:
            source = sources[mount["name"]]
            fixed = mount.get("readOnly", False) or _only_read(source)
            # As in the images, where /var/run is another name of /run.
            path = mount["mountPath"].replace("/var/run", "/run")
            words += _bind(self._place(pod_name, source), path, fixed=fixed)
        return words

    def _place(self, pod_name: str, source: Mapping[str, Any]) -> Path:
        if claim := source.get("persistentVolumeClaim"):
            return self.folder / "claims" / str(claim["claimName"])
        return self.folder / "pods" / pod_name / str(source["name"])

    def _fill(self, place: Path, source: Mapping[str, Any], group: int) -> None:
        """Make a volume as a kubelet does."""
        place.mkdir(parents=True, exist_ok=True)
        for kind, key in (("configMap", "name"), ("secret", "secretName")):
            if files := source.get(kind):
                self._write(place, kind, files, files[key], group)
        # A volume that is only read keeps its owners; so does one whose folder has the group already.
        if _only_read(source) or place.stat().st_gid == group:
            return
        for path in [place, *place.rglob("*")]:
            os.chown(path, -1, group)
            path.chmod(path.stat().st_mode | (_GROUP_WRITES if path.is_dir() else 0o060))
        if "emptyDir" in source:
            place.chmod(0o2777)

    def _write(self, place: Path, kind: str, files: Mapping[str, Any], name: str, group: int) -> None:
        data = self._objects["ConfigMap" if kind == "configMap" else "Secret", name]
        values = data["data" if kind == "configMap" else "stringData"]
        for item in files["items"]:
            file = place / item["path"]
            file.write_text(values[item["key"]], encoding="utf-8")
            os.chown(file, 0, group)
            file.chmod(files["defaultMode"] | 0o040)

    def value(self, variable: Mapping[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        source = variable["valueFrom"]["secretKeyRef"]
        return str(self._objects["Secret", source["name"]]["stringData"][source["key"]])


def _settle(file: Path, text: str) -> None:
    """Write a file if it is another one: containers that start meanwhile would find it empty."""
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def _only_read(source: Mapping[str, Any]) -> bool:
    claim = source.get("persistentVolumeClaim", {})
    return "configMap" in source or "secret" in source or bool(claim.get("readOnly", False))


def _bind(source: Path, path: str, *, fixed: bool) -> list[str]:
    # Folders that bubblewrap makes by itself are the superuser's alone.
    parents = [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]
    words = [word for parent in parents for word in ("--dir", parent)]
    return [*words, "--ro-bind" if fixed else "--bind", str(source), path]
