"""Pods that pass the Pod Security Standard "restricted", written once.

Source of the rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra import exemptions
from tenants.sizing import DISK_LIMIT, DISK_REQUEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.component import Manifest
    from infra.exemptions import Exemption
    from infra.images import Image
    from infra.owner import Owner

SERVICE_ACCOUNT = "instance"
"""The account of every pod that needs no other. It may do nothing, and no pod holds its token."""

SECRETS_CHECKSUM = "iotistic.io/secrets-checksum"
"""Pod annotation that changes, and so rolls the pods, when the secrets they read change."""

CONFIG = "config"
"""The one ConfigMap of an owner. Each pod mounts the files it reads and no others."""

CONFIG_CHECKSUM = "iotistic.io/config-checksum"
"""The same for configuration files."""

NODE_DISK = {"requests": DISK_REQUEST, "limits": DISK_LIMIT}
"""What a container may take of its node's own disk unless it says more."""


def container(  # noqa: PLR0913 - a container has this many independent parts
    name: str,
    image: Image,
    *,
    ports: Mapping[str, int],
    resources: Mapping[str, Any],
    probe: Mapping[str, Any] | None,
    mounts: Mapping[str, str],
    env: Sequence[Mapping[str, Any]] = (),
    start_seconds: int = 120,
    **more: Any,  # noqa: ANN401 - fields of all kinds
) -> dict[str, Any]:
    """Return a container with a read-only root, no privileges, requests and limits.

    Args:
        name: The container's name.
        image: What it runs.
        ports: Port names and numbers.
        resources: Requests and limits. Those of the node's disk are added where they are not named.
        probe: How to ask whether it works, for start-up, readiness and liveness alike. None for
            what ends by itself, or serves nobody.
        mounts: Volume names and where they are mounted.
        env: Environment variables. Secret values only by reference.
        start_seconds: How long it may take to start before it is stopped and started anew.
        more: Further fields of the container: ``command``, ``args``, ``lifecycle``.
    """
    probes = (
        {
            "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": start_seconds // 2},
            "readinessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 3},
            "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 6},
        }
        if probe
        else {}
    )
    return {
        "name": name,
        "image": str(image),
        "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
        "env": list(env),
        "resources": {
            bound: {"ephemeral-storage": disk, **resources[bound]} for bound, disk in NODE_DISK.items()
        },
        **probes,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
        **more,
    }


