"""What Traefik's chart is told.

The keys are documented in ``traefik/VALUES.md`` of https://github.com/traefik/traefik-helm-chart, the limits
in Traefik's reference of the kind ``Middleware``.
"""

from typing import Literal, TypedDict

from infra.platform.chart_values.shared import (
    Annotations,
    DisruptionBudget,
    First,
    Placed,
    Registry,
    Replicas,
    Repository,
    Resources,
    Spread,
    Switch,
)

_Fate = Literal["keep", "drop", "redact"]


class Image(Registry, Repository, TypedDict):
    """Traefik's image."""


class Global(TypedDict):
    """What is of no part alone."""

    checkNewVersion: bool


_WithGlobal = TypedDict("_WithGlobal", {"global": Global}, total=False)


class Api(TypedDict):
    """Traefik's own interface."""

    dashboard: bool


class IngressClass(TypedDict):
    """The class of routes that are Traefik's."""

    isDefaultClass: bool


class ByDefinitions(TypedDict):
    """Routes by Traefik's own kinds of objects."""

    defaultTLSResourcesNamespace: str


class ByIngress(TypedDict):
    """Routes by Ingress."""

    strictPrefixMatching: bool


class Providers(TypedDict):
    """Where routes come from."""

    kubernetesCRD: ByDefinitions
    kubernetesIngress: ByIngress
    kubernetesGateway: Switch


class Redirection(TypedDict):
    """Where a caller is sent."""

    to: str
    scheme: Literal["https"]
    permanent: bool


class Redirections(TypedDict):
    """What callers of an entry point are told instead of an answer."""

    entryPoint: Redirection


class PortHttp(TypedDict, total=False):
    """What is true of HTTP at an entry point."""

    redirections: Redirections
    middlewares: list[str]


class Port(TypedDict, total=False):
    """An entry point."""

    asDefault: bool
    http: PortHttp


class Ports(TypedDict):
    """The entry points that the chart has by itself. Another name would be another entry point."""

    web: Port
    websecure: Port


class IpStrategy(TypedDict):
    """Which of a caller's addresses counts."""

    depth: int


class SourceCriterion(TypedDict):
    """By what callers are told apart."""

    ipStrategy: IpStrategy


class RateLimit(TypedDict):
    """How many requests a second."""

    average: int
    burst: int
    sourceCriterion: SourceCriterion


class InFlight(TypedDict):
    """How many requests at once."""

    amount: int
    sourceCriterion: SourceCriterion


class Buffering(TypedDict):
    """How large a request."""

    maxRequestBodyBytes: int


class Limit(TypedDict, total=False):
    """A limit: one of these."""

    rateLimit: RateLimit
    inFlightReq: InFlight
    buffering: Buffering


class Metadata(TypedDict):
    """What an object is called."""

    name: str
    namespace: str


class Middleware(TypedDict):
    """An object that says a limit. The chart takes objects of every kind; no other is wanted."""

    apiVersion: Literal["traefik.io/v1alpha1"]
    kind: Literal["Middleware"]
    metadata: Metadata
    spec: Limit


class TlsOption(TypedDict):
    """How callers may encrypt."""

    minVersion: Literal["VersionTLS12", "VersionTLS13"]


class TlsOptions(TypedDict):
    """Options by the object's name; ``default`` is that of every route that names none."""

    default: TlsOption


class Certificate(TypedDict):
    """A certificate, by its Secret."""

    secretName: str


class TlsStore(TypedDict):
    """Certificates for routes that name none."""

    defaultCertificate: Certificate


class TlsStores(TypedDict):
    """Stores by the object's name; Traefik knows ``default`` and no other."""

    default: TlsStore


class ServiceSpec(TypedDict):
    """How people reach it."""

    type: Literal["LoadBalancer"]
    externalTrafficPolicy: Literal["Cluster", "Local"]
    ipFamilyPolicy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"]


class Service(TypedDict):
    """What people reach."""

    annotations: Annotations
    spec: ServiceSpec


class FieldNames(TypedDict):
    """What becomes of single fields of a line."""

    RequestLine: _Fate


class QueryParameters(TypedDict):
    """What becomes of what follows a question mark."""

    defaultMode: Literal["keep", "drop"]


class LogFields(TypedDict):
    """What becomes of the fields of a line."""

    names: FieldNames
    queryParameters: QueryParameters


class AccessLog(TypedDict):
    """A line for each request."""

    enabled: bool
    format: Literal["common", "genericCLF", "json"]
    fields: LogFields


class Prometheus(TypedDict):
    """Metrics for Prometheus."""

    service: Switch
    disableAPICheck: bool
    serviceMonitor: Switch


class Metrics(TypedDict):
    """Metrics, by who reads them."""

    prometheus: Prometheus


class TraefikValues(_WithGlobal, Placed, First, TypedDict, total=False):
    """Everything that the chart is told."""

    image: Image
    deployment: Replicas
    podDisruptionBudget: DisruptionBudget
    topologySpreadConstraints: list[Spread]
    resources: Resources
    api: Api
    ingressClass: IngressClass
    providers: Providers
    gateway: Switch
    gatewayClass: Switch
    ports: Ports
    extraObjects: list[Middleware]
    tlsOptions: TlsOptions
    tlsStore: TlsStores
    service: Service
    accessLog: AccessLog
    metrics: Metrics
