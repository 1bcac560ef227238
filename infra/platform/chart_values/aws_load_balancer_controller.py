"""What the chart of AWS' load balancer controller is told.

The keys are documented in ``stable/aws-load-balancer-controller/README.md`` of
https://github.com/aws/eks-charts.
"""

from typing import TypedDict

import pulumi

from infra.platform.chart_values.shared import (
    Bound,
    ContainerSecurity,
    PodSecurity,
    Repository,
    ServiceAccount,
)


class DisruptionBudget(TypedDict):
    """How many pods may be missing at a time: the object itself, which nothing switches on."""

    maxUnavailable: int


class IngressClassParams(TypedDict):
    """Parameters of a class of routes."""

    create: bool


class Webhook(TypedDict):
    """What its webhook is asked about."""

    disableIngressValidation: bool


class AwsLoadBalancerControllerValues(Bound, TypedDict, total=False):
    """Everything that the chart is told. The ``securityContext`` is the container's."""

    image: Repository
    clusterName: str
    region: str
    vpcId: pulumi.Input[str]
    serviceAccount: ServiceAccount
    podDisruptionBudget: DisruptionBudget
    securityContext: ContainerSecurity
    podSecurityContext: PodSecurity
    enableServiceMutatorWebhook: bool
    createIngressClassResource: bool
    ingressClassParams: IngressClassParams
    webhookConfig: Webhook
    enableShield: bool
    enableWaf: bool
    enableWafv2: bool
    keepTLSSecret: bool
