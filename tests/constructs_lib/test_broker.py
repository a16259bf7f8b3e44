"""Amazon MQ."""

import json
import re
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from aws_cdk import Duration, RemovalPolicy

from constructs_lib import ActiveMqBroker, PrivateNetwork
from constructs_lib.broker_configuration import configuration_xml
from tests.constructs_lib.support import (
    Json,
    actions,
    callers_function,
    logical_id,
    new_stack,
    of_type,
    only,
    properties,
    synthesized,
)

BROKER = "AWS::AmazonMQ::Broker"
QUEUES = ("reports", "letters")
_ACTIVEMQ = "{http://activemq.apache.org/schema/core}"


def made(**options: Any) -> Json:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES, **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def single() -> Json:
    return made()


@pytest.fixture(scope="module")
def pair() -> Json:
    return made(multi_az=True)


@pytest.fixture(scope="module")
def configuration() -> Element:
    return fromstring(configuration_xml(QUEUES))  # noqa: S314 - our own text


def rules(template: Json) -> set[tuple[str, int, str]]:
    """The rules between groups: which way, the port, who is on the other side."""
    found = set()
    for way, other in (("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")):
        for rule in of_type(template, f"AWS::EC2::SecurityGroup{way}").values():
            settings = rule["Properties"]
            owner, peer = settings["GroupId"]["Fn::GetAtt"][0], settings[other]["Fn::GetAtt"][0]
            if owner.startswith("BrokerSecurityGroup"):
                assert settings["FromPort"] == settings["ToPort"]
                found.add((way, settings["FromPort"], "self" if peer == owner else peer))
    return found


def test_one_instance_is_in_one_subnet(single: Json) -> None:
    broker = properties(single, BROKER)
    assert broker["DeploymentMode"] == "SINGLE_INSTANCE"
    assert len(broker["SubnetIds"]) == 1


def test_a_pair_is_in_two_subnets_of_different_zones(pair: Json) -> None:
    broker = properties(pair, BROKER)
    assert broker["DeploymentMode"] == "ACTIVE_STANDBY_MULTI_AZ"
    zones = [
        json.dumps(pair["Resources"][subnet["Ref"]]["Properties"]["AvailabilityZone"])
        for subnet in broker["SubnetIds"]
    ]
    assert len(set(zones)) == 2


def test_the_version_has_no_patch_and_is_upgraded_by_aws(single: Json) -> None:
    broker = properties(single, BROKER)
    assert broker["EngineVersion"] == properties(single, "AWS::AmazonMQ::Configuration")["EngineVersion"]
    assert broker["EngineVersion"].count(".") == 1
    assert broker["AutoMinorVersionUpgrade"] is True


def test_nothing_of_it_is_public_and_all_is_logged_and_encrypted(single: Json) -> None:
    broker = properties(single, BROKER)
    assert broker["PubliclyAccessible"] is False
    assert broker["Logs"] == {"Audit": True, "General": True}
    assert broker["EncryptionOptions"] == {"UseAwsOwnedKey": False}
    assert not any(user["ConsoleAccess"] for user in broker["Users"])


def test_its_group_is_open_to_mappings_and_to_clients_and_to_nothing_else(single: Json) -> None:
    client = logical_id(single, "AWS::EC2::SecurityGroup", "BrokerClientSecurityGroup")
    assert rules(single) == {
        ("Ingress", 61617, "self"),
        ("Egress", 61617, "self"),
        ("Ingress", 61614, client),
    }
    group = single["Resources"][logical_id(single, "AWS::EC2::SecurityGroup", "BrokerSecurityGroup")]
    assert "SecurityGroupIngress" not in group["Properties"]
    (out,) = group["Properties"]["SecurityGroupEgress"]
    assert (out["CidrIp"], out["FromPort"], out["ToPort"]) == ("0.0.0.0/0", 443, 443)


def test_passwords_are_dynamic_references_to_generated_secrets(single: Json) -> None:
    secrets = {"app": "PublisherSecret", "mapping": "ConsumerSecret"}
    users = {user["Username"]: user for user in properties(single, BROKER)["Users"]}
    assert users.keys() == secrets.keys()
    for name, part in secrets.items():
        secret = logical_id(single, "AWS::SecretsManager::Secret", part)
        start, reference, end = users[name]["Password"]["Fn::Join"][1]
        assert (start, reference, end) == (
            "{{resolve:secretsmanager:",
            {"Ref": secret},
            ":SecretString:password::}}",
        )
        generated = single["Resources"][secret]["Properties"]["GenerateSecretString"]
        assert json.loads(generated["SecretStringTemplate"]) == {"username": name}
        # Amazon MQ takes 12 to 250 characters, without `,`, `:` and `=`.
        assert generated["ExcludePunctuation"] is True
        assert 12 <= generated["PasswordLength"] <= 250


def test_two_brokers_of_a_stack_share_one_log_policy_and_wait_for_it() -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    for name in ("First", "Second"):
        ActiveMqBroker(stack, name, vpc=network.vpc, queues=QUEUES)
    template = synthesized(stack)
    policy = logical_id(template, "AWS::Logs::ResourcePolicy")
    assert all(policy in broker["DependsOn"] for broker in of_type(template, BROKER).values())


