"""The network."""

from typing import Any

import pytest

from constructs_lib import PrivateNetwork
from tests.constructs_lib.support import Json, new_stack, of_type, synthesized


def made(**options: Any) -> Json:
    stack = new_stack()
    PrivateNetwork(stack, "Network", **options)
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


def test_there_is_no_way_to_the_internet(default: Json) -> None:
    kinds = {resource["Type"] for resource in default["Resources"].values()}
    assert not kinds & {
        "AWS::EC2::NatGateway",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::Route",
    }
    assert not any(
        subnet["Properties"]["MapPublicIpOnLaunch"]
        for subnet in of_type(default, "AWS::EC2::Subnet").values()
    )


def test_its_subnets_are_in_two_zones(default: Json) -> None:
    zones = [str(s["Properties"]["AvailabilityZone"]) for s in of_type(default, "AWS::EC2::Subnet").values()]
    assert len(zones) == len(set(zones)) == 2


@pytest.mark.parametrize("zones", [1, 2])
def test_functions_and_mappings_reach_what_they_call_in_as_many_zones_as_asked_for(zones: int) -> None:
    endpoints = of_type(made(endpoint_zones=zones), "AWS::EC2::VPCEndpoint").values()
    kinds = {str(e["Properties"]["ServiceName"]).split(".")[-1][:8]: e["Properties"] for e in endpoints}
    interfaces = [p for p in kinds.values() if p["VpcEndpointType"] == "Interface"]
    assert len(interfaces) == 3
    for service in ("secretsmanager", "lambda", "sts", "s3"):
        assert any(service in str(e["Properties"]["ServiceName"]) for e in endpoints)
    assert all(len(p["SubnetIds"]) == zones and p["PrivateDnsEnabled"] for p in interfaces)


def test_connections_are_recorded_unless_it_is_turned_off(default: Json) -> None:
    assert len(of_type(default, "AWS::EC2::FlowLog")) == 1
    assert not of_type(made(flow_logs=False), "AWS::EC2::FlowLog")


def test_the_default_security_group_is_closed(default: Json) -> None:
    assert len(of_type(default, "Custom::VpcRestrictDefaultSG")) == 1
