"""The whole of Prensa as one construct."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk import Annotations, Duration, Names, RemovalPolicy, triggers
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from constructs_lib import tenant_quota
from constructs_lib.broker import ActiveMqBroker
from constructs_lib.database import MYSQL_PORT, MySqlDatabase
from constructs_lib.distribution import SignedDistribution
from constructs_lib.given_parts import common_network, files_fit
from constructs_lib.identity import ApiIdentity
from constructs_lib.lanes import Lanes
from constructs_lib.network import PrivateNetwork
from constructs_lib.props import Checks
from constructs_lib.python_function import PythonFunction
from constructs_lib.queue_consumer import ActiveMqQueueConsumer
from constructs_lib.report_api import INTEGRATION_SECONDS, ReportApi, Throttle
from constructs_lib.sources import RDS_AUTHORITIES, REPORT_TYPES, TASK_ROOT, function_code
from constructs_lib.status_cache import StatusCache
from constructs_lib.tenant_quota import TenantQuota

_HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class ReportDatabase:
    """A MySQL server that Prensa uses in place of one of its own.

    The secrets hold ``username`` and ``password``. ``admin_secret`` makes the other two users and Prensa's
    tables in ``schema``, which must exist; ``reader_secret`` reads report data in ``source_schema``. What
    the functions need to reach the server is ``client_security_group``.
    """

    host: str
    port: str = str(MYSQL_PORT)
    schema: str = "prensa"
    admin_secret: secretsmanager.ISecret
    application_secret: secretsmanager.ISecret
    reader_secret: secretsmanager.ISecret
    client_security_group: ec2.ISecurityGroup
    authorities: str = RDS_AUTHORITIES

    def verify(self, check: Checks) -> None:
        """Raises ``TypeError`` or ``ValueError`` that names the first field which is wrong."""
        check.matching("database.host", self.host, pattern=r"[A-Za-z0-9.:-]+", meaning="a host's name")
        check.matching("database.port", self.port, pattern=r"\d{1,5}", meaning="a text such as '3306'")
        check.schema_name("database.schema", self.schema)
        for name in ("admin_secret", "application_secret", "reader_secret"):
            check.interface(f"database.{name}", getattr(self, name), "ISecret", "secret_arn")
        check.interface(
            "database.client_security_group",
            self.client_security_group,
            "ISecurityGroup",
            "security_group_id",
        )

    @classmethod
    def of(cls, database: MySqlDatabase) -> "ReportDatabase":
        return cls(
            host=database.host,
            port=database.port,
            schema=database.schema,
            admin_secret=database.admin_secret,
            application_secret=database.application_secret,
            reader_secret=database.reader_secret,
            client_security_group=database.client_security_group,
        )


@dataclass(frozen=True, kw_only=True)
class ReportLimits:
    """How much, how often and how long. ``docs/operations.md`` tells each setting.

    ``quotas`` are by tenant. ``*`` stands for every tenant without one; it is ``TenantQuota()`` unless it is
    given. They are one environment variable, and Lambda takes 4 kB of all together: about 20 tenants fit.
    """

    max_attempts: int = 3
    bulk_rows: int = 20_000
    result_days: int = 7
    dataset_days: int = 7
    dataset_max_bytes: int = 500_000_000
    dataset_line_characters: int = 1_000_000
    dataset_field_characters: int = 131_072
    link_ttl_seconds: int = 3600
    lease_seconds: int = 60
    statement_timeout_seconds: int = 600
    retry_base_seconds: int = 5
    retry_cap_seconds: int = 300
    resend_seconds: int = 900
    tenant_window: int = 10
    database_wait_seconds: int = 30
    quotas: Mapping[str, TenantQuota] = field(default_factory=dict)

    def verify(self, check: Checks) -> None:
        """Raises ``TypeError`` or ``ValueError`` that names the first limit which is wrong."""
        # Each lane has it times its queues.
        check.known("limits.tenant_window", self.tenant_window)
        for name, (low, high) in _RANGES.items():
            check.number(f"limits.{name}", getattr(self, name), low=low, high=high)
        tenant_quota.verify(self.quotas, check)


#: As the functions' settings have them; the contract tests compare.
_RANGES = {
    "max_attempts": (1, 20),
    "bulk_rows": (0, 10**9),
    "result_days": (1, 3650),
    "dataset_days": (1, 365),
    "dataset_max_bytes": (1, 5_000_000_000),
    "dataset_line_characters": (1000, 10_000_000),
    "dataset_field_characters": (100, 131_072),
    "link_ttl_seconds": (60, 604_800),
    "lease_seconds": (5, 900),
    "statement_timeout_seconds": (1, 840),
    "retry_base_seconds": (1, 3600),
    "retry_cap_seconds": (1, 3600),
    "resend_seconds": (60, 86_400),
    "tenant_window": (1, 10**6),
    "database_wait_seconds": (0, 300),
}
#: API Gateway hands a body over in base64, which makes 6 MB of 4.5; Lambda takes no more.
_MAX_BODY_BYTES = 4_500_000


@dataclass(frozen=True, kw_only=True)
class _Placement:
    """Where the functions run, and what all of them are given."""

    vpc: ec2.IVpc
    egress: ec2.ISecurityGroup
    namespace: str
    log_retention: logs.RetentionDays


class ReportService(Construct):
    """Asynchronous reports: an API, workers, and all that they need.

    Every part that is not given is made: network, broker, database, cache, files, identity. What is given is
    used as it is, and its network is that of the others. ``report_types`` is a folder of report types (YAML
    and SQL), which read ``source_schema``; without it callers bring their own tables.
    ``iam_authorization=True`` lets callers sign with IAM in place of tokens.

    ``shift`` moves the API's traffic to a new version step by step, and back when its alarm goes off;
    without it a new version gets all traffic at once. ``snap_start`` shortens cold starts of the API.

    Example::

        ReportService(stack, "Reports", report_types=Path("report_types"))
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        broker: ActiveMqBroker | None = None,
        database: MySqlDatabase | ReportDatabase | None = None,
        cache: StatusCache | None = None,
        files: SignedDistribution | None = None,
        bucket: s3.IBucket | None = None,
        user_pool: cognito.IUserPool | None = None,
        iam_authorization: bool = False,
        report_types: Path | None = None,
        source_schema: str = "reporting",
        lanes: Lanes | None = None,
        limits: ReportLimits | None = None,
        default_locale: str = "en",
        default_timezone: str = "UTC",
        multi_az: bool = False,
        worker_memory: int = 1769,
        api_memory: int = 1024,
        throttle: Throttle | None = None,
        firewall: bool = True,
        shift: codedeploy.ILambdaDeploymentConfig | None = None,
        snap_start: bool = False,
        domain_name: str | None = None,
        certificate: acm.ICertificate | None = None,
        cors_origins: Sequence[str] = (),
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        self.lanes = lanes or Lanes()
        limits = limits or ReportLimits()
        check = Checks(scope, construct_id)
        check.instance("lanes", self.lanes, Lanes)
        check.instance("limits", limits, ReportLimits)
        limits.verify(check)
        check.schema_name("source_schema", source_schema)
        check.locale("default_locale", default_locale)
        check.timezone("default_timezone", default_timezone)
        if shift is not None:
            check.interface("shift", shift, "ILambdaDeploymentConfig", "deployment_config_name")
        _check_parts(
            check,
            {
                "broker": broker,
                "database": database,
                "cache": cache,
                "files": files,
                "throttle": throttle,
                "report_types": report_types,
            },
            vpc=vpc,
            user_pool=user_pool,
        )
        check.together(domain_name=domain_name, certificate=certificate)
        check.number("api_memory", api_memory, low=128, high=10_240)
        check.number("worker_memory", worker_memory, low=128, high=10_240)
        check.kept_or_destroyed(removal_policy)
        if iam_authorization and user_pool is not None:
            raise check.refusal("user_pool is of no use with iam_authorization=True.")
        if broker is not None and (unknown := set(self.lanes.names) - set(broker.queues)):
            missing = ", ".join(sorted(unknown))
            raise check.refusal(f"the broker's queues must include those of the lanes; missing: {missing}.")
        files_fit(
            check,
            files,
            bucket,
            cors_origins,
            result_days=limits.result_days,
            dataset_days=limits.dataset_days,
        )
        vpc = common_network(
            check,
            {
                "vpc": vpc,
                "broker": broker.vpc if broker is not None else None,
                "database": database.vpc if isinstance(database, MySqlDatabase) else None,
                "cache": cache.vpc if cache is not None else None,
            },
        )
        super().__init__(scope, construct_id)
        if vpc is not None:
            _warn_of_missing_endpoints(self, vpc)

        self.vpc = vpc or PrivateNetwork(self, "Network").vpc
        self.broker = broker or ActiveMqBroker(
            self,
            "Broker",
            vpc=self.vpc,
            queues=self.lanes.names,
            multi_az=multi_az,
            removal_policy=removal_policy,
        )
        if database is None:
            database = MySqlDatabase(
                self, "Database", vpc=self.vpc, multi_az=multi_az, removal_policy=removal_policy
            )
        self.database = ReportDatabase.of(database) if isinstance(database, MySqlDatabase) else database
        self.cache = cache or StatusCache(self, "Cache", vpc=self.vpc, replicas=1 if multi_az else 0)
        self.files = files or SignedDistribution(
            self,
            "Files",
            bucket=bucket,
            result_days=limits.result_days,
            dataset_days=limits.dataset_days,
            cors_origins=cors_origins,
            removal_policy=removal_policy,
        )
        if user_pool is None and not iam_authorization:
            user_pool = ApiIdentity(self, "Identity", removal_policy=removal_policy).user_pool

        egress = ec2.SecurityGroup(
            self, "Functions", vpc=self.vpc, allow_all_outbound=False, description="The functions of Prensa"
        )
        # There is no way to the internet: this reaches the VPC's endpoints.
        egress.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "Endpoints of AWS")
        #: The namespace of Prensa's own metrics.
        self.namespace = f"Prensa/{Names.unique_resource_name(self, max_length=100, separator='-')}"
        self._place = _Placement(
            vpc=self.vpc, egress=egress, namespace=self.namespace, log_retention=log_retention
        )
        self._settings = _settings(
            self, limits, source_schema=source_schema, locale=default_locale, timezone=default_timezone
        )

        self._add_functions(
            report_types, api_memory=api_memory, worker_memory=worker_memory, snap_start=snap_start
        )
        self._migrate_first()
        self.consumers = [
            ActiveMqQueueConsumer(
                self,
                f"{_pascal(queue)}Consumer",
                broker=self.broker,
                queue=queue,
                function=self.worker,
                dead_letters=self.dead_letters,
            )
            for queue in self.lanes.names
        ]
        events.Rule(
            self,
            "EachMinute",
            description="Recovers what got stuck",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.relay.function, retry_attempts=0)],
        )
        self.api = ReportApi(
            self,
            "Api",
            handler=self._live(shift),
            user_pool=user_pool,
            throttle=throttle,
            firewall=firewall,
            domain_name=domain_name,
            certificate=certificate,
            log_retention=log_retention,
        )
        #: The address of the API.
        self.url = self.api.url
        #: What goes off when a part does not work by itself.
        functions = (self.api_function, self.worker, self.relay, self.dead_letters)
        self.alarms: list[cloudwatch.Alarm] = [
            *(alarm for function in functions for alarm in function.alarms),
            *(alarm for consumer in self.consumers for alarm in consumer.alarms),
            *self.files.alarms,
        ]

    def metric(self, name: str, *, function: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """One of Prensa's own metrics (``docs/operations.md``), as ``function`` counts it."""
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map={"service": f"prensa-{function}"},
            statistic=statistic,
        )

    def _add_functions(
        self, report_types: Path | None, *, api_memory: int, worker_memory: int, snap_start: bool
    ) -> None:
        settings = self._settings
        store = [self.database.client_security_group, self.cache.client_security_group]
        everything = [*store, self.broker.client_security_group]
        types = report_types or _NO_REPORT_TYPES
        self.api_function = self._function(
            "Api",
            "api",
            settings.of(
                "tables",
                "source",
                "broker",
                "cache",
                "results",
                "links",
                "requests",
                "datasets",
                "uploads",
                "window",
                "quotas",
            ),
            report_types=types,
            groups=everything,
            timeout=INTEGRATION_SECONDS,
            memory=api_memory,
            snap_start=snap_start,
            description="Accepts requests for reports and tells how they are",
        )
        self.worker = self._function(
            "Worker",
            "worker",
            settings.of(
                "tables",
                "window",
                "quotas",
                "source",
                "broker",
                "cache",
                "results",
                "work",
                "retries",
                "waiting",
                "datasets",
                "lines",
            ),
            report_types=types,
            groups=everything,
            timeout=840,
            memory=worker_memory,
            description="Makes the reports",
        )
        self.relay = self._function(
            "Relay",
            "relay",
            settings.of("tables", "broker", "cache", "results", "retries", "relay", "window"),
            groups=everything,
            timeout=55,
            memory=512,
            description="Sends what was not sent, takes up what was lost, expires what is old",
        )
        self.dead_letters = self._function(
            "DeadLetters",
            "dead_letters",
            settings.of("tables", "cache", "waiting", "window"),
            groups=store,
            timeout=60,
            memory=512,
            description="Keeps dead letters and fails their reports",
        )
        self.migrator = self._function(
            "Migrator",
            "migrator",
            settings.of("migration"),
            groups=[self.database.client_security_group],
            timeout=300,
            memory=512,
            description="Makes the database's users and tables",
        )
        for function in (self.api_function, self.worker, self.relay, self.dead_letters):
            self.database.application_secret.grant_read(function.role)
            self.cache.grant_connect(function.role)
        for function in (self.api_function, self.worker):
            self.database.reader_secret.grant_read(function.role)
        for function in (self.api_function, self.worker, self.relay):
            self.broker.grant_publish(function.role)
        for secret in (
            self.database.admin_secret,
            self.database.application_secret,
            self.database.reader_secret,
        ):
            secret.grant_read(self.migrator.role)
        self.files.grant_sign(self.api_function.role)
        self._grant_objects()

    def _grant_objects(self) -> None:
        """What each function does with objects, and nothing more."""
        bucket = self.files.bucket
        rights = (
            # `ListBucket` tells a missing object from a forbidden one, and is what the health check asks.
            (self.api_function, ["s3:ListBucket"], bucket.bucket_arn),
            # A rerun copies the rows of a report.
            (self.api_function, ["s3:PutObject", "s3:GetObject"], bucket.arn_for_objects("inputs/*")),
            # What a client uploads, it does with a form that this function has signed.
            (self.api_function, ["s3:PutObject"], bucket.arn_for_objects("datasets/*")),
            (self.worker, ["s3:ListBucket"], bucket.bucket_arn),
            (self.worker, ["s3:GetObject"], bucket.arn_for_objects("inputs/*")),
            (self.worker, ["s3:GetObject"], bucket.arn_for_objects("datasets/*")),
            (
                self.worker,
                ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
                bucket.arn_for_objects("results/*"),
            ),
            (self.relay, ["s3:DeleteObject"], bucket.arn_for_objects("inputs/*")),
            # What a killed worker has sent of an upload goes with the lease.
            (self.relay, ["s3:ListBucketMultipartUploads"], bucket.bucket_arn),
            (
                self.relay,
                ["s3:DeleteObject", "s3:AbortMultipartUpload"],
                bucket.arn_for_objects("results/*"),
            ),
        )
        for function, actions, resource in rights:
            iam.Grant.add_to_principal(grantee=function.role, actions=actions, resource_arns=[resource])
        if bucket.encryption_key is not None:
            # A multipart upload decrypts, too.
            for function in (self.api_function, self.worker):
                bucket.encryption_key.grant(function.role, "kms:Decrypt", "kms:GenerateDataKey")

    def _function(
        self,
        construct_id: str,
        name: str,
        environment: dict[str, str],
        *,
        groups: Sequence[ec2.ISecurityGroup],
        timeout: int,
        memory: int,
        description: str,
        report_types: Path | None = None,
        snap_start: bool = False,
    ) -> PythonFunction:
        return PythonFunction(
            self,
            f"{construct_id}Function",
            code=function_code(name, report_types=report_types),
            environment={
                "POWERTOOLS_SERVICE_NAME": f"prensa-{name}",
                "POWERTOOLS_METRICS_NAMESPACE": self._place.namespace,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **environment,
            },
            memory_size=memory,
            timeout=Duration.seconds(timeout),
            vpc=self._place.vpc,
            security_groups=[self._place.egress, *groups],
            snap_start=snap_start,
            log_retention=self._place.log_retention,
            description=description,
        )

    def _migrate_first(self) -> None:
        """Run the migrator at each deployment that changes it, before the other functions change.

        An error of the migrator fails the deployment, and CloudFormation keeps the functions as they were.
        """
        self.migration = triggers.Trigger(
            self,
            "Migration",
            handler=self.migrator.function,
            timeout=Duration.seconds(300),
            invocation_type=triggers.InvocationType.REQUEST_RESPONSE,
            execute_before=[self.api_function, self.worker, self.relay, self.dead_letters],
        )

    def _live(self, shift: codedeploy.ILambdaDeploymentConfig | None) -> lambda_.Alias:
        """The API's alias, which a deployment moves to the new version."""
        function = self.api_function.function
        Annotations.of(function).acknowledge_warning(
            "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias below publishes each version."
        )
        alias = lambda_.Alias(self, "Live", alias_name="live", version=function.current_version)
        self.rollback_alarm = cloudwatch.Alarm(
            self,
            "RollbackAlarm",
            alarm_description="The API's new version fails; the deployment goes back to the one before.",
            metric=alias.metric_errors(period=Duration.minutes(1)),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if shift is not None:
            codedeploy.LambdaDeploymentGroup(
                self, "Shift", alias=alias, deployment_config=shift, alarms=[self.rollback_alarm]
            )
        return alias


#: A folder without report types, so that the setting which names it is always there.
_NO_REPORT_TYPES = Path(__file__).parent / "no_report_types"


@dataclass(frozen=True)
class _Settings:
    """The functions' environment variables, in the groups of `lambdas/reporting/settings.py`."""

    groups: dict[str, dict[str, str]]

    def of(self, *names: str) -> dict[str, str]:
        return {key: value for name in names for key, value in self.groups[name].items()}


def _settings(
    service: ReportService, limits: ReportLimits, *, source_schema: str, locale: str, timezone: str
) -> _Settings:
    database = service.database
    place = {
        "DATABASE_HOST": database.host,
        "DATABASE_PORT": database.port,
        "DATABASE_NAME": database.schema,
        "DATABASE_CA_FILE": database.authorities,
    }
    return _Settings(
        {
            "tables": {**place, "DATABASE_SECRET_ARN": database.application_secret.secret_arn},
            "migration": {
                **place,
                "DATABASE_SECRET_ARN": database.admin_secret.secret_arn,
                "APPLICATION_SECRET_ARN": database.application_secret.secret_arn,
                "READER_SECRET_ARN": database.reader_secret.secret_arn,
                "SOURCE_NAME": source_schema,
            },
            "source": {
                "SOURCE_HOST": database.host,
                "SOURCE_PORT": database.port,
                "SOURCE_NAME": source_schema,
                "SOURCE_CA_FILE": database.authorities,
                "SOURCE_SECRET_ARN": database.reader_secret.secret_arn,
                "STATEMENT_TIMEOUT_SECONDS": str(limits.statement_timeout_seconds),
                "REPORT_TYPES_PATH": f"{TASK_ROOT}/{REPORT_TYPES}",
            },
            "broker": {
                "BROKER_ENDPOINTS": service.broker.stomp_endpoints,
                "BROKER_SECRET_ARN": service.broker.publisher_secret.secret_arn,
                "LANE_QUEUES": json.dumps(service.lanes.queues),
            },
            "window": {
                "TENANT_WINDOW": json.dumps(
                    {
                        lane: limits.tenant_window * len(queues)
                        for lane, queues in service.lanes.queues.items()
                    }
                )
            },
            "quotas": {"TENANT_QUOTAS": json.dumps(tenant_quota.setting(limits.quotas))},
            "cache": {
                "CACHE_ENDPOINT": service.cache.endpoint,
                "CACHE_TLS": "true",
                "CACHE_SECRET_ARN": service.cache.secret.secret_arn,
            },
            "results": {"RESULTS_BUCKET": service.files.bucket.bucket_name},
            "links": {
                "LINK_BASE_URL": service.files.base_url,
                "LINK_KEY_PAIR_ID": service.files.signing_key.key_pair_id,
                "LINK_PRIVATE_KEY_SECRET_ARN": service.files.signing_key.secret.secret_arn,
                "LINK_TTL_SECONDS": str(limits.link_ttl_seconds),
            },
            "requests": {
                "DEFAULT_LOCALE": locale,
                "DEFAULT_TIMEZONE": timezone,
                "MAX_ATTEMPTS": str(limits.max_attempts),
                "BULK_ROWS": str(limits.bulk_rows),
                "MAX_BODY_BYTES": str(_MAX_BODY_BYTES),
                "TENANT_CLAIM": "client_id",
            },
            "work": {"LEASE_SECONDS": str(limits.lease_seconds), "RESULT_DAYS": str(limits.result_days)},
            "retries": {
                "RETRY_BASE_SECONDS": str(limits.retry_base_seconds),
                "RETRY_CAP_SECONDS": str(limits.retry_cap_seconds),
            },
            "datasets": {"DATASET_MAX_BYTES": str(limits.dataset_max_bytes)},
            "uploads": {"DATASET_DAYS": str(limits.dataset_days)},
            "lines": {
                "DATASET_LINE_CHARACTERS": str(limits.dataset_line_characters),
                "DATASET_FIELD_CHARACTERS": str(limits.dataset_field_characters),
            },
            "waiting": {"DATABASE_WAIT_SECONDS": str(limits.database_wait_seconds)},
            "relay": {"RESEND_SECONDS": str(limits.resend_seconds)},
        }
    )


_PARTS: dict[str, tuple[type, ...]] = {
    "broker": (ActiveMqBroker,),
    "database": (MySqlDatabase, ReportDatabase),
    "cache": (StatusCache,),
    "files": (SignedDistribution,),
    "throttle": (Throttle,),
    "report_types": (Path,),
}


def _check_parts(
    check: Checks, parts: dict[str, object], *, vpc: ec2.IVpc | None, user_pool: cognito.IUserPool | None
) -> None:
    """The parts that are given are what they should be. Raises ``TypeError``."""
    for name, part in parts.items():
        if part is not None:
            check.instance(name, part, *_PARTS[name])
    if vpc is not None:
        check.interface("vpc", vpc, "IVpc", "private_subnets")
    if user_pool is not None:
        check.interface("user_pool", user_pool, "IUserPool", "user_pool_arn")
    if isinstance(database := parts["database"], ReportDatabase):
        database.verify(check)


def _warn_of_missing_endpoints(scope: Construct, vpc: ec2.IVpc) -> None:
    """Functions that can't reach an endpoint hang until their time-out, and nothing says why."""
    if vpc.private_subnets or any(isinstance(c, ec2.InterfaceVpcEndpoint) for c in vpc.node.find_all()):
        return
    Annotations.of(scope).add_warning_v2(
        "prensa:isolatedSubnets",
        "vpc has isolated subnets only and no interface endpoint is known: the functions need endpoints of "
        "Secrets Manager, Lambda and STS and a gateway endpoint of S3. Acknowledge this if they are there.",
    )


def _pascal(queue: str) -> str:
    return "".join(part.capitalize() for part in queue.replace(".", "-").split("-"))
