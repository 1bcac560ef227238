"""The cluster's network in AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_aws import ec2

from infra.clusters import cloud

if TYPE_CHECKING:
    import pulumi

    from infra.clusters.eks.aws import AwsComponent

EVERYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The cluster's network.

    Attributes:
        vpc: All of it.
        private: Subnets for nodes and pods.
        public: Subnets for balancers and NAT.
        ways_out: What nodes reach AWS by, the registry and the API of balancers among it. It has to be
            there before they are and after them: a balancer's controller that is cut off removes none.
    """

    vpc: ec2.Vpc
    private: list[ec2.Subnet]
    public: list[ec2.Subnet]
    ways_out: list[pulumi.Resource]


def make_network(aws: AwsComponent) -> Network:
    """Make the network."""
    name = aws.name
    vpc = ec2.Vpc(
        f"{name}-vpc",
        cidr_block=cloud.NODE_NETWORK,
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags={"Name": aws.args.name},
        opts=aws.child(),
    )
    internet = ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, opts=aws.child())
    to_internet = ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, gateway_id=internet.id)
    made = Network(vpc=vpc, private=[], public=[], ways_out=[])
    for number, zone in enumerate(aws.settings.zones):
        # A public subnet holds a few balancers; a private one 8,000 pods with addresses of their own.
        outside, reached = _subnet(
            aws, vpc, kind="public", zone=zone, block=f"10.64.{240 + number}.0/24", route=to_internet
        )
        address = ec2.Eip(f"{name}-nat-{zone}", domain="vpc", opts=aws.child(depends_on=[internet]))
        # One in each zone, so that a zone that fails takes only its own nodes along.
        nat = ec2.NatGateway(
            f"{name}-nat-{zone}",
            allocation_id=address.id,
            subnet_id=outside.id,
            opts=aws.child(depends_on=[reached]),
        )
        to_nat = ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, nat_gateway_id=nat.id)
        inside, way_out = _subnet(
            aws, vpc, kind="private", zone=zone, block=f"10.64.{32 * number}.0/19", route=to_nat
        )
        made.private.append(inside)
        made.public.append(outside)
        made.ways_out.append(way_out)
    return made


def _subnet(  # noqa: PLR0913 - a subnet has this many independent parts
    aws: AwsComponent, vpc: ec2.Vpc, *, kind: str, zone: str, block: str, route: ec2.RouteTableRouteArgs
) -> tuple[ec2.Subnet, pulumi.Resource]:
    """Make a subnet of one zone, and its way out."""
    name = f"{aws.name}-{kind}-{zone}"
    role = "elb" if kind == "public" else "internal-elb"
    subnet = ec2.Subnet(
        name,
        vpc_id=vpc.id,
        availability_zone=f"{aws.settings.region}{zone}",
        cidr_block=block,
        map_public_ip_on_launch=False,
        tags={"Name": f"{aws.args.name}-{kind}-{zone}", f"kubernetes.io/role/{role}": "1"},
        opts=aws.child(),
    )
    table = ec2.RouteTable(name, vpc_id=vpc.id, routes=[route], opts=aws.child())
    way_out = ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=aws.child())
    return subnet, way_out
