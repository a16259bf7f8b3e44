"""Findings of the checks that stay, each with the reason why.

They are put on the smallest construct that covers them, so that the same finding elsewhere still fails the
synthesis. ``docs/deploying.md`` lists what each environment leaves out and what it would cost to have it.
"""

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct

from constructs_lib import PythonFunction, SigningKey
from stacks.environments import Environment
from stacks.stage import PrensaStage

_SOLUTIONS = "AwsSolutions::AwsSolutions-"
_SERVICE_ROLE = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role"
_NIST = "NIST.800.53.R5::NIST.800.53.R5-"

_NETWORK = {
    f"{_SOLUTIONS}EC23": (
        "The endpoints' groups let in the VPC's own block, an intrinsic that the rule can't read."
    ),
    f"{_NIST}EC2RestrictedSSH": (
        "The endpoints' groups open port 443 only, to the VPC's own block, an intrinsic that the rule "
        "can't read."
    ),
    f"{_NIST}EC2RestrictedCommonPorts": "As for SSH: port 443 only, to the VPC's own block.",
    f"{_NIST}CloudWatchLogGroupEncrypted": (
        "CloudWatch Logs encrypts at rest with its own key; flow logs hold addresses and ports and no "
        "content."
    ),
    f"{_NIST}IAMNoInlinePolicy": "The CDK gives each role a policy of its own, which no other can use.",
}
_DATA = {
    f"{_SOLUTIONS}RDS11": (
        "The port is no protection: only what carries the clients' security group reaches it."
    ),
    f"{_SOLUTIONS}SMG4": (
        "RDS rotates the administrator's password. The other users' passwords are rotated by the "
        "runbook, since the server has to learn them in the same step."
    ),
    f"{_SOLUTIONS}COG8": "No person signs in: threat protection of the plus plan looks at people's sign-ins.",
    f"{_SOLUTIONS}IAM4[{_SERVICE_ROLE}/AWSLambdaBasicExecutionRole]": (
        "The role of the CDK's own function that sets the retention of RDS's log groups."
    ),
    f"{_SOLUTIONS}IAM5[Resource::*]": (
        "RDS names its log groups when the instance is made: the CDK's own function that sets their "
        "retention can't be given their names."
    ),
    f"{_NIST}IAMNoInlinePolicy": "The CDK gives each role a policy of its own, which no other can use.",
    f"{_NIST}SecretsManagerRotationEnabled": "As for SMG4: rotated by the runbook.",
    f"{_NIST}SecretsManagerUsingKMSKey": (
        "The secrets are encrypted with the account's key for Secrets Manager; nobody outside the "
        "account is to read them."
    ),
    f"{_NIST}ElastiCacheRedisClusterAutomaticBackup": (
        "The cache holds copies of the database's rows for seconds; there is nothing to restore."
    ),
    f"{_NIST}RDSInBackupPlan": (
        "Automated backups with point-in-time recovery are kept for the environment's days; a plan of "
        "AWS Backup is the account's to make."
    ),
    f"{_NIST}RDSLoggingEnabled[LogExport::general]": (
        "The general log would hold every query with its values."
    ),
    f"{_NIST}RDSLoggingEnabled[LogExport::audit]": (
        "MySQL 8.4 on RDS has an audit log through an option group with the MariaDB plugin only; who "
        "called what is in the API's access log."
    ),
    f"{_SOLUTIONS}IAM4[{_SERVICE_ROLE}/AmazonRDSEnhancedMonitoringRole]": "RDS's monitoring has AWS's own.",
    "CloudFormation-Validate::E9006": (
        "RDS takes a major version and picks the minor one, which it upgrades itself: a patch number "
        "here would be a downgrade after the first such upgrade."
    ),
}
_MESSAGING = {
    f"{_SOLUTIONS}SMG4": "Amazon MQ takes a new password at a reboot only: rotation is a runbook.",
    f"{_NIST}SecretsManagerRotationEnabled": "As for SMG4: a reboot belongs to it.",
    f"{_NIST}SecretsManagerUsingKMSKey": (
        "The secrets are encrypted with the account's key for Secrets Manager."
    ),
}
_DELIVERY = {
    f"{_SOLUTIONS}CFR1": "Whoever may read a report gets a link; where they are is not Prensa's to judge.",
    f"{_SOLUTIONS}CFR2": (
        "Every request needs a signature that CloudFront itself verifies; there is no application "
        "behind it to attack."
    ),
    f"{_SOLUTIONS}CFR4": (
        "Without a domain of its own CloudFront's certificate decides; with `files_domain` TLS 1.2 is "
        "demanded."
    ),
    f"{_SOLUTIONS}SMG4": (
        "CloudFront's keys are rotated by adding a second one (docs/operations.md): links that were "
        "handed out must work on."
    ),
    f"{_SOLUTIONS}L1": "Python 3.13 is the version that every test runs on (constructs_lib/runtime.py).",
    f"{_SOLUTIONS}IAM4[{_SERVICE_ROLE}/AWSLambdaBasicExecutionRole]": (
        "The role of the CDK's provider framework."
    ),
    f"{_SOLUTIONS}IAM5[Resource::*]": "X-Ray takes no resource.",
    f"{_NIST}IAMNoInlinePolicy": "The CDK gives each role a policy of its own, which no other can use.",
    f"{_NIST}CloudWatchAlarmAction": "The composite alarm of the observability stack acts for them.",
    f"{_NIST}CloudWatchLogGroupEncrypted": (
        "CloudWatch Logs encrypts at rest with its own key; the log holds no key."
    ),
    f"{_NIST}LambdaConcurrency": "It runs at deployments only.",
    f"{_NIST}LambdaDLQ": "CloudFormation waits for its answer: a failure fails the deployment.",
    f"{_NIST}LambdaInsideVPC": (
        "It calls Secrets Manager and CloudFormation at deployments and holds no data."
    ),
    f"{_NIST}SecretsManagerRotationEnabled": "As for SMG4.",
    f"{_NIST}SecretsManagerUsingKMSKey": (
        "The secret is encrypted with the account's key for Secrets Manager."
    ),
    f"{_NIST}S3BucketReplicationEnabled": "Files can be made again from the database, which is backed up.",
    f"{_NIST}S3BucketVersioningEnabled": "A deleted file must be gone: no earlier version may outlive it.",
    f"{_NIST}S3DefaultEncryptionKMS": (
        "SSE-KMS with origin access control makes key and distribution depend on each other; SSE-S3 "
        "encrypts every object."
    ),
}
_PROXY = {
    f"{_NIST}EC2RestrictedSSH": (
        "The port is an attribute of the server, which the rule can't read: only the proxy is let in, on it."
    ),
    f"{_NIST}EC2RestrictedCommonPorts": "As for SSH: the server's port only, to the proxy only.",
}
_SERVICE = {
    f"{_SOLUTIONS}APIG2": (
        "The function validates bodies and names all problems at once, where API Gateway stops at the "
        "first. Parameters are validated."
    ),
    f"{_SOLUTIONS}APIG4": (
        "/openapi.json, /docs and /health say nothing of any tenant; every other method has the "
        "authorizer (tests/stacks/test_service.py)."
    ),
    f"{_SOLUTIONS}COG4": "As for APIG4.",
    f"{_SOLUTIONS}L1": "Python 3.13 is the version that every test runs on (constructs_lib/runtime.py).",
    f"{_SOLUTIONS}IAM4[{_SERVICE_ROLE}/AmazonAPIGatewayPushToCloudWatchLogs]": (
        "The account's role for API Gateway's logs is made by AWS's own policy."
    ),
    f"{_SOLUTIONS}IAM4[{_SERVICE_ROLE}/AWSCodeDeployRoleForLambdaLimited]": (
        "CodeDeploy's role is made by AWS's own policy."
    ),
    f"{_SOLUTIONS}IAM5[Resource::*]": "X-Ray and the network interfaces of Lambda take no resource.",
    f"{_NIST}APIGWCacheEnabledAndEncrypted": (
        "Answers differ by caller and change by the second: none is cached."
    ),
    f"{_NIST}APIGWSSLEnabled": (
        "The backend is Lambda, which is called with IAM; there is no server that could ask for a "
        "client certificate."
    ),
    f"{_NIST}CloudWatchAlarmAction": (
        "The composite alarm of the observability stack acts for the functions' own alarms, CodeDeploy "
        "for the rollback alarm."
    ),
    f"{_NIST}CloudWatchLogGroupEncrypted": (
        "CloudWatch Logs encrypts at rest with its own key; the logs hold ids and no rows and no secrets."
    ),
    f"{_NIST}IAMNoInlinePolicy": "The CDK gives each role a policy of its own, which no other can use.",
    f"{_NIST}LambdaConcurrency": (
        "The mappings bound the workers; a limit on the API would answer 500 where its throttling "
        "answers 429."
    ),
    f"{_NIST}LambdaDLQ": (
        "Nothing calls them asynchronously but the schedule, whose next call does what the last one did not."
    ),
}
_OBSERVABILITY = {
    f"{_NIST}CloudWatchAlarmAction": (
        "Missing data is judged by each alarm itself and acts as its state says."
    ),
}


