"""A Python function."""

from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_logs as logs

from constructs_lib import PrivateNetwork
from tests.constructs_lib.support import (
    Json,
    functions,
    logical_id,
    new_stack,
    of_type,
    properties,
    python_function,
    statements,
    synthesized,
)

FUNCTION = "AWS::Lambda::Function"


def made(**options: Any) -> Json:
    stack = new_stack()
    python_function(stack, **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


def test_it_runs_python_on_arm_traced_and_logs_json(default: Json) -> None:
    function = properties(default, FUNCTION)
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"


def test_its_log_group_is_its_own_and_forgets(default: Json) -> None:
    group = logical_id(default, "AWS::Logs::LogGroup")
    assert properties(default, FUNCTION)["LoggingConfig"]["LogGroup"] == {"Ref": group}
    assert properties(default, "AWS::Logs::LogGroup")["RetentionInDays"] == 90
    week = made(log_retention=logs.RetentionDays.ONE_WEEK)
    assert properties(week, "AWS::Logs::LogGroup")["RetentionInDays"] == 7


def test_its_role_has_no_managed_policy_and_writes_to_its_own_log_group_only(default: Json) -> None:
    assert "ManagedPolicyArns" not in properties(default, "AWS::IAM::Role")
    group = logical_id(default, "AWS::Logs::LogGroup")
    (writes,) = (s for _, s in statements(default) if "logs:PutLogEvents" in s["Action"])
    assert writes["Resource"] == {"Fn::GetAtt": [group, "Arn"]}
    assert {a for _, s in statements(default) if s["Resource"] == "*" for a in s["Action"]} == {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


def test_errors_throttles_and_slow_calls_raise_alarms() -> None:
    template = made(timeout=Duration.seconds(100))
    alarms = {
        a["Properties"]["MetricName"]: a["Properties"]
        for a in of_type(template, "AWS::CloudWatch::Alarm").values()
    }
    assert alarms.keys() == {"Errors", "Throttles", "Duration"}
    assert alarms["Duration"]["Threshold"] == 90_000
    assert {a["TreatMissingData"] for a in alarms.values()} == {"notBreaching"}


@pytest.mark.parametrize("wanted", [True, False])
def test_snap_start_is_a_choice(wanted: bool) -> None:
    function = properties(made(snap_start=wanted), FUNCTION)
    assert ("SnapStart" in function) is wanted
    if wanted:
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_in_a_network_it_is_in_private_subnets_and_may_make_interfaces() -> None:
    stack = new_stack()
    python_function(stack, vpc=PrivateNetwork(stack, "Network", flow_logs=False).vpc)
    template = synthesized(stack)
    assert len(functions(template)["relay"]["VpcConfig"]["SubnetIds"]) == 2
    broad = {a for key, s in statements(template) if key.startswith("FunctionRole") for a in s["Action"]}
    assert "ec2:CreateNetworkInterface" in broad


def test_without_its_code_it_gets_a_key_that_never_is_the_real_ones(default: Json) -> None:
    stack = new_stack()
    function = python_function(stack, "Function")
    assert function.memory_size == 512
    assert properties(default, FUNCTION)["Code"] == properties(synthesized(stack), FUNCTION)["Code"]
