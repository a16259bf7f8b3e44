"""A Lambda function in Python with what each one needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import BundlingOptions, DockerImage, Duration, ILocalBundling, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from constructs_lib import runtime
from constructs_lib.code import BundlingFailed, PythonCode
from constructs_lib.network import private_subnets
from constructs_lib.props import Checks

#: Names and values of all variables: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_ENVIRONMENT_BYTES = 4096
_PLACEHOLDER = Path(__file__).parent / "placeholder"
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_NETWORK_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class PythonFunction(Construct):
    """A Python function on arm64: bundled with uv, JSON logs, traced, alarmed, with least privilege.

    The bundle holds what the handler imports and nothing else; its asset hash is made of the lock, the
    sources, the architecture and the runtime. It is made only for stacks that are selected: `cdk ls` and
    a diff of another stack cost nothing, and get another asset key, so that a function without its code
    can never take the place of the real one.

    ``memory_size`` is in MB, 128 to 10,240; ``timeout`` at most 900 s. With ``vpc`` the function runs in its
    private or isolated subnets with ``security_groups``. ``snap_start`` needs an alias or a version to call.

    Example::

        PythonFunction(
            stack,
            "Worker",
            code=PythonCode(
                sources=Path("lambdas"),
                handler="worker.handler.handler",
                requirements=Path("requirements/worker.txt"),
            ),
        )
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: PythonCode,
        environment: Mapping[str, str] | None = None,
        memory_size: int = 512,
        timeout: Duration | None = None,
        vpc: ec2.IVpc | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        snap_start: bool = False,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        description: str | None = None,
    ) -> None:
        check = Checks(scope, construct_id)
        check.instance("code", code, PythonCode)
        check.number("memory_size", memory_size, low=128, high=10_240)
        timeout = timeout or Duration.seconds(30)
        if timeout.is_unresolved():
            # An alarm is set at a part of it.
            raise check.refusal("timeout must be known at synthesis, got a token.")
        check.number("timeout", timeout.to_seconds(integral=False), low=1, high=900)
        if vpc is not None:
            check.interface("vpc", vpc, "IVpc", "private_subnets")
        _check_environment(check, environment or {})
        if security_groups and vpc is None:
            raise check.refusal("security_groups need a vpc.")
        super().__init__(scope, construct_id)

        #: In MB.
        self.memory_size = memory_size
        self.log_group = logs.LogGroup(self, "Logs", retention=log_retention, removal_policy=removal_policy)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Network": _network_policy()} if vpc is not None else None,
        )
        self.log_group.grant_write(self.role)
        self.function = self._function(
            code,
            environment=dict(environment or {}),
            memory_size=memory_size,
            timeout=timeout,
            vpc=vpc,
            vpc_subnets=private_subnets(vpc) if vpc is not None else None,
            security_groups=list(security_groups) or None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            description=description,
        )
        self.alarms = [
            self._alarm(
                "Errors",
                self.function.metric_errors(period=Duration.minutes(5)),
                threshold=1,
                description="The function ended with an error, a time-out or a crash.",
            ),
            self._alarm(
                "Throttles",
                self.function.metric_throttles(period=Duration.minutes(5)),
                threshold=1,
                description="Calls were refused: the account's or the function's concurrency is used up.",
            ),
            self._alarm(
                "Duration",
                self.function.metric_duration(period=Duration.minutes(5), statistic="Maximum"),
                threshold=0.9 * timeout.to_milliseconds(),
                description="A call took more than 90 % of the time-out.",
            ),
        ]

    @property
    def connections(self) -> ec2.Connections:
        return self.function.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        return self.role

    def metric_errors(self, **options: Any) -> cloudwatch.Metric:
        return self.function.metric_errors(**options)

    def metric_duration(self, **options: Any) -> cloudwatch.Metric:
        return self.function.metric_duration(**options)

    def _function(self, code: PythonCode, **options: Any) -> lambda_.Function:
        fingerprint = code.fingerprint(runtime.ARCHITECTURE.name)
        local = _LocalBundling(code)
        if Stack.of(self).bundling_required:
            asset = lambda_.Code.from_asset(
                str(code.sources),
                asset_hash=fingerprint,
                bundling=BundlingOptions(image=DockerImage.from_registry("scratch"), local=local),
            )
        else:
            asset = lambda_.Code.from_asset(str(_PLACEHOLDER), asset_hash=f"unbundled {fingerprint}")
        try:
            return lambda_.Function(
                self,
                "Function",
                code=asset,
                handler=code.handler,
                runtime=runtime.RUNTIME,
                architecture=runtime.ARCHITECTURE,
                role=self.role,
                log_group=self.log_group,
                logging_format=lambda_.LoggingFormat.JSON,
                application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
                system_log_level_v2=lambda_.SystemLogLevel.WARN,
                tracing=lambda_.Tracing.ACTIVE,
                **options,
            )
        except RuntimeError:
            # jsii wraps what the bundling said in a stack trace of Node.
            if local.failure is not None:
                raise local.failure from None
            raise

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, *, threshold: float, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            f"{name}Alarm",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )


@jsii.implements(ILocalBundling)
class _LocalBundling:
    """Bundles in this process; a failure is kept, since jsii would wrap it."""

    def __init__(self, code: PythonCode) -> None:
        self._code = code
        self.failure: BundlingFailed | None = None

    def try_bundle(self, output_dir: str, *, image: DockerImage | None = None, **_: Any) -> bool:  # noqa: ARG002
        try:
            self._code.bundle(Path(output_dir), runtime.ARCHITECTURE.name)
        except BundlingFailed as error:
            self.failure = error
            raise
        return True


def _check_environment(check: Checks, environment: Mapping[str, str]) -> None:
    """Variables are texts that fit, as far as they are known. Raises ``TypeError`` or ``ValueError``."""
    sizes = {}
    for name, value in environment.items():
        check.instance(f"environment.{name}", value, str)
        sizes[name] = len(name) + (0 if Token.is_unresolved(value) else len(value.encode()))
    if sum(sizes.values()) > _ENVIRONMENT_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        raise check.refusal(
            f"environment must have at most {_ENVIRONMENT_BYTES} bytes, got {sum(sizes.values())} and more "
            f"at deployment; {largest} has {sizes[largest]}."
        )


def _network_policy() -> iam.PolicyDocument:
    # These actions take no resource: Lambda makes the interfaces in subnets that only it chooses.
    return iam.PolicyDocument(statements=[iam.PolicyStatement(actions=_NETWORK_ACTIONS, resources=["*"])])
