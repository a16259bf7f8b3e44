"""The whole as one construct."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match

from api.settings import ApiSettings
from constructs_lib import PrivateNetwork, ReportDatabase, ReportService
from dead_letters.settings import DeadLetterSettings
from migrator.settings import MigratorSettings
from relay.settings import RelaySettings
from reporting.settings import Settings
from tests.constructs_lib.support import (
    ROOT,
    Json,
    as_list,
    functions,
    logical_id,
    new_stack,
    of_type,
    only,
    properties,
    statements,
    synthesized,
)
from worker.settings import WorkerSettings

MODELS: dict[str, type[Settings]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "relay": RelaySettings,
    "dead_letters": DeadLetterSettings,
    "migrator": MigratorSettings,
}
#: What takes no resource, and the CDK's own function that sets how long RDS's log groups are kept.
_ANYWHERE = ("ec2:", "xray:", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy")


def made(**options: Any) -> Json:
    stack = new_stack()
    ReportService(stack, "Reports", **options)
    return synthesized(stack)


def test_by_default_every_part_is_made_once(default_service: Json) -> None:
    for kind in (
        "AWS::EC2::VPC",
        "AWS::AmazonMQ::Broker",
        "AWS::RDS::DBInstance",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::CloudFront::Distribution",
        "AWS::Cognito::UserPool",
        "AWS::ApiGateway::RestApi",
    ):
        assert len(of_type(default_service, kind)) == 1
    assert functions(default_service).keys() == {*MODELS, "signing_key"}


@pytest.mark.parametrize("name", MODELS)
def test_a_functions_variables_are_settings_that_it_reads_and_none_is_missing(
    default_service: Json, name: str
) -> None:
    variables = {
        key
        for key in functions(default_service)[name]["Environment"]["Variables"]
        if not key.startswith("POWERTOOLS_")
    }
    fields = MODELS[name].model_fields
    assert variables <= {field.upper() for field in fields}
    assert {field.upper() for field, info in fields.items() if info.is_required()} <= variables


def test_the_migrator_runs_before_any_other_function_changes(default_service: Json) -> None:
    trigger = logical_id(default_service, "Custom::Trigger")
    waiting = {
        resource["Properties"]["Handler"].split(".")[0]
        for resource in of_type(default_service, "AWS::Lambda::Function").values()
        if trigger in resource.get("DependsOn", [])
    }
    assert waiting == {"api", "worker", "relay", "dead_letters"}
    assert properties(default_service, "Custom::Trigger")["InvocationType"] == "RequestResponse"


def test_no_statement_is_about_every_resource_but_where_aws_knows_no_other(default_service: Json) -> None:
    for key, statement in statements(default_service):
        if "*" in as_list(statement["Resource"]):
            assert all(a.startswith(_ANYWHERE) for a in as_list(statement["Action"])), key
        assert not any(action in ("*", "s3:*") for action in as_list(statement["Action"]))


def test_the_api_is_called_through_its_alias(default_service: Json) -> None:
    alias = logical_id(default_service, "AWS::Lambda::Alias")
    integrations = [
        str(method["Properties"]["Integration"]["Uri"])
        for method in of_type(default_service, "AWS::ApiGateway::Method").values()
    ]
    assert integrations
    assert all(alias in uri for uri in integrations)
    assert not of_type(default_service, "AWS::CodeDeploy::DeploymentGroup")


def test_a_shift_moves_the_alias_step_by_step_and_back_at_an_alarm() -> None:
    template = made(shift=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES)
    group = logical_id(template, "AWS::CodeDeploy::DeploymentGroup")
    policy = only(template, "AWS::Lambda::Alias")["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["DeploymentGroupName"] == {"Ref": group}
    alarms = template["Resources"][group]["Properties"]["AlarmConfiguration"]["Alarms"]
    assert alarms == [{"Name": {"Ref": logical_id(template, "AWS::CloudWatch::Alarm", "RollbackAlarm")}}]


def test_a_network_database_and_bucket_of_the_callers_are_used_and_none_is_made() -> None:
    stack = new_stack()
    vpc = PrivateNetwork(stack, "Own").vpc
    secret = secretsmanager.Secret.from_secret_complete_arn(
        stack, "S", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:own-AbCdEf"
    )
    ReportService(
        stack,
        "Reports",
        vpc=vpc,
        database=ReportDatabase(
            host="mysql.example.com",
            admin_secret=secret,
            application_secret=secret,
            reader_secret=secret,
            client_security_group=ec2.SecurityGroup.from_security_group_id(stack, "G", "sg-0123"),
        ),
        bucket=s3.Bucket(stack, "Files"),
    )
    template = synthesized(stack)
    assert not of_type(template, "AWS::RDS::DBInstance")
    assert len(of_type(template, "AWS::EC2::VPC")) == 1
    assert not [key for key in of_type(template, "AWS::S3::Bucket") if "Results" in key]
    for name, function in functions(template).items():
        if name != "signing_key":
            assert function["Environment"]["Variables"]["DATABASE_HOST"] == "mysql.example.com"
            assert "sg-0123" in function["VpcConfig"]["SecurityGroupIds"]


def test_a_bucket_with_a_key_of_the_callers_is_read_by_the_distribution_and_written_by_the_worker() -> None:
    """Case F07: everything in one stack, without a cycle."""
    stack = new_stack()
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(
        stack,
        "Own",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    )
    ReportService(stack, "Reports", bucket=bucket)
    template = synthesized(stack)
    edge = {"Service": "cloudfront.amazonaws.com"}

    (decrypt,) = granted(only(template, "AWS::KMS::Key")["Properties"]["KeyPolicy"], edge)
    assert decrypt["Action"] == "kms:Decrypt"
    # Of any distribution of the account: one of its own would be a cycle.
    (limit,) = decrypt["Condition"].values()
    assert ":distribution/*" in json.dumps(limit["AWS:SourceArn"])

    (policy,) = (
        found["Properties"]["PolicyDocument"]
        for found in of_type(template, "AWS::S3::BucketPolicy").values()
        if found["Properties"]["Bucket"] == {"Ref": logical_id(template, "AWS::S3::Bucket", "Own")}
    )
    (read,) = granted(policy, edge)
    assert read["Action"] == "s3:GetObject"
    distribution = logical_id(template, "AWS::CloudFront::Distribution")
    (limit,) = read["Condition"].values()
    assert distribution in json.dumps(limit["AWS:SourceArn"])
    assert not [
        s for s in policy["Statement"] if s["Effect"] == "Allow" and s["Principal"] in ("*", {"AWS": "*"})
    ]

    key_arn = {"Fn::GetAtt": [logical_id(template, "AWS::KMS::Key"), "Arn"]}
    used = {
        role: statement["Action"]
        for role, statement in statements(template)
        if statement["Resource"] == key_arn and statement["Effect"] == "Allow"
    }
    assert len(used) == 2, "the API keeps rows and lets datasets be uploaded, the worker stores files"
    assert all({"kms:Decrypt", "kms:GenerateDataKey"} == set(actions) for actions in used.values())


def granted(document: dict[str, Any], principal: dict[str, str]) -> list[dict[str, Any]]:
    return [s for s in document["Statement"] if s["Effect"] == "Allow" and s["Principal"] == principal]


def test_report_types_go_into_the_functions_that_read_them() -> None:
    stack = new_stack()
    service = ReportService(stack, "Reports", report_types=ROOT / "report_types")
    variables = functions(synthesized(stack))["worker"]["Environment"]["Variables"]
    assert variables["REPORT_TYPES_PATH"] == "/var/task/report_types"
    assert service.worker.node.path == "Stack/Reports/WorkerFunction"


def test_a_folder_of_report_types_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"folders\[report_types\] must be a folder, got .*nowhere"):
        ReportService(new_stack(), "Reports", report_types=tmp_path / "nowhere")


def test_a_network_without_endpoints_is_warned_about_and_one_with_them_is_not() -> None:
    warning = Match.string_like_regexp("vpc has isolated subnets only")
    bare, complete = new_stack(), new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        bare, "V", vpc_id="vpc-1", availability_zones=["a", "b"], isolated_subnet_ids=["subnet-1", "subnet-2"]
    )
    ReportService(bare, "Reports", vpc=vpc)
    ReportService(complete, "Reports", vpc=PrivateNetwork(complete, "Network").vpc)
    Annotations.from_stack(bare).has_warning("/Stack/Reports", warning)
    Annotations.from_stack(complete).has_no_warning("*", warning)
