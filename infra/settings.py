"""A stack's configuration: every key with its kind. `infra.configuration` reads and checks it as a whole."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticKnownError

from infra.clusters.cloud_settings import CLOUDS, AnyCloud
from infra.customer.backup_access import BackupAccess
from infra.customer.model import Authentication
from infra.platform.backup_store import BackupStoreSettings
from infra.platform.billing_settings import OWN_VARIABLES, BillingSettings
from infra.platform.certificates_settings import CertificatesSettings
from infra.platform.dns import DnsSettings
from infra.platform.edge_settings import EdgeSettings
from infra.platform.ingress_settings import IngressSettings
from infra.platform.logging_settings import LoggingSettings
from infra.platform.monitoring_settings import MonitoringSettings
from infra.platform.velero_settings import VeleroSettings
from infra.preview_settings import PreviewSettings
from tenants.secrets import MASTER_KEY_BYTES

if TYPE_CHECKING:
    from infra.clusters.backups import BackupRoute


_DNS_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$"


WITHOUT_DEFAULT: Final = (
    "environment",
    "domain",
    "clusterIdentifier",
    "storageClass",
    "masterKey",
    "licencePrivateKeys",
)
"""What nobody but the owner can know. Pulumi.yaml calls it "none" all the same: the engine itself would stop
there, and nothing would be said of what is missing beneath a key, nor how any of it is set."""

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")


def _master_key(text: object) -> bytes:
    """Decode the master key, without ever repeating it in a message."""
    try:
        key = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        message = f"is not base64 of {MASTER_KEY_BYTES} bytes"
        raise ValueError(message)
    return key


def _or_none(text: object) -> object:
    """Read the word ``none``: a typed configuration key cannot be empty."""
    return None if text == "none" else text


OrNone = Annotated[str | None, BeforeValidator(_or_none)]


def _object(text: object) -> object:
    """Parse a key whose value is an object: the engine hands those on as JSON."""
    try:
        return json.loads(str(text))
    except json.JSONDecodeError:
        message = "is not an object"
        raise ValueError(message) from None


_MISSING: Final = "missing"
"""What pydantic calls the absence of a value."""


def _cloud(text: object, settings: ValidationInfo) -> object:
    """Read what a cloud has to be told, as what the key ``cluster`` says it is."""
    cluster = settings.data.get("cluster")
    found = {} if text is None else _object(text)
    if cluster not in CLOUDS:
        return None if found == {} else _refuse(f"is for the clusters {', '.join(CLOUDS)}, not for {cluster}")
    return {**found, "kind": cluster} if isinstance(found, dict) else _refuse("is not an object")


def _of_a_cluster_that_exists(value: str | None, settings: ValidationInfo) -> str | None:
    """Demand access to a cluster that somebody else made, and refuse it for one that the stack makes."""
    made_here = settings.data.get("cluster") in CLOUDS
    if value is None and not made_here:
        raise PydanticKnownError(_MISSING)
    if value is not None and made_here:
        _refuse("is for a cluster that exists; this stack makes its own")
    return value


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


OfExisting = Annotated[str | None, BeforeValidator(_or_none), AfterValidator(_of_a_cluster_that_exists)]


def _object_or_none(text: object) -> object:
    """Parse an object that a stack can do without: an empty one is none."""
    return _object(text) or None


def _of_a_cloud(store: BackupStoreSettings | None, settings: ValidationInfo) -> BackupStoreSettings | None:
    """Refuse a store where no cloud is known to keep it, or where backups go elsewhere."""
    if store is not None and settings.data.get("cluster") not in CLOUDS:
        _refuse(f"is made in a cloud: {', '.join(CLOUDS)}; elsewhere set backupRepository")
    if store is not None and settings.data.get("backup_repository") is not None:
        _refuse("is a second place for backups beside backupRepository; set one of the two")
    return store


def _network(text: str | None) -> str | None:
    """Demand a network, as policies take it."""
    if text is not None:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            _refuse("is no network such as 10.20.0.0/24")
    return text


def _with_a_store(velero: VeleroSettings, settings: ValidationInfo) -> VeleroSettings:
    """Refuse copies that would have no place."""
    if velero.enabled and settings.data.get("backup_store") is None:
        _refuse("keeps its copies in iotistic:backupStore, which is not set")
    return velero


def _names_of_a_cloud(dns: DnsSettings | None, settings: ValidationInfo) -> DnsSettings | None:
    """Refuse a zone where no cloud is known to keep it."""
    if dns is not None and settings.data.get("cluster") not in CLOUDS:
        _refuse(f"is a zone in a cloud: {', '.join(CLOUDS)}; elsewhere names are made by hand")
    return dns if dns is not None and dns.enabled else None


def _of_each_receiver(secrets: dict[str, str], settings: ValidationInfo) -> dict[str, str]:
    """Demand a secret for everything of the monitoring stack that has one."""
    chosen = settings.data.get("monitoring_stack")
    if chosen is not None and chosen.install and (missing := sorted(chosen.secret_names - secrets.keys())):
        _refuse(f"has no {', '.join(missing)}: without its secret none of them can be reached")
    return secrets


def _reachable(billing: BillingSettings | None, settings: ValidationInfo) -> BillingSettings | None:
    """Refuse a proof by a web page where nobody may come in to see it."""
    certificates = settings.data.get("certificates")
    if billing is not None and certificates is not None and certificates.issuer == "http01":
        _refuse("needs a certificate that is not proven by a web page: certificates.issuer is http01")
    return billing


def _of_billing(secrets: dict[str, str], settings: ValidationInfo) -> dict[str, str]:
    """Refuse secrets that nobody reads, or that are not one each."""
    if secrets and settings.data.get("billing") is None:
        _refuse("is for a stack with iotistic:billing")
    wrong = sorted(name for name in secrets if not _VARIABLE.fullmatch(name) or name in OWN_VARIABLES)
    if wrong:
        _refuse(
            f"names {', '.join(wrong)}: names are of environment variables, and none that the program sets"
        )
    return secrets


def _possible(edge: EdgeSettings, settings: ValidationInfo) -> EdgeSettings:
    """Refuse to pass TLS through to brokers that have no certificate."""
    if edge.mode == "passthrough" and settings.data.get("broker_issuer") is None:
        message = "mode passthrough needs brokers with certificates of their own: set brokerIssuer too"
        raise ValueError(message)
    return edge


class Settings(BaseModel):
    """What one stack is, as plain data. The keys are described in Pulumi.yaml."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        str_min_length=1,
        hide_input_in_errors=True,
    )

    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    domain: Annotated[str, Field(pattern=_DNS_NAME, max_length=200)]
    cluster: Literal["simulated", "existing", "aks", "eks", "gke"]
    cluster_identifier: str
    kubeconfig: OfExisting = Field(default=None, min_length=1, validate_default=True)
    kube_context: OfExisting = Field(default=None, min_length=1, validate_default=True)
    cloud: Annotated[AnyCloud | None, BeforeValidator(_cloud)] = Field(default=None, validate_default=True)
    storage_class: str
    ingress_class: str
    await_routes: bool
    routes: Literal["ingress", "gateway"]
    broker_issuer: OrNone
    monitoring: bool
    monitoring_stack: Annotated[MonitoringSettings, BeforeValidator(_object)] = MonitoringSettings()
    monitoring_secrets: Annotated[
        dict[str, str], BeforeValidator(_object), AfterValidator(_of_each_receiver)
    ] = Field(default="{}", validate_default=True, repr=False)
    logging: Annotated[LoggingSettings, BeforeValidator(_object)] = LoggingSettings()
    backup_repository: OrNone
    backup_store: Annotated[
        BackupStoreSettings | None, BeforeValidator(_object_or_none), AfterValidator(_of_a_cloud)
    ] = None
    backup_credentials: Annotated[dict[str, str], BeforeValidator(_object)] = Field(
        default="{}", validate_default=True, repr=False
    )
    backup_network: Annotated[OrNone, AfterValidator(_network)] = None
    without_backups: bool = False
    velero: Annotated[VeleroSettings, BeforeValidator(_object), AfterValidator(_with_a_store)] = (
        VeleroSettings()
    )
    dns: Annotated[
        DnsSettings | None, BeforeValidator(_object_or_none), AfterValidator(_names_of_a_cloud)
    ] = None
    mqtt_authentication: Authentication = "http"
    protect: bool
    cpu_request_percent: Annotated[int, Field(ge=1, le=100)] = 100
    preview: Annotated[PreviewSettings | None, BeforeValidator(_object_or_none)] = None
    image_mirror: OrNone = None
    image_overrides: Json[dict[str, str]] = Field(default_factory=dict)
    ingress: Annotated[IngressSettings, BeforeValidator(_object)] = IngressSettings()
    certificates: Annotated[CertificatesSettings, BeforeValidator(_object)] = CertificatesSettings()
    billing: Annotated[
        BillingSettings | None, BeforeValidator(_object_or_none), AfterValidator(_reachable)
    ] = None
    billing_secrets: Annotated[dict[str, str], BeforeValidator(_object), AfterValidator(_of_billing)] = Field(
        default="{}", validate_default=True, repr=False
    )
    mqtt_edge: Annotated[EdgeSettings, BeforeValidator(_object), AfterValidator(_possible)] = EdgeSettings()
    master_key: Annotated[bytes, BeforeValidator(_master_key), Field(repr=False)]
    licence_private_keys: Annotated[Json[dict[int, str]], Field(repr=False)]

    @property
    def backup_route(self) -> BackupRoute | None:
        """The way to the stack's own store for backups, if it has one."""
        if self.cloud is None or self.backup_store is None:
            return None
        return self.cloud.backups(self.backup_store.name)

    @property
    def backup_access(self) -> BackupAccess:
        """What the pods of backups are given to reach a store of somebody else's."""
        return BackupAccess(credentials=self.backup_credentials, network=self.backup_network)
