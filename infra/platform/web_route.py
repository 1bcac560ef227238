"""How a page of the platform is reached: a host of its own, by Ingress or by the Gateway API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.component import Component
from infra.customer.routes import GATEWAY
from infra.names import INGRESS_NAMESPACE, platform_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Manifest, Placement
    from infra.settings import Settings

CERTIFICATE_SUFFIX: Final = "-tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the platform.

    Attributes:
        name: What it is called.
        namespace: Where its Service is.
        host: Where people find it.
        service: The Service.
        port: The Service's port.
    """

    name: str
    namespace: str
    host: str
    service: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRouteArgs:
    """What a route is made from.

    Attributes:
        environment: The environment's name, for labels.
        page: What it leads to.
        gateway: Whether it is one of the Gateway API.
        ingress_class: IngressClass that serves it otherwise.
        issuer: ClusterIssuer of a certificate of its own, or None for the platform's wildcard.
        awaited: Whether a controller is there to give it an address.
        placement: Where it goes.
        depends_on: The page, and what serves it.
    """

    environment: str
    page: Page
    gateway: bool
    ingress_class: str
    issuer: str | None
    awaited: bool
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def declare_page(
    settings: Settings, page: Page, *, placement: Placement, depends_on: Sequence[pulumi.Resource]
) -> None:
    """Declare the way to a page, as the stack's routes and certificates are.

    Args:
        settings: The stack's configuration.
        page: Where it leads to.
        placement: Where it goes.
        depends_on: The page, and what serves it.
    """
    args = WebRouteArgs(
        environment=settings.environment,
        page=page,
        gateway=settings.routes == "gateway",
        ingress_class=settings.ingress_class,
        issuer=settings.certificates.host_issuer,
        awaited=settings.await_routes,
        placement=placement,
        depends_on=depends_on,
    )
    WebRoute(page.name, args)


def manifests(args: WebRouteArgs) -> list[Manifest]:
    """Return the route, and where a Gateway needs it, what leads from HTTP to HTTPS."""
    if not args.gateway:
        return [_ingress(args)]
    to_https = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    backend = {"name": args.page.service, "port": args.page.port}
    return [
        _http_route(args, args.page.name, listener="https", rule={"backendRefs": [backend]}),
        _http_route(args, f"{args.page.name}-redirect", listener="http", rule={"filters": [to_https]}),
    ]


def _ingress(args: WebRouteArgs) -> Manifest:
    page = args.page
    annotations = {} if args.awaited else {"pulumi.com/skipAwait": "true"}
    tls: dict[str, Any] = {"hosts": [page.host]}
    if args.issuer is not None:
        annotations["cert-manager.io/cluster-issuer"] = args.issuer
        tls["secretName"] = f"{page.name}{CERTIFICATE_SUFFIX}"
    backend = {"service": {"name": page.service, "port": {"number": page.port}}}
    metadata = _metadata(args, page.name)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**metadata, "annotations": annotations} if annotations else metadata,
        "spec": {
            "ingressClassName": args.ingress_class,
            "tls": [tls],
            "rules": [
                {
                    "host": page.host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def _http_route(args: WebRouteArgs, name: str, *, listener: str, rule: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": _metadata(args, name),
        "spec": {
            "parentRefs": [{"name": GATEWAY, "namespace": INGRESS_NAMESPACE, "sectionName": listener}],
            "hostnames": [args.page.host],
            "rules": [rule],
        },
    }


def _metadata(args: WebRouteArgs, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": args.page.namespace,
        "labels": platform_labels(args.page.name, args.environment),
    }


class WebRoute(Component):
    """The way to one page of the platform."""

    def __init__(self, name: str, args: WebRouteArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:WebRoute", name, placement=args.placement, opts=opts)
        for manifest in manifests(args):
            self.declare(manifest, depends_on=args.depends_on)
        self.register_outputs({})
