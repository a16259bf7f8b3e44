"""The user pool."""

import pytest
from aws_cdk import RemovalPolicy

from constructs_lib import ApiIdentity
from tests.constructs_lib.support import Json, new_stack, only, properties, synthesized

POOL = "AWS::Cognito::UserPool"


@pytest.fixture(scope="module")
def identity() -> Json:
    stack = new_stack()
    ApiIdentity(stack, "Identity").add_client("Billing", scopes=["read", "write"])
    return synthesized(stack)


def test_nobody_can_sign_up_and_the_pool_is_kept(identity: Json) -> None:
    assert properties(identity, POOL)["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert properties(identity, POOL)["DeletionProtection"] == "ACTIVE"
    assert only(identity, POOL)["DeletionPolicy"] == "Retain"


def test_a_client_gets_tokens_with_its_own_secret_and_its_scopes_only(identity: Json) -> None:
    client = properties(identity, "AWS::Cognito::UserPoolClient")
    assert client["GenerateSecret"] is True
    assert client["AllowedOAuthFlows"] == ["client_credentials"]
    assert [scope["Fn::Join"][1][1] for scope in client["AllowedOAuthScopes"]] == ["/read", "/write"]
    assert client["EnableTokenRevocation"] is True
    assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (60, "minutes")


def test_the_scopes_are_those_of_the_routes(identity: Json) -> None:
    server = properties(identity, "AWS::Cognito::UserPoolResourceServer")
    assert server["Identifier"] == "reports"
    assert {scope["ScopeName"] for scope in server["Scopes"]} == {"read", "write", "admin"}


def test_the_domains_prefix_names_the_account_which_makes_it_free_in_the_region(identity: Json) -> None:
    domain = properties(identity, "AWS::Cognito::UserPoolDomain")["Domain"]["Fn::Join"]
    assert domain[1][-1] == {"Ref": "AWS::AccountId"}
    prefix = domain[1][0]
    assert prefix == prefix.lower()
    # Cognito takes 63 characters; the account's number and the dash before it are 13.
    assert len(prefix) + 13 <= 63


def test_only_an_explicit_option_lets_the_pool_be_deleted() -> None:
    stack = new_stack()
    ApiIdentity(stack, "Identity", removal_policy=RemovalPolicy.DESTROY)
    template = synthesized(stack)
    assert properties(template, POOL)["DeletionProtection"] == "INACTIVE"
    assert only(template, POOL)["DeletionPolicy"] == "Delete"