def acknowledge(stage: PrensaStage, environment: Environment) -> None:
    """Put the reasons on the constructs that they are about."""
    _put(stage.network, _NETWORK)
    _put(stage.data, _DATA)
    _put(stage.messaging, _MESSAGING)
    _put(stage.delivery, _DELIVERY)
    for key in stage.delivery.files.node.children:
        if isinstance(key, SigningKey):
            _put(key, _maker(key))
    _put(stage.service, _SERVICE | _objects(stage))
    _put(stage.observability, _OBSERVABILITY)
    if environment.database_proxy:
        _put(stage.data.database, _PROXY)
    if not environment.multi_az:
        _put(
            stage.data.database,
            {f"{_SOLUTIONS}RDS3": f"{environment.name} has one zone: a lost zone is an outage."},
        )
    if not environment.keep_data:
        _put(
            stage.data.database,
            {f"{_SOLUTIONS}RDS10": f"{environment.name} is made to be thrown away with its data."},
        )
    if environment.cache_replicas == 0:
        _put(stage.data.cache, {f"{_SOLUTIONS}AEC4": "Without its cache every call works from the database."})
    if not environment.firewall:
        _put(
            stage.service,
            {f"{_SOLUTIONS}APIG3": f"{environment.name} has no users; a web ACL costs 9 USD a month."},
        )
    if not environment.flow_logs:
        _put(
            stage.network,
            {f"{_SOLUTIONS}VPC7": f"{environment.name} keeps no record of connections, for its price."},
        )


