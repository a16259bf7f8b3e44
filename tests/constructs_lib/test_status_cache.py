"""Valkey on ElastiCache."""

import json
import re
from typing import Any

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs_lib import PrivateNetwork, StatusCache
from tests.constructs_lib.support import Json, logical_id, new_stack, of_type, properties, synthesized

GROUP = "AWS::ElastiCache::ReplicationGroup"


def made(**options: Any) -> Json:
    stack = new_stack()
    StatusCache(stack, "Cache", vpc=PrivateNetwork(stack, "Network").vpc, **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


def test_connections_use_tls_and_data_is_encrypted(default: Json) -> None:
    group = properties(default, GROUP)
    assert group["Engine"] == "valkey"
    assert group["TransitEncryptionEnabled"] is True
    assert group["TransitEncryptionMode"] == "required"
    assert group["AtRestEncryptionEnabled"] is True


def test_the_password_is_a_dynamic_reference(default: Json) -> None:
    secret = logical_id(default, "AWS::SecretsManager::Secret")
    assert properties(default, GROUP)["AuthToken"]["Fn::Join"][1] == [
        "{{resolve:secretsmanager:",
        {"Ref": secret},
        ":SecretString:password::}}",
    ]
    generated = properties(default, "AWS::SecretsManager::Secret")["GenerateSecretString"]
    assert json.loads(generated["SecretStringTemplate"]) == {"username": "default"}
    # ElastiCache takes 16 to 128 characters.
    assert 16 <= generated["PasswordLength"] <= 128


def test_only_clients_reach_it(default: Json) -> None:
    (rule,) = of_type(default, "AWS::EC2::SecurityGroupIngress").values()
    client = logical_id(default, "AWS::EC2::SecurityGroup", "CacheClientSecurityGroup")
    assert rule["Properties"]["SourceSecurityGroupId"] == {"Fn::GetAtt": [client, "GroupId"]}
    assert rule["Properties"]["FromPort"] == rule["Properties"]["ToPort"] == 6379


@pytest.mark.parametrize(("replicas", "nodes"), [(0, 1), (1, 2), (5, 6)])
def test_replicas_fail_over_by_themselves_in_several_zones(replicas: int, nodes: int) -> None:
    group = properties(made(replicas=replicas), GROUP)
    assert group["NumCacheClusters"] == nodes
    assert group["AutomaticFailoverEnabled"] is (replicas > 0)
    assert group["MultiAZEnabled"] is (replicas > 0)


def test_it_keeps_no_snapshots(default: Json) -> None:
    assert properties(default, GROUP)["SnapshotRetentionLimit"] == 0


@pytest.mark.parametrize(("replicas", "nodes"), [(0, ["-001"]), (2, ["-001", "-002", "-003"])])
def test_a_metric_is_of_every_node_since_any_may_become_the_primary(replicas: int, nodes: list[str]) -> None:
    stack = new_stack()
    network = PrivateNetwork(stack, "Network")
    cache = StatusCache(stack, "Cache", vpc=network.vpc, replicas=replicas)
    cloudwatch.Alarm(
        stack,
        "Alarm",
        metric=cache.metric("EngineCPUUtilization", statistic="Maximum"),
        threshold=80,
        evaluation_periods=1,
    )
    alarm = json.dumps(properties(synthesized(stack), "AWS::CloudWatch::Alarm"))
    assert re.findall(r'"(-\d{3})"', alarm) == nodes
