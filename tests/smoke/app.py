"""The app of environment dev, changed as far as the emulator demands and no further.

``python -m tests.smoke.app SETTINGS``: SETTINGS is :class:`~tests.smoke.settings.SmokeSettings` as JSON.
"""

import json
import platform
import sys
from dataclasses import replace
from pathlib import Path

from stacks.node import use_packaged_node

use_packaged_node()

import aws_cdk as cdk  # noqa: E402 - after Node.js is chosen
import jsii  # noqa: E402
from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: E402
from aws_cdk import aws_ec2 as ec2  # noqa: E402
from aws_cdk import aws_iam as iam  # noqa: E402
from aws_cdk import aws_lambda as lambda_  # noqa: E402
from constructs import IConstruct  # noqa: E402

from constructs_lib import ReportLimits, runtime  # noqa: E402
from stacks.application import build_app  # noqa: E402
from stacks.environments import DEV  # noqa: E402
from tests.smoke.settings import SmokeSettings  # noqa: E402

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_STUB = "SmokeStub"
#: Nothing listens here: who calls what the emulator has no stand-in for is refused at once.
NOWHERE = "127.0.0.1:1"
_REACH_DATABASE = frozenset(
    f"{name}.handler.handler" for name in ("api", "worker", "relay", "dead_letters", "migrator")
)

_ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:smoke"
#: The emulator has alarms, but none on an expression.
_MATH_ALARM = "AWS::CloudWatch::Alarm with Metrics"


def build(settings: SmokeSettings) -> cdk.App:
    """The app, ready to be synthesized into ``settings.outdir``."""
    if platform.machine() in ("x86_64", "AMD64"):
        # The emulator runs functions on this machine's processor.
        runtime.ARCHITECTURE = lambda_.Architecture.X86_64
    app = build_app(
        environment=replace(DEV, limits=ReportLimits(max_attempts=settings.max_attempts)),
        outdir=settings.outdir,
        context=json.loads((_REPOSITORY / "cdk.json").read_text("utf-8"))["context"],
        checks=False,
    )
    for construct in app.node.find_all():
        if isinstance(construct, cdk.Stack):
            _add_stub(construct)
    cdk.Aspects.of(app).add(_ForEmulator(settings))
    return app


def _stubs(settings: SmokeSettings) -> dict[str, dict[str, object]]:
    """Attributes of the resources that the emulator lacks, by type; ``Ref`` is a name made up."""
    return {
        "AWS::AmazonMQ::Configuration": {"Revision": 1},
        "AWS::AmazonMQ::Broker": {
            "Arn": "arn:aws:mq:us-east-1:000000000000:broker:smoke:b-00000000-0000-0000-0000-000000000000",
            "StompEndpoints": [f"stomp+ssl://{NOWHERE}"],
        },
        "AWS::CloudFront::KeyGroup": {},
        "AWS::CloudFront::PublicKey": {},
        "AWS::CloudWatch::CompositeAlarm": {"Arn": _ALARM},
        _MATH_ALARM: {"Arn": _ALARM},
        "AWS::EC2::SecurityGroupEgress": {},
        "AWS::EC2::SecurityGroupIngress": {},
        # The emulator knows the type, but has neither a server nor the administrator's secret behind it.
        "AWS::RDS::DBInstance": {
            "Endpoint.Address": "127.0.0.1",
            "Endpoint.Port": str(settings.database_port),
            "MasterUserSecret.SecretArn": settings.admin_secret_arn,
        },
        # The CDK's own functions for these need parts of the SDK for Node.js that the emulator lacks.
        "Custom::LogRetention": {},
        "Custom::S3AutoDeleteObjects": {},
        "Custom::VpcRestrictDefaultSG": {},
    }


@jsii.implements(cdk.IAspect)
class _ForEmulator:
    """Turns what the emulator lacks into stubs, and puts addresses of this machine into functions."""

    def __init__(self, settings: SmokeSettings) -> None:
        self._stubs = _stubs(settings)
        self._variables = {
            "CACHE_ENDPOINT": NOWHERE,
            "DATABASE_CA_FILE": settings.authorities,
            "SOURCE_CA_FILE": settings.authorities,
            # A function starts in the folder of its bundle, which the emulator puts elsewhere.
            "REPORT_TYPES_PATH": "report_types",
        }

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.CfnFunction):
            self._readdress(node)
        if isinstance(node, ec2.CfnSecurityGroup):
            self._write_block(node)
        if not isinstance(node, cdk.CfnResource):
            return
        kind = node.cfn_resource_type
        if isinstance(node, cloudwatch.CfnAlarm) and node.metrics is not None:
            kind = _MATH_ALARM
        attributes = self._stubs.get(kind)
        if attributes is not None:
            stub = cdk.Stack.of(node).node.find_child(_STUB)
            assert isinstance(stub, lambda_.CfnFunction)
            node.add_override("Type", "Custom::Stub")
            node.add_property_override("ServiceToken", stub.attr_arn)
            node.add_property_override("StubAttributes", json.dumps(attributes))

    def _readdress(self, function: lambda_.CfnFunction) -> None:
        if str(function.handler) in _REACH_DATABASE:
            for name, value in self._variables.items():
                function.add_property_override(f"Environment.Variables.{name}", value)

    def _write_block(self, group: ec2.CfnSecurityGroup) -> None:
        # The emulator lacks the attribute CidrBlock of a VPC.
        rules = cdk.Stack.of(group).resolve(group.security_group_ingress) or []
        if any(isinstance(rule["cidrIp"], dict) for rule in rules if "cidrIp" in rule):
            group.add_property_override(
                "SecurityGroupIngress",
                [
                    {
                        "CidrIp": DEV.cidr,
                        "IpProtocol": rule["ipProtocol"],
                        "FromPort": rule["fromPort"],
                        "ToPort": rule["toPort"],
                    }
                    for rule in rules
                ],
            )


def _add_stub(stack: cdk.Stack) -> None:
    role = iam.CfnRole(
        stack,
        f"{_STUB}Role",
        assume_role_policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
    )
    lambda_.CfnFunction(
        stack,
        _STUB,
        code=lambda_.CfnFunction.CodeProperty(
            zip_file=Path(__file__).with_name("stub.py").read_text("utf-8")
        ),
        handler="index.handler",
        runtime=runtime.RUNTIME.name,
        role=role.attr_arn,
        timeout=60,
    )


if __name__ == "__main__":
    build(SmokeSettings(**json.loads(sys.argv[1]))).synth()