def test_an_account_that_has_a_log_policy_gets_no_second_one() -> None:
    assert not of_type(made(log_resource_policy=False), "AWS::Logs::ResourcePolicy")


def test_metrics_carry_the_name_and_number_of_each_instance() -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES)
    alone = broker.metric_queue_size("reports").to_metric_config().metric_stat
    assert alone is not None
    dimensions = {dimension.name: dimension.value for dimension in alone.dimensions or []}
    assert dimensions == {"Broker": f"{broker.broker_name}-1", "Queue": "reports"}
    assert properties(synthesized(stack), BROKER)["BrokerName"] == broker.broker_name


def test_a_metric_of_a_pair_is_the_larger_of_both_instances() -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES, multi_az=True)
    expression = broker.metric_cpu().to_metric_config().math_expression
    assert expression is not None
    assert expression.expression.startswith("MAX(")
    names = set()
    for part in expression.using_metrics.values():
        stat = part.to_metric_config().metric_stat
        assert stat is not None
        names |= {dimension.value for dimension in stat.dimensions or []}
    assert names == {f"{broker.broker_name}-1", f"{broker.broker_name}-2"}


@pytest.mark.parametrize("multi_az", [False, True])
def test_a_metrics_period_and_label_are_those_that_were_asked_for(multi_az: bool) -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES, multi_az=multi_az)
    metric = broker.metric_cpu(period=Duration.minutes(1), label="Busy")
    metric.create_alarm(stack, "Alarm", threshold=90, evaluation_periods=1)  # type: ignore[attr-defined]
    alarm = properties(synthesized(stack), "AWS::CloudWatch::Alarm")
    periods = re.findall(r'"Period": (\d+)', json.dumps(alarm))
    assert set(periods) == {"60"}
    assert metric.to_metric_config().rendering_properties["label"] == "Busy"  # type: ignore[index]


def test_a_metric_of_a_queue_that_is_not_there_is_refused() -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES)
    with pytest.raises(ValueError, match=r"queue must be one of reports, letters, DLQ\.reports.*'other'"):
        broker.metric_queue_size("other")


def test_each_queue_and_its_dead_letters_are_written_by_publishers_and_read_by_consumers(
    configuration: Element,
) -> None:
    entries = {
        entry.attrib["queue"]: (entry.attrib["write"], entry.attrib["read"])
        for entry in configuration.iter(f"{_ACTIVEMQ}authorizationEntry")
        if "queue" in entry.attrib
    }
    names = [*QUEUES, *(f"DLQ.{queue}" for queue in QUEUES)]
    assert entries == dict.fromkeys(names, ("publishers", "consumers"))


def test_the_configuration_keeps_delays_priorities_and_dead_letters(configuration: Element) -> None:
    assert configuration.tag == f"{_ACTIVEMQ}broker"
    assert configuration.attrib["schedulerSupport"] == "true"
    (entry,) = configuration.iter(f"{_ACTIVEMQ}policyEntry")
    assert entry.attrib == {"queue": ">", "prioritizedMessages": "true", "queuePrefetch": "1"}
    (strategy,) = configuration.iter(f"{_ACTIVEMQ}individualDeadLetterStrategy")
    assert strategy.attrib["queuePrefix"] == "DLQ."


def test_the_broker_takes_the_configuration_in_its_present_revision(single: Json) -> None:
    configuration = logical_id(single, "AWS::AmazonMQ::Configuration")
    assert properties(single, BROKER)["Configuration"] == {
        "Id": {"Ref": configuration},
        "Revision": {"Fn::GetAtt": [configuration, "Revision"]},
    }
    data = properties(single, "AWS::AmazonMQ::Configuration")["Data"]["Fn::Base64"]
    assert fromstring(data).tag == f"{_ACTIVEMQ}broker"  # noqa: S314 - our own text


@pytest.mark.parametrize("queue", [">", "a.*", "", "-a", "a b", 'a"', "<a/>"])
def test_a_name_that_is_no_plain_queue_is_no_entry_of_the_authorization(queue: str) -> None:
    with pytest.raises(ValueError, match="A queue's name has letters"):
        configuration_xml([queue])


def test_a_broker_stays_when_its_stack_goes_unless_it_is_said_otherwise(single: Json) -> None:
    assert only(single, BROKER)["DeletionPolicy"] == "Retain"
    gone = made(removal_policy=RemovalPolicy.DESTROY)
    assert only(gone, BROKER)["DeletionPolicy"] == "Delete"


def test_publishers_read_one_secret_and_consumers_may_also_describe_the_broker() -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    broker = ActiveMqBroker(stack, "Broker", vpc=network.vpc, queues=QUEUES)
    broker.grant_publish(callers_function(stack, "Publisher"))
    broker.grant_consume(callers_function(stack, "Consumer"))
    template = synthesized(stack)
    read = {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}
    roles = of_type(template, "AWS::IAM::Role")
    (publisher,) = (key for key in roles if key.startswith("PublisherServiceRole"))
    (consumer,) = (key for key in roles if key.startswith("ConsumerServiceRole"))
    assert actions(template, publisher) == read
    assert actions(template, consumer) == {*read, "mq:DescribeBroker"}
