"""Deliberate faults: each breaks one thing in a copy of prod's templates, and names the check that sees it.

Most are mistakes that pass a synthesis and fail, or do harm, at a deployment.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stacks.assembly import Assembly, Resource, statements

#: Stands for cfn-lint in the column of who sees a fault.
CFN_LINT = "cfn-lint"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``apply`` changes an assembly; ``seen_by`` is the name of a check, or :data:`CFN_LINT`."""

    what: str
    seen_by: str
    apply: Callable[[Assembly], object]


def _one(assembly: Assembly, kind: str, word: str = "") -> tuple[str, Resource]:
    """The first resource of a kind whose logical id or properties have ``word``."""
    for _, logical_id, resource in assembly.resources(kind):
        if word in logical_id or word in json.dumps(resource):
            return logical_id, resource
    raise LookupError(f"no {kind} with {word!r}")


def _set(kind: str, path: str, value: Any, word: str = "") -> Callable[[Assembly], object]:
    """Set a property, or delete it when ``value`` is None."""

    def apply(assembly: Assembly) -> None:
        at: Any = _one(assembly, kind, word)[1]["Properties"]
        *steps, last = path.split(".")
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return apply


def _drop(kind: str, word: str = "") -> Callable[[Assembly], object]:
    """Delete a resource."""

    def apply(assembly: Assembly) -> None:
        logical_id, _ = _one(assembly, kind, word)
        for template in assembly.templates.values():
            template["Resources"].pop(logical_id, None)

    return apply


def _variable(function: str, name: str, value: Any) -> Callable[[Assembly], object]:
    def apply(assembly: Assembly) -> None:
        variables = assembly.functions()[function][1]["Properties"]["Environment"]["Variables"]
        if value is None:
            del variables[name]
        else:
            variables[name] = value

    return apply


def _deny(function: str, action: str) -> Callable[[Assembly], object]:
    """Take an action from every statement of a function's role."""

    def apply(assembly: Assembly) -> None:
        role = assembly.functions()[function][1]["Properties"]["Role"]["Fn::GetAtt"][0]
        documents = [
            p["PolicyDocument"]
            for p in assembly.properties("AWS::IAM::Policy")
            if {"Ref": role} in p["Roles"]
        ] + [
            policy["PolicyDocument"]
            for _, logical_id, r in assembly.resources("AWS::IAM::Role")
            if logical_id == role
            for policy in r["Properties"].get("Policies", [])
        ]
        for document in documents:
            for actions, _, statement in statements(document):
                statement["Action"] = [name for name in actions if name != action]  # type: ignore[index]

    return apply


def _allow(action: str, resource: Any) -> Callable[[Assembly], object]:
    def apply(assembly: Assembly) -> None:
        document = _one(assembly, "AWS::IAM::Policy", "ApiFunctionRole")[1]["Properties"]["PolicyDocument"]
        document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})

    return apply


def _three_subnets(assembly: Assembly) -> None:
    properties = assembly.one("AWS::AmazonMQ::Broker")
    properties["SubnetIds"] = [*properties["SubnetIds"], "subnet-3"]


