"""The environments: everything that differs between them, and nothing else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_logs as logs

from constructs_lib import Lanes, ReportLimits, Throttle

RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}
SHIFTS = {
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    "linear": codedeploy.LambdaDeploymentConfig.LINEAR_10_PERCENT_EVERY_1_MINUTE,
}


class WrongSetting(ValueError):
    """A setting that comes from outside, of an environment or the context, is none that there is."""


class UnknownEnvironment(WrongSetting):
    """No environment, or one that is not there, was asked for."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A name of yours with the ARN of its certificate: of the stack's region for the API, of us-east-1 for
    files."""

    name: str
    certificate_arn: str


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment. Without ``account`` and ``region`` it goes wherever the CLI's credentials point."""

    name: str
    account: str | None = None
    region: str | None = None
    #: The letters of the two zones, where both are given: the CDK would look zones up, which takes
    #: credentials. Not every account has a and b in every region, as Tokyo's newer ones have no b.
    zones: Sequence[str] = ("a", "b")

    # Network
    cidr: str = "10.0.0.0/20"
    endpoint_zones: int = 1
    flow_logs: bool = False

    # Sizes
    multi_az: bool = False
    broker_instance: str = "mq.t3.micro"
    database_instance: str = "t4g.micro"
    database_storage_gb: int = 20
    database_proxy: bool = False
    database_monitoring: bool = False
    cache_node: str = "cache.t4g.micro"
    cache_replicas: int = 0
    worker_memory_mb: int = 1769
    api_memory_mb: int = 1024
    lanes: Lanes = field(default_factory=Lanes)

    # Behaviour
    limits: ReportLimits = field(default_factory=ReportLimits)
    source_schema: str = "reporting"
    default_locale: str = "en"
    default_timezone: str = "UTC"
    throttle: Throttle = field(default_factory=Throttle)
    firewall: bool = True
    shift: str | None = None
    snap_start: bool = False
    cors_origins: Sequence[str] = ()
    api_domain: Domain | None = None
    files_domain: Domain | None = None
    signing_keys: Sequence[str] = ("First",)

    # Keeping
    keep_data: bool = True
    backup_days: int = 7
    log_days: int = 30

    #: Who is told of alarms: an e-mail address, or nobody.
    alarm_email: str | None = None

    def __post_init__(self) -> None:
        """Raises :class:`WrongSetting` for what no construct looks at before it is used."""
        if self.log_days not in RETENTION:
            raise self._wrong("log_days", f"one of {', '.join(map(str, RETENTION))}", self.log_days)
        if self.shift is not None and self.shift not in SHIFTS:
            raise self._wrong("shift", f"None or one of {', '.join(SHIFTS)}", self.shift)
        # A number would lose the zeros that it begins with.
        digits = isinstance(self.account, str) and re.fullmatch(r"\d{12}", self.account)
        if self.account is not None and not digits:
            raise self._wrong("account", "a text of 12 digits", self.account)
        if isinstance(self.zones, str) or len(set(self.zones)) != len(self.zones) or len(self.zones) != 2:
            raise self._wrong("zones", "the letters of two zones", self.zones)

    def _wrong(self, name: str, allowed: str, got: object) -> WrongSetting:
        return WrongSetting(f"Environment {self.name}: {name} must be {allowed}, got {got!r}.")

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """What happens to data when its stack goes."""
        return cdk.RemovalPolicy.RETAIN if self.keep_data else cdk.RemovalPolicy.DESTROY

    @property
    def place(self) -> cdk.Environment:
        return cdk.Environment(account=self.account, region=self.region)


DEV = Environment(
    name="dev",
    source_schema="sample",
    keep_data=False,
    backup_days=1,
    log_days=7,
    firewall=False,
    throttle=Throttle(rate=50, burst=100),
)
STAGING = Environment(
    name="staging",
    flow_logs=True,
    cache_replicas=1,
    shift="canary",
    snap_start=True,
)
PROD = Environment(
    name="prod",
    endpoint_zones=2,
    flow_logs=True,
    multi_az=True,
    broker_instance="mq.m5.large",
    database_instance="m7g.large",
    database_storage_gb=100,
    database_monitoring=True,
    cache_node="cache.t4g.small",
    cache_replicas=1,
    lanes=Lanes(interactive=2, bulk=2),
    shift="linear",
    snap_start=True,
    backup_days=30,
    log_days=365,
)
ENVIRONMENTS = {environment.name: environment for environment in (DEV, STAGING, PROD)}


def environment_named(name: object) -> Environment:
    """The environment ``name``. Raises :class:`UnknownEnvironment`, which names the choices."""
    found = ENVIRONMENTS.get(name) if isinstance(name, str) else None
    if found is None:
        got = "got none" if name is None else f"got {name!r}"
        raise UnknownEnvironment(
            f"Say which environment: cdk deploy -c env=NAME, NAME one of {', '.join(ENVIRONMENTS)}; {got}."
        )
    return found