def pod_template(  # noqa: PLR0913 - a pod has this many independent parts
    owner: Owner,
    app: str,
    *,
    component: str,
    image: Image,
    user: int,
    containers: Sequence[Mapping[str, Any]],
    volumes: Sequence[Mapping[str, Any]],
    checksums: Mapping[str, str],
    sysctls: Mapping[str, str] | None = None,
    **more: Any,  # noqa: ANN401 - fields of all kinds
) -> dict[str, Any]:
    """Return a workload's pod template.

    Args:
        owner: Whose it is.
        app: Name of the workload.
        component: Its part in the instance.
        image: The main container's image, for the version label.
        user: Numeric user and group. A name would not do: the kubelet cannot tell that it is not root.
        containers: The containers.
        volumes: The volumes.
        checksums: Annotations that roll the pods when something outside the template changes.
        sysctls: Kernel settings of the pod, from the list that "restricted" allows.
        more: Further fields of the pod: ``initContainers``, ``restartPolicy``.
    """
    labels = owner.metadata(app, app=app, component=component, version=image.version)["labels"]
    security: dict[str, Any] = {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if sysctls:
        security["sysctls"] = [{"name": name, "value": value} for name, value in sysctls.items()]
    return {
        "metadata": {"labels": labels, "annotations": dict(checksums)},
        "spec": {
            "serviceAccountName": SERVICE_ACCOUNT,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "priorityClassName": owner.priority_class,
            "terminationGracePeriodSeconds": 60,
            "securityContext": security,
            "containers": [dict(item) for item in containers],
            "volumes": [dict(item) for item in volumes],
            **owner.scheduling,
            **more,
        },
    }


def scratch(*names: str, size: str = DISK_REQUEST) -> list[dict[str, Any]]:
    """Return empty volumes for what an image insists on writing under a read-only root.

    Args:
        names: What they are called.
        size: How much each may hold. A pod that writes more is evicted.
    """
    return [{"name": name, "emptyDir": {"sizeLimit": size}} for name in names]


def secret_volume(name: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return a volume with some keys of a Secret, readable by the pod's own group only."""
    items = [{"key": key, "path": key} for key in keys]
    return {"name": name, "secret": {"secretName": name, "defaultMode": 0o440, "items": items}}


def config_volume(name: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return a volume with some files of the owner's one ConfigMap."""
    items = [{"key": key, "path": key} for key in keys]
    return {"name": name, "configMap": {"name": CONFIG, "defaultMode": 0o444, "items": items}}


def from_secret(variable: str, secret: str, key: str) -> dict[str, Any]:
    """Return an environment variable that takes its value from a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def http_probe(path: str, port: str) -> dict[str, Any]:
    """Return a probe by HTTP."""
    return {"httpGet": {"path": path, "port": port}, "timeoutSeconds": 5}


def workload(  # noqa: PLR0913 - a workload has this many independent parts
    owner: Owner,
    kind: str,
    app: str,
    *,
    component: str,
    image: Image,
    template: Mapping[str, Any],
    strategy: Mapping[str, Any],
    replicas: int | None = None,
    exempt: Sequence[Exemption] = (),
) -> Manifest:
    """Return a Deployment, or a StatefulSet of one pod behind the Service of its own name.

    Args:
        owner: Whose it is.
        kind: Which of both.
        app: Its name.
        component: Its part in the instance.
        image: The main container's image, for the version label.
        template: Its pods.
        strategy: The fields in which both kinds differ.
        replicas: How many pods; where not given, one while the customer is served.
        exempt: What linters find in it beyond what they find in every one.
    """
    of_kind = (exemptions.NO_HEADLESS_SERVICE,) if kind == "StatefulSet" else ()
    spec: dict[str, Any] = {
        "replicas": owner.replicas if replicas is None else replicas,
        "selector": {"matchLabels": owner.selector(app)},
        "template": dict(template),
        **strategy,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            **owner.metadata(app, app=app, component=component, version=image.version),
            "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_SERVER, *of_kind, *exempt),
        },
        "spec": spec,
    }


def service(  # noqa: PLR0913 - a Service has this many independent parts
    owner: Owner,
    app: str,
    *,
    component: str,
    ports: Mapping[str, int],
    node_ports: Mapping[str, int | None] | None = None,
    always_served: bool = False,
) -> Manifest:
    """Return the Service of a workload; clients use its name, which is the workload's.

    Args:
        owner: Whose it is.
        app: Name of the workload.
        component: Its part in the instance.
        ports: Port names and numbers.
        node_ports: The same for ports on the nodes by which everybody comes in, where there are any.
        always_served: Whether pods are there even while the customer is suspended.
    """
    spec: dict[str, Any] = {
        "type": "ClusterIP" if node_ports is None else "NodePort",
        "selector": owner.selector(app),
        "ports": [
            {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}
            | ({} if node_ports is None else {"nodePort": node_ports[name]})
            for name, number in ports.items()
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": owner.metadata(app, app=app, component=component, awaited=owner.served or always_served),
        "spec": spec,
    }


def service_account(owner: Owner, name: str, *, app: str, component: str) -> Manifest:
    """Return an account for pods: no token, no role."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": owner.metadata(name, app=app, component=component),
        "automountServiceAccountToken": False,
    }


def volume_claim(owner: Owner, app: str, *, component: str, size: str) -> Manifest:
    """Return the claim of a workload's data.

    It is an object of its own and not a claim template of the StatefulSet: a template
    cannot change, so growing it would replace the StatefulSet, while a claim grows in place.

    The engine waits for a claim's news, and one that has been bound for long has none: a claim that
    a killed run or an option's last time left behind would hold up the run until it fails. That the
    volume is there is seen by the pod that starts with it.

    Args:
        owner: Whose it is.
        app: Whose data.
        component: Its part in the instance.
        size: How large.
    """
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": owner.metadata(f"{app}-data", app=app, component=component, awaited=False),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": owner.volume_class,
            "resources": {"requests": {"storage": size}},
        },
    }
