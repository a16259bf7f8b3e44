"""Who is a tenant: tokens and IAM identities."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from api.access import READ, NotAuthenticated, ScopeMissing, UnusableTenant, require_tenant


def tenant(**context: Any) -> str:
    event = APIGatewayProxyEvent({"requestContext": context})
    return require_tenant(event, scope=READ, tenant_claim="tenant")


def test_a_token_names_its_tenant_or_its_client() -> None:
    claims = {"scope": "reports/read", "client_id": "c1"}
    assert tenant(authorizer={"claims": claims}) == "c1"
    assert tenant(authorizer={"claims": {**claims, "tenant": "acme"}}) == "acme"


def test_a_token_needs_the_scope() -> None:
    with pytest.raises(ScopeMissing, match="reports/read"):
        tenant(authorizer={"claims": {"scope": "reports/write", "client_id": "c1"}})


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Billing/session-1", "123456789012:role/Billing"),
        ("arn:aws:sts::123456789012:assumed-role/Billing/session-2", "123456789012:role/Billing"),
        ("arn:aws:iam::123456789012:user/team/jobs", "123456789012:user/team/jobs"),
        ("arn:aws-cn:iam::210987654321:user/jobs", "210987654321:user/jobs"),
    ],
)
def test_an_iam_identity_is_a_tenant_whatever_its_session(arn: str, expected: str) -> None:
    assert tenant(identity={"userArn": arn}) == expected


def test_claims_win_over_an_identity() -> None:
    claims = {"scope": "reports/read", "client_id": "c1"}
    assert tenant(authorizer={"claims": claims}, identity={"userArn": "arn:aws:iam::1:user/x"}) == "c1"


@pytest.mark.parametrize("context", [{}, {"identity": {"userArn": None}}, {"authorizer": {"claims": {}}}])
def test_a_request_without_either_is_refused(context: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        tenant(**context)


@pytest.mark.parametrize("name", ["acme ", " acme", "acme\u00a0", "acme\n", " ", "a" * 129])
def test_a_tenant_that_columns_do_not_tell_from_others_is_refused(name: str) -> None:
    with pytest.raises(UnusableTenant, match=f"the caller's has {len(name)}"):
        tenant(authorizer={"claims": {"scope": "reports/read", "client_id": "c1", "tenant": name}})


def test_an_identity_with_a_path_that_no_column_holds_is_refused() -> None:
    with pytest.raises(UnusableTenant):
        tenant(identity={"userArn": f"arn:aws:iam::123456789012:user/{'team/' * 30}jobs"})


@pytest.mark.parametrize("name", ["a" * 128, "\U0001f600" * 128, "a b", "ação"])
def test_a_tenant_may_fill_its_column(name: str) -> None:
    assert tenant(authorizer={"claims": {"scope": "reports/read", "tenant": name}}) == name
