"""Clients of a store carry a security group of the store's: one rule for any number of them (ADR 20)."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


def client_group(scope: Construct, vpc: ec2.IVpc, *, of: str) -> ec2.SecurityGroup:
    """The group that clients attach; it opens nothing by itself."""
    return ec2.SecurityGroup(
        scope, "ClientSecurityGroup", vpc=vpc, allow_all_outbound=False, description=f"May reach {of}"
    )


def store_group(scope: Construct, vpc: ec2.IVpc, *, of: str) -> ec2.SecurityGroup:
    """The group of the store itself, which lets nothing out."""
    return ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc, allow_all_outbound=False, description=of)


def let_in(clients: ec2.SecurityGroup, *, to: ec2.ISecurityGroup, port: int, who: str, protocol: str) -> None:
    """Let ``clients`` reach ``to`` on ``port``, seen from both ends."""
    to.add_ingress_rule(clients, ec2.Port.tcp(port), who)
    clients.add_egress_rule(to, ec2.Port.tcp(port), protocol)
