"""What GitHub's workflows may do in an account."""

import json

import pytest

from stacks.application import build_app
from stacks.environments import ENVIRONMENTS, WrongSetting
from tests.stacks.assembly import CONTEXT


def template(repository: object, **context: str) -> dict[str, object]:
    app = build_app(
        environment=ENVIRONMENTS["dev"],
        context={**CONTEXT, "github": repository, **context},
        bundle=False,
        checks=False,
    )
    [stack] = [stack for stack in app.synth().stacks if stack.stack_name.endswith("GithubAccess")]
    found: dict[str, object] = stack.template
    return found


def test_each_role_is_for_one_repository_and_one_purpose() -> None:
    text = json.dumps(template("example/reports"))
    assert '"token.actions.githubusercontent.com:sub": "repo:example/reports:pull_request"' in text
    assert '"token.actions.githubusercontent.com:sub": "repo:example/reports:environment:dev"' in text
    assert text.count('"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"') == 2
    assert "StringLike" not in text
    assert '"Resource": "*"' not in text


def test_the_diff_role_may_look_up_and_nothing_else() -> None:
    resources: dict[str, dict[str, object]] = template("example/reports")["Resources"]  # type: ignore[assignment]
    [policy] = [
        json.dumps(r) for i, r in resources.items() if r["Type"] == "AWS::IAM::Policy" and "DiffRole" in i
    ]
    assert "-lookup-role-" in policy
    assert "deploy-role" not in policy
    assert "publishing" not in policy


def test_a_provider_that_is_there_is_used() -> None:
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    text = json.dumps(template("example/reports", github_provider=arn))
    assert arn in text
    assert "AWS::IAM::OIDCProvider" not in text


def test_what_is_no_repository_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 'owner/name', got 'reports'"):
        template("reports")


@pytest.mark.parametrize("value", [{"owner": "example"}, 5, ["example/reports"]])
def test_a_repository_that_is_no_text_is_refused_as_well(value: object) -> None:
    with pytest.raises(WrongSetting, match="must be 'owner/name', got "):
        template(value)


def test_a_provider_that_is_no_arn_is_refused() -> None:
    with pytest.raises(WrongSetting, match="github_provider must be a provider's ARN, got 'true'"):
        template("example/reports", github_provider="true")


def test_the_roles_are_those_of_the_bootstrap_that_the_context_names() -> None:
    text = json.dumps(template("example/reports", **{"@aws-cdk/core:bootstrapQualifier": "acme"}))
    assert "role/cdk-acme-deploy-role-" in text
    assert "hnb659fds" not in text
