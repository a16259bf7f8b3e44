"""MySQL on RDS."""

import jsii
from aws_cdk import Annotations, Duration, Names, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib.client_access import client_group, let_in, store_group
from constructs_lib.network import private_subnets, token_of_subnets
from constructs_lib.props import Checks
from constructs_lib.user_secret import user_secret

MYSQL_PORT = 3306
ADMIN_USER = "prensa_admin"
APPLICATION_USER = "prensa"
READER_USER = "prensa_reader"
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html
MOST_STORAGE_GB = 65_536


@jsii.implements(ec2.IConnectable)
class MySqlDatabase(Construct):
    """MySQL 8.4 in private subnets: TLS required, encrypted, backed up, kept when the stack goes.

    RDS keeps and rotates the administrator's password in ``admin_secret``. Two more users have generated
    passwords: ``application_secret`` for Prensa's own tables in ``schema`` and ``reader_secret``, which can
    only read. A server does not make users from secrets: the migrator function does, before it migrates.

    What attaches ``client_security_group`` reaches the server; the ``grant_*`` let it read a password.
    ``proxy=True`` puts RDS Proxy before it, for many functions at once: it holds the connections, and
    ``host`` is then the proxy's. ``enhanced_monitoring`` adds the server's own processes, memory and disks to
    its metrics.

    Example::

        database = MySqlDatabase(stack, "Database", vpc=network.vpc, multi_az=True)
        database.grant_application(function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        schema: str = "prensa",
        instance_type: ec2.InstanceType | None = None,
        multi_az: bool = False,
        storage_gb: int = 20,
        max_storage_gb: int = 200,
        backup_days: int = 7,
        proxy: bool = False,
        enhanced_monitoring: bool = False,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        check = Checks(scope, construct_id)
        check.schema_name("schema", schema)
        check.number("storage_gb", storage_gb, low=20, high=MOST_STORAGE_GB)
        check.number("max_storage_gb", max_storage_gb, low=storage_gb, high=MOST_STORAGE_GB)
        check.number("backup_days", backup_days, low=1, high=35)
        check.kept_or_destroyed(removal_policy)
        check.interface("vpc", vpc, "IVpc", "private_subnets")
        super().__init__(scope, construct_id)
        _warn_of_one_zone(self, vpc)
        self.vpc = vpc
        self.schema = schema
        destroyable = removal_policy == RemovalPolicy.DESTROY

        self.application_secret, self.reader_secret = (
            user_secret(self, name, username=user, of="The database's", removal_policy=removal_policy)
            for name, user in (("ApplicationSecret", APPLICATION_USER), ("ReaderSecret", READER_USER))
        )
        self.client_security_group = client_group(self, vpc, of="the database")
        group = store_group(self, vpc, of="The database")
        engine = rds.DatabaseInstanceEngine.mysql(version=rds.MysqlEngineVersion.of("8.4", "8.4"))
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            vpc=vpc,
            vpc_subnets=private_subnets(vpc),
            security_groups=[group],
            instance_type=instance_type or ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            multi_az=multi_az,
            allocated_storage=storage_gb,
            max_allocated_storage=max_storage_gb,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            publicly_accessible=False,
            port=MYSQL_PORT,
            database_name=schema,
            credentials=rds.Credentials.from_username(ADMIN_USER),
            manage_master_user_password=True,
            iam_authentication=False,
            monitoring_interval=Duration.minutes(1) if enhanced_monitoring else None,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            auto_minor_version_upgrade=True,
            allow_major_version_upgrade=False,
            backup_retention=Duration.days(backup_days),
            copy_tags_to_snapshot=True,
            delete_automated_backups=destroyable,
            deletion_protection=not destroyable,
            removal_policy=removal_policy,
            cloudwatch_logs_exports=["error", "slowquery"],
            cloudwatch_logs_retention=log_retention,
            parameter_group=rds.ParameterGroup(self, "Parameters", engine=engine, parameters=_PARAMETERS),
        )
        secret = self.instance.secret
        if secret is None:
            raise AssertionError("RDS manages the administrator's password")
        self.admin_secret: secretsmanager.ISecret = secret
        self.proxy = self._proxy(vpc) if proxy else None
        target = self.proxy if self.proxy is not None else self.instance
        # DatabaseProxy opens the instance for itself.
        target_group = target.connections.security_groups[0]
        let_in(
            self.client_security_group,
            to=target_group,
            port=MYSQL_PORT,
            who="Clients of the database",
            protocol="MySQL",
        )
        self._connections = target.connections
        self.host = (
            self.proxy.endpoint if self.proxy is not None else self.instance.db_instance_endpoint_address
        )
        self.port = str(MYSQL_PORT) if self.proxy is not None else self.instance.db_instance_endpoint_port

    @property
    def connections(self) -> ec2.Connections:
        return self._connections

    def grant_application(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the password of the user that changes rows of Prensa's tables."""
        return self.application_secret.grant_read(grantee)

    def grant_reader(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read the password of the user that can only read."""
        return self.reader_secret.grant_read(grantee)

    def grant_administration(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` read every user's password, as the migrator must."""
        grant = self.admin_secret.grant_read(grantee)
        return grant.combine(self.grant_application(grantee)).combine(self.grant_reader(grantee))

    def metric_cpu(self) -> cloudwatch.Metric:
        """The CPU in use, in percent."""
        return self.instance.metric_cpu_utilization(period=Duration.minutes(5))

    def metric_free_storage(self) -> cloudwatch.Metric:
        """The free storage, in bytes."""
        return self.instance.metric_free_storage_space(period=Duration.minutes(5), statistic="Minimum")

    def metric_connections(self) -> cloudwatch.Metric:
        """The connections in use."""
        return self.instance.metric_database_connections(period=Duration.minutes(5), statistic="Maximum")

    def _proxy(self, vpc: ec2.IVpc) -> rds.DatabaseProxy:
        return rds.DatabaseProxy(
            self,
            "Proxy",
            # The CDK's own name is the id alone, unless the app sets a feature flag: two would collide.
            db_proxy_name=Names.unique_resource_name(self, max_length=60),
            vpc=vpc,
            vpc_subnets=private_subnets(vpc),
            security_groups=[
                ec2.SecurityGroup(
                    self,
                    "ProxySecurityGroup",
                    vpc=vpc,
                    allow_all_outbound=False,
                    description="The proxy of the database",
                )
            ],
            proxy_target=rds.ProxyTarget.from_instance(self.instance),
            secrets=[
                self.application_secret,
                self.reader_secret,
                self.admin_secret,
            ],
            require_tls=True,
            idle_client_timeout=Duration.minutes(5),
        )


def _warn_of_one_zone(scope: Construct, vpc: ec2.IVpc) -> None:
    """RDS takes subnets of two zones also for one instance, and says so when it is deployed.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
    """
    subnets = private_subnets(vpc).subnets or []
    zones = {subnet.availability_zone for subnet in subnets}
    if len(zones) == 1 and token_of_subnets(subnets) is None:
        Annotations.of(scope).add_warning_v2(
            "prensa:databaseInOneZone",
            "vpc has private subnets in one zone only, and RDS needs those of two, also for one instance.",
        )


#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Parameters.html
_PARAMETERS = {
    "require_secure_transport": "1",
    "tls_version": "TLSv1.2,TLSv1.3",
    "time_zone": "UTC",
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_0900_ai_ci",
    "max_allowed_packet": str(64 * 1024 * 1024),
    "slow_query_log": "1",
    "long_query_time": "2",
    "log_output": "FILE",
}
