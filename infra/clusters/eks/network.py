"""The cluster's network in AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_aws import ec2

from infra.clusters import cloud

if TYPE_CHECKING:
    from infra.clusters.eks.aws import AwsComponent

EVERYWHERE: Final = "0.0.0.0/0"


def make_subnets(aws: AwsComponent) -> tuple[list[ec2.Subnet], list[ec2.Subnet]]:
    """Make the network: private subnets for nodes and pods, public ones for balancers and NAT."""
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
    private: list[ec2.Subnet] = []
    public: list[ec2.Subnet] = []
    for number, zone in enumerate(aws.settings.zones):
        # A public subnet holds a few balancers; a private one 8,000 pods with addresses of their own.
        outside = _subnet(
            aws, vpc, kind="public", zone=zone, block=f"10.64.{240 + number}.0/24", route=to_internet
        )
        address = ec2.Eip(f"{name}-nat-{zone}", domain="vpc", opts=aws.child(depends_on=[internet]))
        # One in each zone, so that a zone that fails takes only its own nodes along.
        nat = ec2.NatGateway(
            f"{name}-nat-{zone}",
            allocation_id=address.id,
            subnet_id=outside.id,
            opts=aws.child(depends_on=[internet]),
        )
        to_nat = ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, nat_gateway_id=nat.id)
        private.append(
            _subnet(aws, vpc, kind="private", zone=zone, block=f"10.64.{32 * number}.0/19", route=to_nat)
        )
        public.append(outside)
    return private, public


def _subnet(  # noqa: PLR0913 - a subnet has this many independent parts
    aws: AwsComponent, vpc: ec2.Vpc, *, kind: str, zone: str, block: str, route: ec2.RouteTableRouteArgs
) -> ec2.Subnet:
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
    ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=aws.child())
    return subnet
