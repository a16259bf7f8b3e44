"""Event source mappings of Amazon MQ."""

import pytest
from aws_cdk import Duration

from constructs_lib import ActiveMqBroker, ActiveMqQueueConsumer, PrivateNetwork
from tests.constructs_lib.support import (
    Json,
    as_list,
    logical_id,
    new_stack,
    of_type,
    python_function,
    statements,
    synthesized,
)

MAPPING = "AWS::Lambda::EventSourceMapping"


@pytest.fixture(scope="module")
def consumer() -> Json:
    stack = new_stack()
    vpc = PrivateNetwork(stack, "Network").vpc
    ActiveMqQueueConsumer(
        stack,
        "Consumer",
        broker=ActiveMqBroker(stack, "Broker", vpc=vpc, queues=["reports"]),
        queue="reports",
        function=python_function(stack, "Worker", vpc=vpc),
        dead_letters=python_function(stack, "DeadLetters", vpc=vpc),
    )
    return synthesized(stack)


def mapping(template: Json, queue: str) -> Json:
    (found,) = (m for m in of_type(template, MAPPING).values() if m["Properties"]["Queues"] == [queue])
    resource: Json = found
    return resource


@pytest.mark.parametrize("queue", ["reports", "DLQ.reports"])
def test_a_mapping_hands_over_one_message_at_a_time_without_waiting(consumer: Json, queue: str) -> None:
    settings = mapping(consumer, queue)["Properties"]
    assert settings["BatchSize"] == 1
    assert settings["MaximumBatchingWindowInSeconds"] == 0
    assert settings["Queues"] == [queue]


@pytest.mark.parametrize("queue", ["reports", "DLQ.reports"])
def test_a_mapping_signs_in_with_the_consumers_secret(consumer: Json, queue: str) -> None:
    secret = logical_id(consumer, "AWS::SecretsManager::Secret", "ConsumerSecret")
    assert mapping(consumer, queue)["Properties"]["SourceAccessConfigurations"] == [
        {"Type": "BASIC_AUTH", "URI": {"Ref": secret}}
    ]


@pytest.mark.parametrize(("queue", "function"), [("reports", "Worker"), ("DLQ.reports", "DeadLetters")])
def test_a_mapping_comes_after_the_role_and_its_policy_and_goes_before_them(
    consumer: Json, queue: str, function: str
) -> None:
    roles = {key for key in of_type(consumer, "AWS::IAM::Role") if key.startswith(f"{function}Role")}
    policies = {key for key in of_type(consumer, "AWS::IAM::Policy") if key.startswith(f"{function}Role")}
    assert len(roles) == len(policies) == 1
    assert roles | policies <= set(mapping(consumer, queue)["DependsOn"])


def test_the_mapping_gives_its_function_exactly_what_the_service_documents(consumer: Json) -> None:
    role = logical_id(consumer, "AWS::IAM::Role", "WorkerRole")
    inline = {a for key, s in statements(consumer, role=role) if key == role for a in as_list(s["Action"])}
    broad, narrow = set(), {}
    for key, statement in statements(consumer, role=role):
        if key == role:
            continue
        for action in as_list(statement["Action"]):
            if statement["Resource"] == "*":
                broad.add(action)
            else:
                narrow[action] = statement["Resource"]
    assert broad == {
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeVpcs",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }
    assert all(action.startswith("ec2:") for action in inline)
    assert narrow.keys() == {
        "mq:DescribeBroker",
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    assert narrow["mq:DescribeBroker"] == {
        "Fn::GetAtt": [logical_id(consumer, "AWS::AmazonMQ::Broker"), "Arn"]
    }
    assert narrow["secretsmanager:GetSecretValue"] == {
        "Ref": logical_id(consumer, "AWS::SecretsManager::Secret", "ConsumerSecret")
    }


def test_dead_letters_and_a_queue_without_consumer_raise_alarms(consumer: Json) -> None:
    alarms = {
        alarm["Properties"]["MetricName"]: alarm["Properties"]
        for key, alarm in of_type(consumer, "AWS::CloudWatch::Alarm").items()
        if key.startswith("Consumer")
    }
    assert alarms.keys() == {"EnqueueCount", "ConsumerCount"}
    queues = {
        name: {d["Name"]: d["Value"] for d in alarm["Dimensions"]}["Queue"] for name, alarm in alarms.items()
    }
    assert queues == {"EnqueueCount": "DLQ.reports", "ConsumerCount": "reports"}
    assert alarms["ConsumerCount"]["ComparisonOperator"] == "LessThanThreshold"


def test_a_function_that_runs_longer_than_a_mapping_waits_is_refused() -> None:
    stack = new_stack()
    vpc = PrivateNetwork(stack, "Network").vpc
    broker = ActiveMqBroker(stack, "Broker", vpc=vpc, queues=["reports"])
    function = python_function(stack, vpc=vpc, timeout=Duration.minutes(15))
    with pytest.raises(ValueError, match=r"Stack/Consumer: .*timeout must be at most 840 s, got 900 s"):
        ActiveMqQueueConsumer(stack, "Consumer", broker=broker, queue="reports", function=function)
