"""What must not be lost: the database, and who may call. Beside it the cache, which may be."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib import ApiIdentity, MySqlDatabase, StatusCache
from constructs_lib.database import MOST_STORAGE_GB
from stacks.environments import RETENTION, Environment
from stacks.stack import PrensaStack


class DataStack(PrensaStack):
    """MySQL, Valkey and the user pool."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, vpc: ec2.IVpc
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, keeps_data=True)
        self.database = MySqlDatabase(
            self,
            "Database",
            vpc=vpc,
            instance_type=ec2.InstanceType(environment.database_instance),
            multi_az=environment.multi_az,
            storage_gb=environment.database_storage_gb,
            max_storage_gb=min(10 * environment.database_storage_gb, MOST_STORAGE_GB),
            backup_days=environment.backup_days,
            proxy=environment.database_proxy,
            enhanced_monitoring=environment.database_monitoring,
            log_retention=RETENTION[environment.log_days],
            removal_policy=environment.removal_policy,
        )
        self.cache = StatusCache(
            self, "Cache", vpc=vpc, node_type=environment.cache_node, replicas=environment.cache_replicas
        )
        self.identity = ApiIdentity(self, "Identity", removal_policy=environment.removal_policy)
        cdk.CfnOutput(
            self, "TokenUrl", value=self.identity.token_url, description="Where clients get their tokens"
        )
        cdk.CfnOutput(self, "UserPoolId", value=self.identity.user_pool.user_pool_id)
