"""Valkey on ElastiCache."""

import jsii
from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from constructs import Construct

from constructs_lib.client_access import client_group, let_in, store_group
from constructs_lib.network import private_subnets
from constructs_lib.props import Checks
from constructs_lib.user_secret import user_secret

VALKEY_PORT = 6379


@jsii.implements(ec2.IConnectable)
class StatusCache(Construct):
    """A Valkey replication group in private subnets, with TLS, a password, and encryption at rest.

    It holds nothing that can't be lost, so it has no snapshots and goes with its stack. ``replicas`` of 0
    is a single node; one or more fail over by themselves, in two zones.

    Example::

        cache = StatusCache(stack, "Cache", vpc=network.vpc)
        cache.grant_connect(function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        node_type: str = "cache.t4g.micro",
        replicas: int = 0,
        engine_version: str = "8.0",
    ) -> None:
        check = Checks(scope, construct_id)
        check.interface("vpc", vpc, "IVpc", "private_subnets")
        check.known("replicas", replicas)
        check.number("replicas", replicas, low=0, high=5)
        check.matching(
            "node_type",
            node_type,
            pattern=r"cache\.[a-z0-9]+\.[a-z0-9]+",
            meaning="such as 'cache.t4g.micro'",
        )
        check.matching(
            "engine_version",
            engine_version,
            pattern=r"[789]\.\d",
            meaning="a version of Valkey such as '8.0'",
        )
        super().__init__(scope, construct_id)
        self.vpc = vpc
        self._nodes = 1 + int(replicas)
        self.secret = user_secret(
            self, "Secret", username="default", of="The cache's", removal_policy=RemovalPolicy.DESTROY
        )
        self.client_security_group = client_group(self, vpc, of="the cache")
        group = store_group(self, vpc, of="The cache")
        let_in(
            self.client_security_group,
            to=group,
            port=VALKEY_PORT,
            who="Clients of the cache",
            protocol="Valkey",
        )
        self._connections = ec2.Connections(security_groups=[group], default_port=ec2.Port.tcp(VALKEY_PORT))
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="Private subnets",
            subnet_ids=[subnet.subnet_id for subnet in private_subnets(vpc).subnets or []],
        )
        self.replication_group = elasticache.CfnReplicationGroup(
            self,
            "ReplicationGroup",
            replication_group_description="Status objects of reports",
            engine="valkey",
            engine_version=engine_version,
            cache_node_type=node_type,
            num_cache_clusters=1 + replicas,
            automatic_failover_enabled=replicas > 0,
            multi_az_enabled=replicas > 0,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group.security_group_id],
            port=VALKEY_PORT,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            # A dynamic reference: the password is in no template.
            auth_token=self.secret.secret_value_from_json("password").unsafe_unwrap(),
            auto_minor_version_upgrade=True,
            snapshot_retention_limit=0,
        )
        self.endpoint = Fn.join(
            ":",
            [
                self.replication_group.attr_primary_end_point_address,
                self.replication_group.attr_primary_end_point_port,
            ],
        )

    @property
    def connections(self) -> ec2.Connections:
        return self._connections

    def grant_connect(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the password."""
        return self.secret.grant_read(grantee)

    def metric(self, name: str, *, statistic: str = "Average") -> cloudwatch.IMetric:
        """A metric of the node, or the largest of all nodes: any of them may have become the primary.

        https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html
        """
        nodes = [
            cloudwatch.Metric(
                namespace="AWS/ElastiCache",
                metric_name=name,
                dimensions_map={
                    "CacheClusterId": Fn.join("", [self.replication_group.ref, f"-{number:03d}"])
                },
                statistic=statistic,
            )
            for number in range(1, self._nodes + 1)
        ]
        if len(nodes) == 1:
            return nodes[0]
        # A graph shows several of these: their ids must differ.
        ids = {f"node{number}_{name}": metric for number, metric in enumerate(nodes, 1)}
        return cloudwatch.MathExpression(
            expression=f"MAX([{', '.join(f'FILL({key}, 0)' for key in ids)}])",
            using_metrics=ids,
            label=name,
        )
