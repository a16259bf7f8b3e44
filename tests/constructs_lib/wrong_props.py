"""Wrong props of every construct, each with what is said about it: the property, what is allowed, the value."""

# ruff: noqa: E501 - a table is read by its rows

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs_lib import (
    ActiveMqBroker,
    ActiveMqQueueConsumer,
    ApiIdentity,
    MySqlDatabase,
    PrivateNetwork,
    PythonFunction,
    ReportApi,
    ReportDatabase,
    ReportLimits,
    ReportService,
    SignedDistribution,
    SigningKey,
    StatusCache,
    TenantQuota,
    Throttle,
)
from tests.constructs_lib.support import callers_function, python_function


def report_database(stack: cdk.Stack, **wrong: Any) -> ReportDatabase:
    """A server of someone's own, but for what is wrong of it."""
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "server")
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    secrets = dict.fromkeys(("admin_secret", "application_secret", "reader_secret"), secret)
    given: dict[str, Any] = {"host": "db.example.com", "client_security_group": group, **secrets, **wrong}
    return ReportDatabase(**given)


type Wrong = Callable[[cdk.Stack, ec2.IVpc], object]
WRONG: list[tuple[str, Wrong]] = [
    ("engine_version must be one of '5.18', '5.19', got '5.17.6'", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues=["a"], engine_version="5.17.6")),
    ("instance_type must be 'mq.t3.micro' or .*, got 'mq.huge'", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues=["a"], instance_type="mq.huge")),
    ("queues must be a list of names, got 'a'", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues="a")),
    (r"queues must be a list of names, got \{'a'\}", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues={"a"})),  # type: ignore[arg-type]
    (r"queues must be 1 to 100 different names, got \['a', 'a'\]", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues=["a", "a"])),
    ("queues must be names of letters.*, got '>'", lambda s, v: ActiveMqBroker(s, "X", vpc=v, queues=[">"])),
    ("vpc must be IVpc, got 'vpc-1'", lambda s, v: ActiveMqBroker(s, "X", vpc="vpc-1", queues=["a"])),  # type: ignore[arg-type]
    ("broker must be ActiveMqBroker, got 'b'", lambda s, v: ActiveMqQueueConsumer(s, "X", broker="b", queue="a", function=python_function(s))),  # type: ignore[arg-type]
    ("queue must be one of 'a', got 'b'", lambda s, v: ActiveMqQueueConsumer(s, "X", broker=ActiveMqBroker(s, "B", vpc=v, queues=["a"]), queue="b", function=python_function(s))),
    ("schema must be a name .*, got 'a-b'", lambda s, v: MySqlDatabase(s, "X", vpc=v, schema="a-b")),
    ("storage_gb must be from 20 to 65536, got 5", lambda s, v: MySqlDatabase(s, "X", vpc=v, storage_gb=5)),
    ("max_storage_gb must be from 100 to 65536, got 50", lambda s, v: MySqlDatabase(s, "X", vpc=v, storage_gb=100, max_storage_gb=50)),
    ("backup_days must be from 1 to 35, got 0", lambda s, v: MySqlDatabase(s, "X", vpc=v, backup_days=0)),
    ("removal_policy must be RemovalPolicy.RETAIN or .*, got 'destroy'", lambda s, v: MySqlDatabase(s, "X", vpc=v, removal_policy="destroy")),  # type: ignore[arg-type]
    ("replicas must be a whole number from 0 to 5, got '1'", lambda s, v: StatusCache(s, "X", vpc=v, replicas="1")),  # type: ignore[arg-type]
    ("node_type must be such as 'cache.t4g.micro', got 't4g.micro'", lambda s, v: StatusCache(s, "X", vpc=v, node_type="t4g.micro")),
    ("result_days must be from 1 to 3650, got -1", lambda s, v: SignedDistribution(s, "X", result_days=-1)),
    ("dataset_days must be from 1 to 365, got 366", lambda s, v: SignedDistribution(s, "X", dataset_days=366)),
    ("signing_keys must be names of up to 32 .*, got 'a/b'", lambda s, v: SignedDistribution(s, "X", signing_keys=["a/b"])),
    ("signing_keys must be a list of names, got ", lambda s, v: SignedDistribution(s, "X", signing_keys={"A"})),  # type: ignore[arg-type]
    ("cors_origins must be a list of origins, got 'https://a'", lambda s, v: SignedDistribution(s, "X", cors_origins="https://a")),
    ("bucket must be IBucket, got 'mine'", lambda s, v: SignedDistribution(s, "X", bucket="mine")),  # type: ignore[arg-type]
    ("domain_name and certificate go together, got domain_name='a.example', certificate=None", lambda s, v: SignedDistribution(s, "X", domain_name="a.example")),
    ("removal_policy must be .*, got RemovalPolicy.SNAPSHOT", lambda s, v: SigningKey(s, "X", removal_policy=cdk.RemovalPolicy.SNAPSHOT)),
    ("removal_policy must be .*, got 1", lambda s, v: ApiIdentity(s, "X", removal_policy=1)),  # type: ignore[arg-type]
    ("scopes must be one of 'read', 'write', 'admin', got 'all'", lambda s, v: ApiIdentity(s, "I").add_client("X", scopes=["all"])),
    ("scopes must be a list of scopes, got 'read'", lambda s, v: ApiIdentity(s, "I").add_client("X", scopes="read")),  # type: ignore[arg-type]
    ("scopes must be 1 or more of read, write, admin, got none", lambda s, v: ApiIdentity(s, "I").add_client("X", scopes=[])),
    ("token_validity in minutes must be from 5 to 1440, got 4320", lambda s, v: ApiIdentity(s, "I").add_client("X", scopes=["read"], token_validity=cdk.Duration.days(3))),
    ("cidr must be an IPv4 block .*, got '300.0.0.0/20'", lambda s, v: PrivateNetwork(s, "X", cidr="300.0.0.0/20")),
    ("endpoint_zones must be one of 1, 2, got 3", lambda s, v: PrivateNetwork(s, "X", endpoint_zones=3)),
    ("code must be PythonCode, got None", lambda s, v: PythonFunction(s, "X", code=None)),  # type: ignore[arg-type]
    ("memory_size must be from 128 to 10240, got 64", lambda s, v: python_function(s, "X", memory_size=64)),
    ("timeout must be from 1 to 900, got 1800", lambda s, v: python_function(s, "X", timeout=cdk.Duration.minutes(30))),
    ("environment.A must be str, got 1", lambda s, v: python_function(s, "X", environment={"A": 1})),
    ("environment must have at most 4096 bytes, got 4101 and more at deployment; B has 4100", lambda s, v: python_function(s, "X", environment={"B": "é" * 2049 + "e", "C": cdk.Aws.REGION})),
    ("handler must be IFunction, got None", lambda s, v: ReportApi(s, "X", handler=None)),  # type: ignore[arg-type]
    ("throttle.rate must be from 1 to 100000, got 0", lambda s, v: ReportApi(s, "X", handler=callers_function(s), throttle=Throttle(rate=0))),
    ("limits.max_attempts must be a whole number from 1 to 20, got '3'", lambda s, v: ReportService(s, "X", limits=ReportLimits(max_attempts="3"))),  # type: ignore[arg-type]
    ("limits.max_attempts must be a whole number from 1 to 20, got 2.5", lambda s, v: ReportService(s, "X", limits=ReportLimits(max_attempts=2.5))),  # type: ignore[arg-type]
    ("limits.dataset_days must be from 1 to 365, got 0", lambda s, v: ReportService(s, "X", limits=ReportLimits(dataset_days=0))),
    ("quotas.acme.queued_reports must be from 1 to 1000000000, got 0", lambda s, v: ReportService(s, "X", limits=ReportLimits(quotas={"acme": TenantQuota(queued_reports=0)}))),
    ("limits.result_days must be from 1 to 3650, got -1", lambda s, v: ReportService(s, "X", limits=ReportLimits(result_days=-1))),
    ("database must be MySqlDatabase or ReportDatabase, got 'db'", lambda s, v: ReportService(s, "X", database="db")),  # type: ignore[arg-type]
    ("database.port must be a text such as '3306', got 3306", lambda s, v: ReportService(s, "X", database=report_database(s, port=3306))),
    ("database.schema must be a name .*, got 'a-b'", lambda s, v: ReportService(s, "X", database=report_database(s, schema="a-b"))),
    ("database.reader_secret must be ISecret, got 'arn'", lambda s, v: ReportService(s, "X", database=report_database(s, reader_secret="arn"))),
    ("database.client_security_group must be ISecurityGroup, got 'sg-1'", lambda s, v: ReportService(s, "X", database=report_database(s, client_security_group="sg-1"))),
    ("shift must be ILambdaDeploymentConfig, got 'canary'", lambda s, v: ReportService(s, "X", shift="canary")),  # type: ignore[arg-type]
    ("source_schema must be a name .*, got 'a;b'", lambda s, v: ReportService(s, "X", source_schema="a;b")),
    ("default_locale must be a locale such as 'en', .*, got 'pt_BR'", lambda s, v: ReportService(s, "X", default_locale="pt_BR")),
    ("default_timezone must be an IANA time zone .*, got 'Mars/Olympus'", lambda s, v: ReportService(s, "X", default_timezone="Mars/Olympus")),
    ("limits.result_days must be at most the result_days of files, 3, got 7", lambda s, v: ReportService(s, "X", files=SignedDistribution(s, "F", result_days=3))),
    ("limits.dataset_days must be at most the dataset_days of files, 7, got 8", lambda s, v: ReportService(s, "X", files=SignedDistribution(s, "F"), limits=ReportLimits(dataset_days=8))),
    ("cors_origins are those of files where files are given", lambda s, v: ReportService(s, "X", files=SignedDistribution(s, "F"), cors_origins=["https://a"])),
    ("domain_name and certificate go together", lambda s, v: ReportService(s, "X", domain_name="a.example")),
    ("worker_memory must be from 128 to 10240, got 1", lambda s, v: ReportService(s, "X", worker_memory=1)),
    ("the broker's queues must include .*reports-bulk-0", lambda s, v: ReportService(s, "X", broker=ActiveMqBroker(s, "B", vpc=v, queues=["a"]))),
]  # fmt: skip
