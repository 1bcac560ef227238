"""What AWS leaves to charts: balancers that reach pods, and as many nodes as are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.clusters import pools
from infra.platform.chart import RESTRICTED_CONTAINER, ChartComponent, load_chart, resources, restricted_pod

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Placement
    from infra.images import ImageSource
    from infra.platform.chart_values.aws_load_balancer_controller import AwsLoadBalancerControllerValues
    from infra.platform.chart_values.cluster_autoscaler import ClusterAutoscalerValues
    from infra.platform.chart_values.shared import Bound

NAMESPACE: Final = "kube-system"
AUTOSCALER: Final = "cluster-autoscaler"
BALANCERS: Final = "aws-load-balancer-controller"
"""Each is the name of the chart, of the release and of the service account."""

_RESOURCES: Final = resources("50m", "128Mi", "512Mi")
_POD: Final = restricted_pod(user=65534)

Statement = dict[str, Any]


def autoscaler_values(images: ImageSource, *, cluster: str, region: str) -> ClusterAutoscalerValues:
    """Return what the autoscaler's chart is told.

    Args:
        images: Where images come from.
        cluster: Its name; EKS puts it on the groups of nodes as a tag.
        region: Where it is.
    """
    return {
        **_on_the_platforms_nodes(),
        "fullnameOverride": AUTOSCALER,
        "image": {"repository": f"{images.registry('registry.k8s.io')}/autoscaling/cluster-autoscaler"},
        "autoDiscovery": {"clusterName": cluster},
        "awsRegion": region,
        "rbac": {"serviceAccount": {"name": AUTOSCALER}},
        "extraArgs": {"balance-similar-node-groups": True, "skip-nodes-with-system-pods": False},
        "securityContext": _POD,
        "containerSecurityContext": RESTRICTED_CONTAINER,
    }


def balancer_values(
    images: ImageSource, *, cluster: str, region: str, network: pulumi.Input[str]
) -> AwsLoadBalancerControllerValues:
    """Return what the load balancer controller's chart is told.

    Args:
        images: Where images come from.
        cluster: Its name, put on every balancer as a tag.
        region: Where it is.
        network: Id of its network. Pods cannot ask the node's metadata for it.
    """
    return {
        **_on_the_platforms_nodes(),
        "image": {"repository": f"{images.registry('public.ecr.aws')}/eks/aws-load-balancer-controller"},
        "clusterName": cluster,
        "region": region,
        "vpcId": network,
        "serviceAccount": {"name": BALANCERS},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "securityContext": RESTRICTED_CONTAINER,
        "podSecurityContext": _POD,
        # Only Services that ask for it: a field that it sets by itself would be drift in every other.
        "enableServiceMutatorWebhook": False,
        # HTTP comes in by the ingress controller of the stack, not by AWS's.
        "createIngressClassResource": False,
        "ingressClassParams": {"create": False},
        "webhookConfig": {"disableIngressValidation": True},
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        # With another certificate at each run its webhook would be replaced every time.
        "keepTLSSecret": True,
    }


def _on_the_platforms_nodes() -> Bound:
    return {
        "nodeSelector": {pools.POOL_LABEL: pools.SYSTEM},
        "tolerations": pools.tolerations(),
        "resources": _RESOURCES,
    }


def may_scale(cluster: str) -> list[Statement]:
    """Return the policy of who changes the number of nodes of one cluster, and of no other."""
    return [
        _allow(
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
                "eks:DescribeNodegroup",
            ],
        ),
        _allow(
            ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            Condition={"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}},
        ),
    ]


def may_balance(cluster: str) -> list[Statement]:
    """Return the policy of who makes network balancers for one cluster.

    What is made carries the cluster's name as a tag, and only what carries it can be changed.
    """
    requested = {"StringEquals": {"aws:RequestTag/elbv2.k8s.aws/cluster": cluster}}
    own = {"StringEquals": {"aws:ResourceTag/elbv2.k8s.aws/cluster": cluster}}
    nodes = {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"}}
    rules = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    groups = "arn:aws:ec2:*:*:security-group/*"
    return [
        _allow([f"ec2:Describe{what}" for what in _LOOKED_AT_IN_EC2] + ["ec2:GetSecurityGroupsForVpc"]),
        _allow([f"elasticloadbalancing:Describe{what}" for what in _LOOKED_AT_IN_BALANCERS]),
        _allow(
            ["iam:CreateServiceLinkedRole"],
            Condition={"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        ),
        _allow(["ec2:CreateSecurityGroup"], ["arn:aws:ec2:*:*:vpc/*"]),
        _allow(["ec2:CreateSecurityGroup", "ec2:CreateTags"], [groups], Condition=requested),
        _allow([*rules, "ec2:DeleteSecurityGroup", "ec2:DeleteTags"], [groups], Condition=own),
        # The nodes' own group has to let the balancers in.
        _allow(rules, [groups], Condition=nodes),
        _allow([f"elasticloadbalancing:{what}" for what in _MADE], Condition=requested),
        _allow([f"elasticloadbalancing:{what}" for what in _CHANGED], Condition=own),
    ]


_LOOKED_AT_IN_EC2: Final = (
    "AccountAttributes",
    "Addresses",
    "AvailabilityZones",
    "Instances",
    "InternetGateways",
    "NetworkInterfaces",
    "RouteTables",
    "SecurityGroups",
    "Subnets",
    "Tags",
    "VpcPeeringConnections",
    "Vpcs",
)
_LOOKED_AT_IN_BALANCERS: Final = (
    "CapacityReservation",
    "ListenerAttributes",
    "ListenerCertificates",
    "Listeners",
    "LoadBalancerAttributes",
    "LoadBalancers",
    "Rules",
    "SSLPolicies",
    "Tags",
    "TargetGroupAttributes",
    "TargetGroups",
    "TargetHealth",
)
_MADE: Final = ("AddTags", "CreateListener", "CreateLoadBalancer", "CreateTargetGroup")
_CHANGED: Final = (
    "AddTags",
    "CreateListener",
    "DeleteListener",
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "ModifyListener",
    "ModifyListenerAttributes",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
    "RemoveTags",
    "SetIpAddressType",
    "SetSecurityGroups",
    "SetSubnets",
)


def _allow(actions: Sequence[str], resources: Sequence[str] = ("*",), **more: object) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsControllersArgs:
    """What the controllers are made from.

    Attributes:
        cluster: The cluster's name.
        region: Where it is.
        network: Id of its network.
        images: Where images come from.
        placement: Where they go.
        depends_on: What gives their pods their identities.
    """

    cluster: str
    region: str
    network: pulumi.Input[str]
    images: ImageSource
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


class AwsControllers(ChartComponent):
    """The autoscaler of nodes and the controller of balancers.

    Attributes:
        ready: What has to be there before a balancer is asked for, and as long as one is.
    """

    def __init__(
        self, name: str, args: AwsControllersArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("iotistic:clusters:AwsControllers", name, placement=args.placement, opts=opts)
        scaler = autoscaler_values(args.images, cluster=args.cluster, region=args.region)
        balancer = balancer_values(
            args.images, cluster=args.cluster, region=args.region, network=args.network
        )
        self.ready: list[pulumi.Resource] = [
            self.install(load_chart(chart), namespace=NAMESPACE, values=values, depends_on=args.depends_on)
            for chart, values in ((AUTOSCALER, scaler), (BALANCERS, balancer))
        ]
        self.register_outputs({})
