"""What the cluster is told about its real node: the node itself, its storage, its DNS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ops.local.node.archive import ARCHITECTURES
from ops.local.node.layout import NODE_NAME
from ops.local.node.parts import API_PORT
from ops.local.node.provisioner import PROVISIONER, STORAGE_CLASS

if TYPE_CHECKING:
    from ops.local.node.addresses import Addresses
    from ops.local.tools import Toolbox

KIND_LABEL: Final = "iotistic.io/node"
"""Tells the real node from simulated ones."""
DNS_NAME: Final = "coredns"
DNS_COMMAND: Final = ["/coredns", "-conf", "/etc/coredns/Corefile"]
"""What the cluster's DNS runs in its pod."""
_COREFILE: Final = Path(__file__).parent / "templates" / "Corefile"
_NAMESPACE: Final = "kube-system"
_LABELS: Final = {"k8s-app": "kube-dns"}
"""By which network policies everywhere let pods reach the DNS."""
_ACCOUNT_FOLDER: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def coredns_image(toolbox: Toolbox) -> str:
    """Return the reference of the cluster DNS's image, which another version of the program is not under."""
    return f"registry.k8s.io/coredns/coredns:local-{toolbox.version(DNS_NAME)}"


def foundation(addresses: Addresses, machine: str) -> list[dict[str, Any]]:
    """Return the node and the class of its volumes.

    Args:
        addresses: The node's addresses.
        machine: What Linux calls this kind of processor.
    """
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": NODE_NAME,
                "labels": {
                    KIND_LABEL: "real",
                    "kubernetes.io/hostname": NODE_NAME,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": ARCHITECTURES[machine],
                    "topology.kubernetes.io/region": "local",
                    "topology.kubernetes.io/zone": "local-real",
                },
            },
            "spec": {"podCIDR": str(addresses.pods), "podCIDRs": [str(addresses.pods)]},
        },
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS},
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
    ]


def dns_objects(addresses: Addresses, service_address: str, image: str) -> list[dict[str, Any]]:
    """Return the cluster DNS, as a pod: policies open the way to pods, not to processes.

    Args:
        addresses: The node's addresses.
        service_address: Where every pod asks.
        image: What it runs.
    """
    name = DNS_NAME
    metadata = {"name": name, "namespace": _NAMESPACE, "labels": _LABELS}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"system:{name}"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": role["name"]},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["services", "pods", "namespaces"],
                    "verbs": ["list", "watch"],
                },
                {
                    "apiGroups": ["discovery.k8s.io"],
                    "resources": ["endpointslices"],
                    "verbs": ["list", "watch"],
                },
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role["name"]},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": _NAMESPACE}],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"Corefile": _COREFILE.read_text(encoding="utf-8"), "kubeconfig": _kubeconfig(addresses)},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "name": "kube-dns"},
            "spec": {
                "clusterIP": service_address,
                "selector": _LABELS,
                "ports": [
                    {"name": protocol.lower(), "port": 53, "protocol": protocol}
                    for protocol in ("UDP", "TCP")
                ],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": _LABELS},
                "template": {"metadata": {"labels": _LABELS}, "spec": _dns_pod(name, image)},
            },
        },
    ]


def _dns_pod(name: str, image: str) -> dict[str, Any]:
    return {
        "serviceAccountName": name,
        "nodeSelector": {KIND_LABEL: "real"},
        "priorityClassName": "system-cluster-critical",
        # It does not ask itself where the API server is.
        "dnsPolicy": "Default",
        "containers": [
            {
                "name": name,
                "image": image,
                "imagePullPolicy": "Never",
                "args": DNS_COMMAND[1:],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
                "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}},
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "170Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns"}],
            }
        ],
        "volumes": [{"name": "configuration", "configMap": {"name": name}}],
    }


def _kubeconfig(addresses: Addresses) -> str:
    """Return how a pod reaches the API server, whose certificate does not name the node's address."""
    return f"""\
apiVersion: v1
kind: Config
current-context: node
contexts: [{{name: node, context: {{cluster: node, user: node}}}}]
clusters:
- name: node
  cluster:
    server: https://{addresses.node}:{API_PORT}
    tls-server-name: kubernetes.default.svc
    certificate-authority: {_ACCOUNT_FOLDER}/ca.crt
users: [{{name: node, user: {{tokenFile: {_ACCOUNT_FOLDER}/token}}}}]
"""