def _rule_twice(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        for logical_id, resource in list(template["Resources"].items()):
            if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
                template["Resources"][f"{logical_id}Again"] = resource


def _swap_handlers(assembly: Assembly) -> None:
    functions = assembly.functions()
    worker, relay = functions["worker"][1]["Properties"], functions["relay"][1]["Properties"]
    worker["Handler"], relay["Handler"] = relay["Handler"], worker["Handler"]


def _swap_consumers(assembly: Assembly) -> None:
    first, second = assembly.properties("AWS::Lambda::EventSourceMapping")[:2]
    first["FunctionName"], second["FunctionName"] = second["FunctionName"], first["FunctionName"]


def _lose_dependency(kind: str, word: str = "") -> Callable[[Assembly], object]:
    return lambda assembly: _one(assembly, kind, word)[1].pop("DependsOn")


def _lose_order_of_migration(assembly: Assembly) -> None:
    assembly.functions()["worker"][1].pop("DependsOn")


def _delete_with_stack(assembly: Assembly) -> None:
    _one(assembly, "AWS::RDS::DBInstance")[1]["DeletionPolicy"] = "Delete"


def _in_xml(old: str, new: str) -> Callable[[Assembly], object]:
    def apply(assembly: Assembly) -> None:
        data = assembly.one("AWS::AmazonMQ::Configuration")["Data"]
        if old not in data["Fn::Base64"]:
            raise LookupError(old)
        data["Fn::Base64"] = data["Fn::Base64"].replace(old, new, 1)

    return apply


def _lose_lifecycle(assembly: Assembly) -> None:
    rules = _one(assembly, "AWS::S3::Bucket", "FilesResults")[1]["Properties"]["LifecycleConfiguration"][
        "Rules"
    ]
    rules[:] = [rule for rule in rules if rule["Id"] != "UnfinishedUploads"]


def _export(assembly: Assembly) -> None:
    output = next(iter(assembly.templates["Data"]["Outputs"].values()))
    output["Export"] = {"Name": "Prensa"}


def _lose_output(assembly: Assembly) -> None:
    outputs = assembly.templates["Network"]["Outputs"]
    del outputs[next(iter(outputs))]


def _lose_tags(assembly: Assembly) -> None:
    del assembly.one("AWS::RDS::DBInstance")["Tags"]


def _alarm_dimension(assembly: Assembly) -> None:
    alarm = _one(assembly, "AWS::CloudWatch::Alarm", "BrokerStore")[1]["Properties"]
    for query in alarm["Metrics"]:
        if "MetricStat" in query:
            query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = {"Ref": "Broker9AB50882"}


def _broker_logs_without_policy(assembly: Assembly) -> None:
    _drop("AWS::Logs::ResourcePolicy")(assembly)
    _one(assembly, "AWS::AmazonMQ::Broker")[1].pop("DependsOn", None)


_MAPPING = "AWS::Lambda::EventSourceMapping"
_ALARM = "AWS::CloudWatch::Alarm"
_GROUP_IN, _GROUP_OUT = "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"
_DISTRIBUTION = "AWS::CloudFront::Distribution"
_BEHAVIOUR = "DistributionConfig.DefaultCacheBehavior"
_METHOD = "AWS::ApiGateway::Method"

FAULTS = (
    Fault(what="a patch number in the broker's version", seen_by="broker",
          apply=_set("AWS::AmazonMQ::Broker", "EngineVersion", "5.19.1")),
    Fault(what="no minor upgrades of the broker", seen_by="broker",
          apply=_set("AWS::AmazonMQ::Broker", "AutoMinorVersionUpgrade", value=False)),
    Fault(what="a public broker", seen_by="broker",
          apply=_set("AWS::AmazonMQ::Broker", "PubliclyAccessible", value=True)),
    Fault(what="a third subnet for the broker", seen_by="broker",
          apply=_three_subnets),
    Fault(what="no log policy for Amazon MQ", seen_by="broker",
          apply=_broker_logs_without_policy),
    Fault(what="no scheduler in the broker", seen_by="broker",
          apply=_in_xml('schedulerSupport="true"', 'schedulerSupport="false"')),
    Fault(what="no right to a dead letter queue", seen_by="queues",
          apply=_in_xml("DLQ.reports-bulk-0", "DLQ.reports-bulk")),
    Fault(what="a queue of the mapping misspelled", seen_by="queues",
          apply=_set(_MAPPING, "Queues", ["reports-interactive"], "reports-interactive-0")),
    Fault(what="a mapping lost", seen_by="queues",
          apply=_drop(_MAPPING, "DLQ.reports-bulk-1")),
    Fault(what="a batch of 100", seen_by="mappings",
          apply=_set(_MAPPING, "BatchSize", 100)),
    Fault(what="a mapping without its dependency", seen_by="mappings",
          apply=_lose_dependency(_MAPPING)),
    Fault(what="worker and dead letter function swapped", seen_by="mappings",
          apply=_swap_consumers),
    Fault(what="a mapping without a secret", seen_by="mappings",
          apply=_set(_MAPPING, "SourceAccessConfigurations", None)),
    Fault(what="a dropped rule: mappings to the broker", seen_by="broker_rules",
          apply=_drop(_GROUP_IN, "Event source mappings")),
    Fault(what="a dropped rule: broker to its mappings", seen_by="broker_rules",
          apply=_drop(_GROUP_OUT, "Event source mappings")),
    Fault(what="a dropped rule: clients to the broker", seen_by="broker_rules",
          apply=_drop(_GROUP_IN, "STOMP clients")),
    Fault(what="a duplicate rule", seen_by="rules_are_unique",
          apply=_rule_twice),
    Fault(what="a database open to the world", seen_by="nothing_is_open",
          apply=_set("AWS::EC2::SecurityGroup", "SecurityGroupIngress",
                     [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}],
                     "The database")),
    Fault(what="a missing endpoint: Secrets Manager", seen_by="endpoints",
          apply=_drop("AWS::EC2::VPCEndpoint", "secretsmanager")),
    Fault(what="a missing endpoint: S3", seen_by="endpoints",
          apply=_drop("AWS::EC2::VPCEndpoint", ".s3")),
    Fault(what="an alarm on the wrong dimension", seen_by="alarms",
          apply=_alarm_dimension),
    Fault(what="an alarm on a metric that nobody emits", seen_by="alarms",
          apply=_set(_ALARM, "MetricName", "ReportFailures", "ReportsFailed")),
    Fault(what="an alarm that tells nobody", seen_by="alarms",
          apply=_set(_ALARM, "AlarmActions", None, "OldestReportWaiting")),
    Fault(what="an alarm without a runbook", seen_by="alarms",
          apply=_set(_ALARM, "AlarmDescription", "Too many.", "DeadLettersLeft")),
    Fault(what="a swapped handler", seen_by="handlers",
          apply=_swap_handlers),
    Fault(what="a handler that does not exist", seen_by="handlers",
          apply=_set("AWS::Lambda::Function", "Handler", "relay.main.handler", "relay.handler")),
    Fault(what="another architecture than the bundle's", seen_by="handlers",
          apply=_set("AWS::Lambda::Function", "Architectures", ["x86_64"], "worker.handler")),
    Fault(what="logs without a retention", seen_by="functions_are_observed",
          apply=_set("AWS::Logs::LogGroup", "RetentionInDays", None, "WorkerFunctionLogs")),
    Fault(what="a worker that may take longer than a mapping waits", seen_by="timeouts",
          apply=_set("AWS::Lambda::Function", "Timeout", 900, "worker.handler")),
    Fault(what="a dropped environment key", seen_by="settings_match",
          apply=_variable("relay", "RESULTS_BUCKET", None)),
    Fault(what="an environment key that nobody reads", seen_by="settings_match",
          apply=_variable("worker", "LEASE_SECOND", "60")),
    Fault(what="a setting that the function refuses", seen_by="literal_settings_are_valid",
          apply=_variable("worker", "LEASE_SECONDS", "3")),
    Fault(what="a missing permission: a secret", seen_by="secrets_can_be_read",
          apply=_deny("api", "secretsmanager:GetSecretValue")),
    Fault(what="a missing permission: network interfaces", seen_by="network_permissions",
          apply=_deny("relay", "ec2:CreateNetworkInterface")),
    Fault(what="a missing permission: the mapping's broker", seen_by="network_permissions",
          apply=_deny("worker", "mq:DescribeBroker")),
    Fault(what="a permission on everything", seen_by="permissions_are_bound",
          apply=_allow("s3:GetObject", "*")),
    Fault(what="all actions of a service", seen_by="permissions_are_bound",
          apply=_allow("s3:*", "arn:aws:s3:::bucket/results/*")),
    Fault(what="a broker password in the template", seen_by="no_secrets",
          apply=_set("AWS::AmazonMQ::Broker", "Users.0.Password", "correct-horse-battery")),
    Fault(what="a password in a variable", seen_by="no_secrets",
          apply=_variable("api", "DATABASE_HOST", "mysql://prensa:password=letmein123@host")),
    Fault(what="a database without TLS", seen_by="database",
          apply=_set("AWS::RDS::DBParameterGroup", "Parameters.require_secure_transport", None)),
    Fault(what="a database that is not encrypted", seen_by="database",
          apply=_set("AWS::RDS::DBInstance", "StorageEncrypted", value=False)),
    Fault(what="a database that goes with its stack", seen_by="data_is_kept",
          apply=_delete_with_stack),
    Fault(what="a cache without TLS", seen_by="cache",
          apply=_set("AWS::ElastiCache::ReplicationGroup", "TransitEncryptionEnabled", value=False)),
    Fault(what="a public bucket", seen_by="buckets",
          apply=_set("AWS::S3::Bucket", "PublicAccessBlockConfiguration", None, "FilesResults")),
    Fault(what="a bucket without TLS only", seen_by="buckets",
          apply=_drop("AWS::S3::BucketPolicy", "FilesResults")),
    Fault(what="unfinished uploads that stay for ever", seen_by="buckets",
          apply=_lose_lifecycle),
    Fault(what="files without a signature", seen_by="files",
          apply=_set(_DISTRIBUTION, f"{_BEHAVIOUR}.TrustedKeyGroups", None)),
    Fault(what="files over plain HTTP", seen_by="files",
          apply=_set(_DISTRIBUTION, f"{_BEHAVIOUR}.ViewerProtocolPolicy", "allow-all")),
    Fault(what="no origin access control", seen_by="files",
          apply=_set(_DISTRIBUTION, "DistributionConfig.Origins.0.OriginAccessControlId", None)),
    Fault(what="refusals kept at the edge", seen_by="files",
          apply=_set(_DISTRIBUTION, "DistributionConfig.CustomErrorResponses", None)),
    Fault(what="a route without an authorizer", seen_by="routes",
          apply=_set(_METHOD, "AuthorizationType", "NONE", "reports/write")),
    Fault(what="a route with another scope", seen_by="routes",
          apply=_set(_METHOD, "AuthorizationScopes", ["reports/read"], "reports/write")),
    Fault(what="a route lost", seen_by="routes",
          apply=_drop(_METHOD, "docsGET")),
    Fault(what="bodies decoded as text", seen_by="api",
          apply=_set("AWS::ApiGateway::RestApi", "BinaryMediaTypes", None)),
    Fault(what="bodies larger than Lambda takes", seen_by="api",
          apply=_variable("api", "MAX_BODY_BYTES", "5500000")),
    Fault(what="API Gateway may not call the function", seen_by="api",
          apply=_drop("AWS::Lambda::Permission", "apigateway")),
    Fault(what="no firewall", seen_by="api",
          apply=_drop("AWS::WAFv2::WebACLAssociation")),
    Fault(what="functions that change before the tables", seen_by="migrations_come_first",
          apply=_lose_order_of_migration),
    Fault(what="a deployment that does not wait for the migrator", seen_by="migrations_come_first",
          apply=_set("Custom::Trigger", "InvocationType", "Event")),
    Fault(what="a relay that is not called", seen_by="schedule",
          apply=_set("AWS::Events::Rule", "State", "DISABLED")),
    Fault(what="an export", seen_by="no_locks_between_stacks",
          apply=_export),
    Fault(what="an output that another stack reads lost", seen_by="references_exist",
          apply=_lose_output),
    Fault(what="a token in a name", seen_by="no_tokens",
          apply=_set(_ALARM, "AlarmName", "TOKEN1759-errors")),
    Fault(what="no tags", seen_by="tags",
          apply=_lose_tags),
    Fault(what="a block of addresses that is none", seen_by=CFN_LINT,
          apply=_set("AWS::EC2::VPC", "CidrBlock", "10.0.0.0/99")),
    Fault(what="an action that IAM does not know", seen_by=CFN_LINT,
          apply=_allow("s3:FetchObject", "arn:aws:s3:::bucket/results/*")),
    Fault(what="a reference to nothing", seen_by=CFN_LINT,
          apply=_set(_MAPPING, "FunctionName", {"Ref": "Nobody"}, "reports-bulk-0")),
    Fault(what="a property that the type does not have", seen_by=CFN_LINT,
          apply=_set("AWS::RDS::DBInstance", "MultiAz", value=True)),
)  # fmt: skip
