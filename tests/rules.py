"""What every rendered object has to obey. Each rule yields what is wrong, in words that name the object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Objects = list[dict[str, Any]]

_EXACT_TAG: Final = re.compile(r"v?\d+(\.\d+)+[\w.-]*")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SECRET: Final = re.compile(r"PASS|SECRET|TOKEN|PRIVATE|LICENSE_KEY|CREDENTIAL")
_VOLUMES: Final = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the template of each workload's pods with the name of the workload."""
    for item in objects:
        spec = item.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "containers" in spec.get("template", {}).get("spec", {}):
            yield f"{item['kind']} {item['metadata']['name']}", spec["template"]


def containers(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each container, those that run before the others included, with its name."""
    for name, pod in pods(objects):
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
            yield f"{name}, {container['name']}", container


def _of_kind(objects: Objects, *kinds: str) -> Iterator[dict[str, Any]]:
    return (item for item in objects if item["kind"] in kinds)


def images_are_exact(objects: Objects) -> Iterator[str]:
    for name, container in containers(objects):
        image, _, digest = container["image"].partition("@")
        tag = image.rpartition(":")[2]
        if not (_DIGEST.fullmatch(digest) if digest else _EXACT_TAG.fullmatch(tag)):
            yield f"{name}: {container['image']} may be another image tomorrow"


def servers_are_probed(objects: Objects) -> Iterator[str]:
    for name, container in containers(objects):
        # What only watches another container serves nobody, so there is nothing to ask.
        yield from (
            f"{name}: no {probe}" for probe in _PROBES if container["ports"] and probe not in container
        )


def containers_are_bounded(objects: Objects) -> Iterator[str]:
    for name, container in containers(objects):
        for bound in ("requests", "limits"):
            missing = {"cpu", "memory", "ephemeral-storage"} - container["resources"].get(bound, {}).keys()
            yield from (f"{name}: no {bound} of {resource}" for resource in sorted(missing))


def no_variable_holds_a_secret(objects: Objects) -> Iterator[str]:
    for name, container in containers(objects):
        for variable in container["env"]:
            secret = _SECRET.search(variable["name"]) and not variable["name"].endswith(("_FILE", "_KEYFILE"))
            if secret and "secretKeyRef" not in variable.get("valueFrom", {}):
                yield f"{name}: {variable['name']} is a literal"


def users_are_numbers_and_not_root(objects: Objects) -> Iterator[str]:
    for name, pod in pods(objects):
        security = pod["spec"]["securityContext"]
        if security.get("runAsNonRoot") is not True:
            yield f"{name}: may run as root"
        if not _is_user(security.get("runAsUser")):
            yield f"{name}: no user by number"
    for name, container in containers(objects):
        if not _is_user(container["securityContext"].get("runAsUser", 1)):
            yield f"{name}: no user by number"


def _is_user(value: object) -> bool:
    return isinstance(value, int) and value > 0


def pods_pass_restricted(objects: Objects) -> Iterator[str]:
    for name, pod in pods(objects):
        if pod["spec"]["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: system calls are not filtered"
        yield from (f"{name}: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod["spec"].get(key))
        for volume in pod["spec"].get("volumes", []):
            kinds = volume.keys() - {"name"}
            if not kinds <= _VOLUMES:
                yield f"{name}: volume {volume['name']} is {kinds}"
    for name, container in containers(objects):
        security = container["securityContext"]
        if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
            yield f"{name}: may gain privileges"
        if security["capabilities"] != {"drop": ["ALL"]}:
            yield f"{name}: has capabilities"


def roots_are_read_only(objects: Objects) -> Iterator[str]:
    for name, container in containers(objects):
        if container["securityContext"].get("readOnlyRootFilesystem") is not True:
            yield f"{name}: writes into its image"


def no_pod_holds_a_token(objects: Objects) -> Iterator[str]:
    for name, pod in pods(objects):
        if pod["spec"].get("automountServiceAccountToken") is not False:
            yield f"{name}: holds a token of its service account"
    for item in _of_kind(objects, "ServiceAccount"):
        if item.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {item['metadata']['name']}: gives out tokens"


def drains_are_bounded(objects: Objects) -> Iterator[str]:
    budgets = [item["spec"] for item in _of_kind(objects, "PodDisruptionBudget")]
    for item in _of_kind(objects, "Deployment", "StatefulSet"):
        labels = item["spec"]["template"]["metadata"]["labels"]
        name = f"{item['kind']} {item['metadata']['name']}"
        matching = [budget for budget in budgets if _selects(budget["selector"], labels)]
        # A pod that two budgets select cannot be evicted at all.
        if len(matching) != 1:
            yield f"{name}: {len(matching)} disruption budgets"
        if any(budget.get("maxUnavailable") in {0, "0%"} for budget in matching):
            yield f"{name}: no drain ever ends"
        spread = item["spec"]["template"]["spec"].get("topologySpreadConstraints")
        if item["spec"]["replicas"] > 1 and not spread:
            yield f"{name}: its pods may all be on one node"


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    assert {one["operator"] for one in expressions} <= {"NotIn"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(one["key"]) not in one["values"] for one in expressions
    )


def pods_have_a_priority(objects: Objects) -> Iterator[str]:
    for name, pod in pods(objects):
        if not pod["spec"].get("priorityClassName"):
            yield f"{name}: is evicted like anything else"


def mounts_and_references_are_there(objects: Objects) -> Iterator[str]:
    existing = {(item["kind"], item["metadata"]["name"]) for item in objects}
    existing |= {("Secret", item["spec"]["secretName"]) for item in _of_kind(objects, "Certificate")}
    for name, pod in pods(objects):
        wanted = {
            (kind, source[key])
            for volume in pod["spec"].get("volumes", [])
            for kind, key, source in _sources(volume)
        }
        wanted.add(("ServiceAccount", pod["spec"]["serviceAccountName"]))
        yield from (f"{name}: no {kind} {wanted}" for kind, wanted in sorted(wanted - existing))
    for name, container in containers(objects):
        references = [variable.get("valueFrom", {}).get("secretKeyRef") for variable in container["env"]]
        wanted = {("Secret", reference["name"]) for reference in references if reference}
        yield from (f"{name}: no {kind} {wanted}" for kind, wanted in sorted(wanted - existing))


def _sources(volume: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    known = {
        "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
        "configMap": ("ConfigMap", "name"),
        "secret": ("Secret", "secretName"),
    }
    return ((*known[key], source) for key, source in volume.items() if key in known)


def volumes_are_mounted(objects: Objects) -> Iterator[str]:
    for name, pod in pods(objects):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        parts = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
        mounted = {mount["name"] for part in parts for mount in part["volumeMounts"]}
        if volumes != mounted:
            yield f"{name}: has {sorted(volumes)} and mounts {sorted(mounted)}"


def policies_name_ends_and_ports(objects: Objects) -> Iterator[str]:
    for item in _of_kind(objects, "NetworkPolicy"):
        name, spec = f"NetworkPolicy {item['metadata']['name']}", item["spec"]
        if spec["policyTypes"] != ["Ingress", "Egress"]:
            yield f"{name}: leaves a direction open"
        for rule in [*spec["ingress"], *spec["egress"]]:
            if not rule.get("ports"):
                yield f"{name}: opens all ports"
            if not (rule.get("from") or rule.get("to")):
                yield f"{name}: opens to everybody"


def everything_is_in_one_namespace(objects: Objects) -> Iterator[str]:
    namespace, *others = objects
    if namespace["kind"] != "Namespace":
        yield "the first object is no namespace"
    for item in others:
        if item["metadata"].get("namespace") != namespace["metadata"]["name"]:
            yield f"{item['kind']} {item['metadata']['name']}: is elsewhere"


def everything_is_labelled(objects: Objects) -> Iterator[str]:
    tenant = objects[0]["metadata"]["labels"]["iotistic.io/tenant"]
    wanted = {"app.kubernetes.io/name", "app.kubernetes.io/component", "iotistic.io/plan"}
    for item in objects:
        labels = item["metadata"]["labels"]
        same = {"iotistic.io/tenant": tenant, "app.kubernetes.io/part-of": "iotistic"}
        if not (wanted <= labels.keys() and same.items() <= labels.items()):
            yield f"{item['kind']} {item['metadata']['name']}: labelled {labels}"


def everything_is_denied_first(objects: Objects) -> Iterator[str]:
    specs = [item["spec"] for item in _of_kind(objects, "NetworkPolicy") if item["spec"]["podSelector"] == {}]
    if [spec["ingress"] for spec in specs] != [[]]:
        yield "no policy denies everything to every pod"


OF_PODS: Final[Sequence[Callable[[Objects], Iterator[str]]]] = (
    images_are_exact,
    servers_are_probed,
    containers_are_bounded,
    no_variable_holds_a_secret,
    users_are_numbers_and_not_root,
    pods_pass_restricted,
    roots_are_read_only,
    no_pod_holds_a_token,
    drains_are_bounded,
    pods_have_a_priority,
    volumes_are_mounted,
)
"""What holds wherever pods run."""

OF_CUSTOMERS: Final = (
    *OF_PODS,
    mounts_and_references_are_there,
    policies_name_ends_and_ports,
    everything_is_in_one_namespace,
    everything_is_labelled,
    everything_is_denied_first,
)
"""What holds for a customer's objects beside."""
