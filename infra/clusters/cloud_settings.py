"""What a stack chooses about a cluster that the program itself makes."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from infra.clusters.backups import BackupRoute
from infra.clusters.copies import CopyPlace
from infra.clusters.objects import ObjectRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
_GUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_REGISTRY = (
    r"^/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[^/]+"
    r"/providers/Microsoft\.ContainerRegistry/registries/[A-Za-z0-9]{5,50}$"
)

_WIDEST_API_RANGE = 8
"""Prefix length: anything wider is most of the internet."""


def _not_everybody(network: IPv4Network) -> IPv4Network:
    if network.prefixlen < _WIDEST_API_RANGE:
        message = (
            f"{network} lets most of the internet reach the Kubernetes API; list the networks that need it"
        )
        raise ValueError(message)
    return network


class NodePool(BaseModel):
    """Nodes of one kind. How many there are follows from what runs."""

    model_config = _MODEL

    size: str | None = Field(
        default=None, min_length=1, description="Machine type. Not set: the cloud's default here."
    )
    least: Annotated[int, Field(ge=1, le=1_000)] = Field(default=3, description="Fewest nodes.")
    most: Annotated[int, Field(ge=1, le=1_000)] = Field(default=10, description="Most nodes.")

    @model_validator(mode="after")
    def _in_order(self) -> NodePool:
        if self.least > self.most:
            message = f"least ({self.least}) is more than most ({self.most})"
            raise ValueError(message)
        return self


class Maintenance(BaseModel):
    """When the cloud may touch the cluster by itself."""

    model_config = _MODEL

    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = "Sunday"
    hour: Annotated[int, Field(ge=0, le=19)] = Field(
        default=2, description="First hour, UTC. It has to end on the same day."
    )
    hours: Annotated[int, Field(ge=4, le=4)] = Field(
        default=4, description="How long: what all clouds allow."
    )


class CloudSettings(BaseModel):
    """What every cloud needs to be told."""

    model_config = _MODEL

    region: Annotated[str, Field(pattern=r"^[a-z]+[a-z0-9-]*$")] = Field(description="Where everything is.")
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.\d{2}(\.\d+)?$")] = Field(
        description="Always explicit: a cloud's default changes under a stack that did not."
    )
    api_cidrs: Annotated[
        list[Annotated[IPv4Network, AfterValidator(_not_everybody)]], Field(min_length=1)
    ] = Field(description="Networks from which the Kubernetes API can be reached.")
    system_pool: NodePool = Field(default_factory=NodePool, description="For the platform.")
    tenant_pool: NodePool = Field(default_factory=NodePool, description="For the customers.")
    maintenance: Maintenance = Field(default_factory=Maintenance)
    log_days: Literal[30, 60, 90, 180, 365] = Field(
        default=90, description="How long control-plane logs are kept."
    )
    tags: dict[str, str] = Field(default_factory=dict, description="On everything, beside the project's own.")

    @property
    def api_ranges(self) -> list[str]:
        """The API's networks, as clouds take them."""
        return [str(network) for network in self.api_cidrs]


class AksSettings(CloudSettings):
    """Azure Kubernetes Service."""

    kind: Literal["aks"]
    subscription_id: Annotated[str, Field(pattern=_GUID)]
    tenant_id: Annotated[str, Field(pattern=_GUID)] = Field(
        description="The directory that knows the people."
    )
    admin_group_ids: Annotated[list[Annotated[str, Field(pattern=_GUID)]], Field(min_length=1)] = Field(
        description="Entra groups whose members administer the cluster, CI's identity among them."
    )
    key_vault_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,22}[a-z0-9]$")] = Field(
        description="Name of the vault of the cluster's keys. Unique in all of Azure."
    )
    zones: Annotated[list[Annotated[str, Field(pattern=r"^[123]$")]], Field(max_length=3)] = Field(
        default_factory=lambda: ["1", "2", "3"],
        description="Availability zones of nodes and backups. None ([]) in a region that has no zones.",
    )
    registry_id: Annotated[str, Field(pattern=_REGISTRY)] | None = Field(
        default=None,
        description="Azure's id of the container registry that nodes pull images from, in any subscription.",
    )

    IDENTITY_LABELS: ClassVar[dict[str, str]] = {"azure.workload.identity/use": "true"}
    """Of pods that are to have an identity: Azure gives them a token for it."""

    def backups(self, store: str) -> BackupRoute:
        """Return the way to a container for each customer, in the storage account ``store``."""
        return BackupRoute(
            pattern="azure:{namespace}:/",
            environment={"AZURE_ACCOUNT_NAME": store},
            pod_labels=self.IDENTITY_LABELS,
        )

    def copies(self, store: str, *, cluster: str) -> CopyPlace:
        """Return what Velero has to know: the storage account ``store``, in the group of ``cluster``."""
        about = {
            "AZURE_SUBSCRIPTION_ID": self.subscription_id,
            "AZURE_RESOURCE_GROUP": cluster,
            "AZURE_CLOUD_NAME": "AzurePublicCloud",
        }
        return CopyPlace(
            provider="azure",
            plugin="velero-plugin-for-microsoft-azure",
            driver="disk.csi.azure.com",
            config={
                "resourceGroup": cluster,
                "storageAccount": store,
                "storageAccountURI": f"https://{store}.blob.core.windows.net",
                "useAAD": "true",
            },
            file="".join(f"{name}={value}\n" for name, value in about.items()),
        )

    def objects(self, store: str, namespace: str) -> ObjectRoute:
        """Return the way to a namespace's own container, in the storage account ``store``."""
        return ObjectRoute(
            kind="azure",
            bucket=namespace,
            settings={"account_name": store},
            pod_labels=self.IDENTITY_LABELS,
        )


