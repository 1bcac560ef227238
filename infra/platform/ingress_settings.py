"""What a stack can choose about its way in for HTTP."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra.clusters.cloud_settings import CLOUDS, balancer_annotations

_MODEL = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

Controller = Literal["traefik", "ingress-nginx", "none"]

INGRESS_CLASSES: Final = {"traefik": "traefik", "ingress-nginx": "nginx"}
"""IngressClass that each controller serves."""


class IngressSettings(BaseModel):
    """The ingress controller of a stack."""

    model_config = _MODEL

    controller: Controller | None = Field(
        default=None,
        description=(
            "Which controller the stack installs; none where the cluster has its own. "
            "Not set: traefik in a cluster that the stack makes, none in any other."
        ),
    )
    replicas: Annotated[int, Field(ge=1, le=50)] = Field(default=2, description="How many pods.")
    service_annotations: dict[str, str] = Field(
        default_factory=dict,
        description="What the cloud's balancer has to be told, on the controller's Service.",
    )

    def installed(self, cluster: str) -> Controller:
        """Return which controller is installed in a cluster of this kind."""
        if self.controller is not None:
            return self.controller
        return "traefik" if cluster in CLOUDS else "none"

    def balancer(self, cluster: str) -> dict[str, str]:
        """Return the annotations of the Service in a cluster of this kind; the stack's own come last."""
        return {**balancer_annotations(cluster), **self.service_annotations}
