"""What runs: functions, API, mappings, schedule. Nothing here holds state: it can be made anew."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from constructs_lib import ActiveMqBroker, MySqlDatabase, ReportService, SignedDistribution, StatusCache
from stacks.environments import RETENTION, SHIFTS, Environment
from stacks.stack import PrensaStack

REPORT_TYPES = Path(__file__).resolve().parent.parent / "report_types"


class ServiceStack(PrensaStack):
    """Prensa itself, on the parts of the other stacks."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        vpc: ec2.IVpc,
        broker: ActiveMqBroker,
        database: MySqlDatabase,
        cache: StatusCache,
        files: SignedDistribution,
        user_pool: cognito.IUserPool,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment)
        domain = environment.api_domain
        self.service = ReportService(
            self,
            "Reports",
            vpc=vpc,
            broker=broker,
            database=database,
            cache=cache,
            files=files,
            user_pool=user_pool,
            report_types=REPORT_TYPES,
            source_schema=environment.source_schema,
            lanes=environment.lanes,
            limits=environment.limits,
            default_locale=environment.default_locale,
            default_timezone=environment.default_timezone,
            worker_memory=environment.worker_memory_mb,
            api_memory=environment.api_memory_mb,
            throttle=environment.throttle,
            firewall=environment.firewall,
            shift=SHIFTS[environment.shift] if environment.shift is not None else None,
            snap_start=environment.snap_start,
            domain_name=domain.name if domain else None,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
            if domain
            else None,
            log_retention=RETENTION[environment.log_days],
        )
        cdk.CfnOutput(self, "Url", value=self.service.url, description="The address of the API")