class EksSettings(CloudSettings):
    """Amazon Elastic Kubernetes Service."""

    kind: Literal["eks"]
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")] = Field(
        description="The one account in which anything may be made."
    )
    admin_role_arns: Annotated[
        list[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")]], Field(min_length=1)
    ] = Field(description="Roles that administer the cluster, CI's among them.")
    zones: Annotated[list[Annotated[str, Field(pattern=r"^[a-z]$")]], Field(min_length=2, max_length=4)] = (
        Field(default_factory=lambda: ["a", "b", "c"], description="Letters of the availability zones.")
    )

    CREDENTIALS: ClassVar[str] = "169.254.170.23/32"
    """Where the agent on each node hands them out."""

    def backups(self, store: str) -> BackupRoute:
        """Return the way to a prefix for each customer, in the bucket ``store``."""
        return BackupRoute(
            pattern=f"s3:https://s3.{self.region}.amazonaws.com/{store}/{{namespace}}",
            environment={"AWS_DEFAULT_REGION": self.region},
            credentials=self.CREDENTIALS,
        )

    def objects(self, store: str, namespace: str) -> ObjectRoute:
        """Return the way to a namespace's own prefix, in the bucket ``store``."""
        return ObjectRoute(
            kind="s3",
            bucket=store,
            prefix=namespace,
            settings={"endpoint": f"s3.{self.region}.amazonaws.com", "region": self.region},
            credentials=self.CREDENTIALS,
        )

    def copies(self, store: str, *, cluster: str) -> CopyPlace:  # noqa: ARG002 - as every cloud is asked
        """Return what Velero has to know: no more than the region."""
        return CopyPlace(
            provider="aws",
            plugin="velero-plugin-for-aws",
            driver="ebs.csi.aws.com",
            config={"region": self.region},
        )


class GkeSettings(CloudSettings):
    """Google Kubernetes Engine."""

    kind: Literal["gke"]
    project: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    project_number: Annotated[str, Field(pattern=r"^\d+$")] = Field(
        description="Names Google's own accounts in the project, which use the cluster's key."
    )
    tags: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")],
        Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")],
    ] = Field(default_factory=dict, description="Labels, on everything, beside the project's own.")

    @property
    def workload_pool(self) -> str:
        """Where Google knows the cluster's service accounts."""
        return f"{self.project}.svc.id.goog"

    CREDENTIALS: ClassVar[str] = "169.254.169.254/32"
    """Where the metadata server on each node hands them out."""

    def backups(self, store: str) -> BackupRoute:
        """Return the way to a folder for each customer, in the bucket ``store``."""
        return BackupRoute(pattern=f"gs:{store}:/{{namespace}}", credentials=self.CREDENTIALS)

    def objects(self, store: str, namespace: str) -> ObjectRoute:
        """Return the way to a namespace's own folder, in the bucket ``store``."""
        return ObjectRoute(kind="gcs", bucket=store, prefix=namespace, credentials=self.CREDENTIALS)

    def copies(self, store: str, *, cluster: str) -> CopyPlace:  # noqa: ARG002 - as every cloud is asked
        """Return what Velero has to know: no more than the bucket."""
        return CopyPlace(
            provider="gcp",
            plugin="velero-plugin-for-gcp",
            driver="pd.csi.storage.gke.io",
        )


AnyCloud: TypeAlias = Annotated[AksSettings | EksSettings | GkeSettings, Field(discriminator="kind")]
CLOUDS = ("aks", "eks", "gke")

_AWS: Final = "service.beta.kubernetes.io/aws-load-balancer"
PROXY_PROTOCOL_ANNOTATION: Final = f"{_AWS}-proxy-protocol"
"""With the value ``*`` a balancer in AWS says who the client is by the PROXY protocol."""

_BALANCERS: Final[Mapping[str, Mapping[str, str]]] = {
    "eks": {
        # Made by the controller of eks/controllers.py, which leads straight to the pods.
        f"{_AWS}-type": "external",
        f"{_AWS}-nlb-target-type": "ip",
        f"{_AWS}-scheme": "internet-facing",
        f"{_AWS}-target-group-attributes": "preserve_client_ip.enabled=true",
    },
    "gke": {"cloud.google.com/l4-rbs": "enabled"},
    # Minutes, and not four: WebSockets and devices are quiet between messages.
    "aks": {"service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout": "30"},
}


def balancer_annotations(cluster: str) -> dict[str, str]:
    """Return what the balancer of a Service has to be told in any case, in a cluster of this kind.

    Each keeps the client's address.
    """
    return dict(_BALANCERS.get(cluster, {}))
