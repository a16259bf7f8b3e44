"""A network without a way to the internet."""

from collections.abc import Sequence

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib.props import Checks

#: What the functions and an event source mapping of Amazon MQ call: Secrets Manager by both, Lambda and STS
#: by the mapping. https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
_ENDPOINTS = {
    "SecretsManager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Lambda": ec2.InterfaceVpcEndpointAwsService.LAMBDA_,
    "Sts": ec2.InterfaceVpcEndpointAwsService.STS,
}
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"


class PrivateNetwork(Construct):
    """A VPC of isolated subnets in two zones, with the endpoints that Prensa needs and no NAT.

    Interface endpoints (Secrets Manager, Lambda, STS) are paid for by zone: ``endpoint_zones=1`` halves
    their price, and makes what is in the other zone depend on the first. S3 is reached through a gateway
    endpoint, without charge. ``flow_logs`` keeps a record of all connections in CloudWatch Logs.

    Example::

        network = PrivateNetwork(stack, "Network")
        ec2.SecurityGroup(stack, "Mine", vpc=network.vpc)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cidr: str = "10.0.0.0/20",
        endpoint_zones: int = 2,
        flow_logs: bool = True,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        check = Checks(scope, construct_id)
        check.known("cidr", cidr)
        check.matching(
            "cidr",
            cidr,
            pattern=rf"{_OCTET}(\.{_OCTET}){{3}}/(1[6-9]|2[0-4])",
            meaning="an IPv4 block of /16 to /24 such as '10.0.0.0/20'",
        )
        check.one_of("endpoint_zones", endpoint_zones, (1, 2))
        super().__init__(scope, construct_id)

        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            max_azs=2,
            nat_gateways=0,
            restrict_default_security_group=True,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        for name, service in _ENDPOINTS.items():
            vpc.add_interface_endpoint(
                name,
                service=service,
                subnets=ec2.SubnetSelection(subnets=vpc.isolated_subnets[:endpoint_zones]),
            )
        if flow_logs:
            log_group = logs.LogGroup(self, "FlowLogs", retention=log_retention)
            vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group))
        self.vpc: ec2.IVpc = vpc


def private_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """The private subnets of ``vpc``, or its isolated ones when it has no others. Raises ``ValueError``."""
    subnets = vpc.private_subnets or vpc.isolated_subnets
    if not subnets:
        raise ValueError(
            f"{vpc.node.path}: the VPC has no private or isolated subnets, and Prensa runs in no public ones."
        )
    return ec2.SubnetSelection(subnets=subnets)


def token_of_subnets(subnets: Sequence[ec2.ISubnet]) -> list[str] | None:
    """The ids of subnets of a network that was imported with a token in place of their list, as
    ``Fn.split`` of an export gives one; else ``None``. The CDK takes that for one subnet.
    """
    ids = [subnet.subnet_id for subnet in subnets]
    return ids if Token.is_unresolved(ids) else None
