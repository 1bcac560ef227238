"""What a stack can choose about its MQTT edge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tenants.fields import TENANT_ID_PATTERN

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

_Count = Annotated[int, Field(ge=1, le=1_000_000)]


class EdgeLimits(BaseModel):
    """How much one customer or one address may take. Each process counts for itself."""

    model_config = _MODEL

    connections_per_customer: _Count = Field(
        default=10_000, description="Connections that one customer's devices may hold at a time."
    )
    new_connections_per_customer: _Count = Field(
        default=2_000, description="Connections that one customer's devices may open in 10 seconds."
    )
    connections_per_address: _Count = Field(
        default=2_000,
        description=(
            "Connections from one address at a time, or from one /64 network of IPv6. "
            "A site's devices often share one."
        ),
    )
    new_connections_per_address: _Count = Field(
        default=500, description="Connections that one address, or one /64 network, may open in 10 seconds."
    )


class EdgeSettings(BaseModel):
    """The MQTT edge of a stack. Every value has a default that suits a public one."""

    model_config = _MODEL

    enabled: bool = Field(default=False, description="Whether there is one.")
    mode: Literal["terminate", "passthrough"] = Field(
        default="terminate",
        description=(
            "Where TLS ends: at the edge, with one wildcard certificate, or at each customer's own broker."
        ),
    )
    replicas: Annotated[int, Field(ge=1, le=50)] = Field(default=3, description="How many processes.")
    certificate_secret: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = Field(
        default="mqtt-edge-tls",
        description="Secret of type kubernetes.io/tls in the edge's namespace, valid for *.<domain>.",
    )
    default_customer: Annotated[str, Field(pattern=TENANT_ID_PATTERN)] | None = Field(
        default=None,
        description="Where devices go that send no name in the TLS handshake. Not set: they are refused.",
    )
    ipv6: bool = Field(
        default=True,
        description=(
            "Whether it takes connections by IPv6 too, where the cluster has it. "
            "False for nodes whose kernel has none: the process would not start there."
        ),
    )
    proxy_protocol: bool = Field(
        default=False,
        description="Every connection comes from a balancer that says who the client is (PROXY protocol).",
    )
    max_keepalive_seconds: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=1_200, description="The longest MQTT keepalive of any device."
    )
    max_connections: Annotated[int, Field(ge=10, le=250_000)] = Field(
        default=20_000,
        description="Connections that one process holds. Nodes have to allow it twice as many open files.",
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Threads of a process, and the processors it may use at most."
    )
    drain_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=300, description="How long a process that stops keeps serving the clients it has."
    )
    cluster_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?$")] = Field(
        default="cluster.local", description="The domain of Services inside the cluster."
    )
    service_annotations: dict[str, str] = Field(
        default_factory=dict, description="What the cloud's balancer has to be told, on the edge's Service."
    )
    limits: EdgeLimits = Field(default_factory=EdgeLimits, description="Limits of each process.")