def _objects(stage: PrensaStage) -> dict[str, str]:
    """The ids of the findings over objects hold a reference, spelled as the template has it."""
    output = "PublishOutputFnGetAttFilesResultsB0854136Arn6F6F7162"
    delivery = stage.delivery
    region = '{"Ref":"AWS::Region"}' if cdk.Token.is_unresolved(delivery.region) else f'"{delivery.region}"'
    reference = (
        f'{{"Fn::GetStackOutput":{{"StackName":"{delivery.stack_name}","Region":{region},'
        f'"OutputName":"{output}"}}}}'
    )
    return {
        f"{_SOLUTIONS}IAM5[Resource::{reference}/{prefix}/*]": "Objects are named by report: a function "
        "may touch those of the prefix that it works with."
        for prefix in ("datasets", "inputs", "results")
    }


def _maker(key: SigningKey) -> dict[str, str]:
    """The id of the finding over a key's provider holds the function that it calls."""
    maker = key.node.find_child("Maker")
    if not isinstance(maker, PythonFunction) or not isinstance(
        function := maker.function.node.default_child, cdk.CfnElement
    ):
        raise AssertionError("a signing key has its maker")
    name = cdk.Stack.of(key).get_logical_id(function)
    return {
        f"{_SOLUTIONS}IAM5[Resource::<{name}.Arn>:*]": (
            "The CDK's provider framework calls one function, in any of its versions."
        )
    }


def _put(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    validations = cdk.Validations.of(construct)
    for finding, reason in reasons.items():
        validations.acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
