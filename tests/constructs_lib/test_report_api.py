"""The REST API."""

import json
from typing import Any

import pytest
from aws_cdk import aws_certificatemanager as acm

from constructs_lib import ROUTES, ApiIdentity, ReportApi, Throttle
from tests.constructs_lib.support import (
    Json,
    callers_function,
    logical_id,
    new_stack,
    of_type,
    properties,
    synthesized,
)

METHOD = "AWS::ApiGateway::Method"
STAGE = "AWS::ApiGateway::Stage"
_CERTIFICATE = "arn:aws:acm:eu-west-1:111111111111:certificate/1"


def made(*, tokens: bool = True, domain: bool = False, **options: Any) -> Json:
    stack = new_stack()
    ReportApi(
        stack,
        "Api",
        handler=callers_function(stack),
        user_pool=ApiIdentity(stack, "Identity").user_pool if tokens else None,
        domain_name="reports.example.com" if domain else None,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", _CERTIFICATE)
        if domain
        else None,
        **options,
    )
    return synthesized(stack)


@pytest.fixture(scope="module")
def default() -> Json:
    return made()


@pytest.fixture(scope="module")
def signed() -> Json:
    return made(tokens=False)


def paths(template: Json) -> dict[str, str]:
    """The path of each resource."""
    resources = of_type(template, "AWS::ApiGateway::Resource")

    def path(key: str) -> str:
        settings = resources[key]["Properties"]
        above = settings["ParentId"].get("Ref")
        return f"{path(above) if above else ''}/{settings['PathPart']}"

    return {key: path(key) for key in resources}


def methods(template: Json) -> dict[tuple[str, str], Json]:
    known = paths(template)
    return {
        (m["Properties"]["HttpMethod"], known[m["Properties"]["ResourceId"]["Ref"]]): m["Properties"]
        for m in of_type(template, METHOD).values()
    }


def test_each_route_has_a_method_and_there_is_no_other(default: Json) -> None:
    assert methods(default).keys() == {(route.method, route.path) for route in ROUTES}


def test_a_token_needs_the_scope_of_its_route(default: Json) -> None:
    found = methods(default)
    for route in ROUTES:
        method = found[route.method, route.path]
        if route.scope is None:
            assert method["AuthorizationType"] == "NONE"
        else:
            assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
            assert method["AuthorizationScopes"] == [route.scope]


def test_without_a_user_pool_callers_sign_with_iam(signed: Json) -> None:
    found = methods(signed)
    for route in ROUTES:
        wanted = "AWS_IAM" if route.scope is not None else "NONE"
        assert found[route.method, route.path]["AuthorizationType"] == wanted
    assert not of_type(signed, "AWS::ApiGateway::Authorizer")


def test_bodies_reach_the_function_byte_for_byte(default: Json) -> None:
    api = properties(default, "AWS::ApiGateway::RestApi")
    assert api["BinaryMediaTypes"] == ["*/*"]
    assert api["EndpointConfiguration"]["Types"] == ["REGIONAL"]


def test_the_access_log_is_json_that_names_request_client_and_status(default: Json) -> None:
    setting = properties(default, STAGE)["AccessLogSetting"]
    fields = json.loads(setting["Format"])
    assert {"request_id", "trace_id", "client", "status", "route"} <= fields.keys()
    logs = logical_id(default, "AWS::Logs::LogGroup", "AccessLogs")
    assert setting["DestinationArn"] == {"Fn::GetAtt": [logs, "Arn"]}
    assert default["Resources"][logs]["Properties"]["RetentionInDays"] == 90


def test_bodies_are_not_logged_and_requests_are_traced(default: Json) -> None:
    stage = properties(default, STAGE)
    assert stage["TracingEnabled"] is True
    assert all(setting["DataTraceEnabled"] is False for setting in stage["MethodSettings"])


def test_the_throttle_holds_for_the_stage_and_the_plan() -> None:
    template = made(throttle=Throttle(rate=7, burst=9, daily_quota=100))
    (setting,) = properties(template, STAGE)["MethodSettings"]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (7, 9)
    plan = properties(template, "AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 7, "BurstLimit": 9}
    assert plan["Quota"] == {"Limit": 100, "Period": "DAY"}


def test_the_firewall_is_before_the_stage_unless_it_is_turned_off(default: Json) -> None:
    association = properties(default, "AWS::WAFv2::WebACLAssociation")
    acl = logical_id(default, "AWS::WAFv2::WebACL")
    assert association["WebACLArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    assert {"Ref": logical_id(default, STAGE)} in association["ResourceArn"]["Fn::Join"][1]
    rules = {rule["Name"]: rule for rule in properties(default, "AWS::WAFv2::WebACL")["Rules"]}
    assert rules["RateOfAddress"]["Action"] == {"Block": {}}
    assert not of_type(made(firewall=False), "AWS::WAFv2::WebACL")


def test_what_the_gateway_answers_itself_is_a_problem_document(default: Json) -> None:
    responses = of_type(default, "AWS::ApiGateway::GatewayResponse").values()
    assert responses
    for response in responses:
        settings = response["Properties"]
        headers = settings["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        # API Gateway quotes its message itself.
        template = settings["ResponseTemplates"]["application/json"]
        body = json.loads(template.replace("$context.error.messageString", '"said"'))
        assert body.keys() >= {"type", "title", "status", "code", "request_id", "retryable", "errors"}
        assert str(body["status"]) == settings["StatusCode"]
        assert body["request_id"] == "$context.requestId"


def test_a_kind_of_gateway_response_is_there_once(default: Json) -> None:
    kinds = [
        r["Properties"]["ResponseType"] for r in of_type(default, "AWS::ApiGateway::GatewayResponse").values()
    ]
    assert len(kinds) == len(set(kinds))
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "THROTTLED"} <= set(kinds)


def test_a_domain_of_the_callers_closes_the_address_of_execute_api() -> None:
    template = made(domain=True)
    assert properties(template, "AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    domain = properties(template, "AWS::ApiGateway::DomainName")
    assert domain["DomainName"] == "reports.example.com"
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert domain["RegionalCertificateArn"] == _CERTIFICATE
