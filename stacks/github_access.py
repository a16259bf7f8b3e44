"""What GitHub's workflows may do in an account: read for a diff, deploy through the CDK's own roles."""

import re

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.environments import Environment, WrongSetting
from stacks.stack import PrensaStack

_ISSUER = "https://token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"


class GithubAccessStack(PrensaStack):
    """Two roles that workflows of one repository assume with OIDC, without keys.

    The diff role may be assumed by pull requests and looks templates up; the deploy role by jobs of the
    GitHub environment of the same name only, whose approvals GitHub checks. Both go through the roles that
    `cdk bootstrap` made. An account has one provider for GitHub: if it is there already, give its ARN in
    the context key ``github_provider``.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, repository: object
    ) -> None:
        if not isinstance(repository, str) or not re.fullmatch(
            r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", repository
        ):
            raise WrongSetting(f"The context key github must be 'owner/name', got {repository!r}.")
        super().__init__(scope, construct_id, environment=environment)
        existing = self.node.try_get_context("github_provider")
        if existing is not None:
            if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/\S+", str(existing)):
                raise WrongSetting(
                    f"The context key github_provider must be a provider's ARN, got {existing!r}."
                )
            arn = str(existing)
        else:
            arn = iam.OidcProviderNative(
                self, "Provider", url=_ISSUER, client_ids=[_AUDIENCE]
            ).oidc_provider_arn
        diff = self._role("DiffRole", arn, f"repo:{repository}:pull_request", ["lookup"])
        deploy = self._role(
            "DeployRole",
            arn,
            f"repo:{repository}:environment:{environment.name}",
            ["deploy", "file-publishing", "lookup"],
        )
        cdk.CfnOutput(self, "DiffRoleArn", value=diff.role_arn)
        cdk.CfnOutput(self, "DeployRoleArn", value=deploy.role_arn)

    def _role(self, construct_id: str, provider_arn: str, subject: str, roles: list[str]) -> iam.Role:
        issuer = _ISSUER.removeprefix("https://")
        role = iam.Role(
            self,
            construct_id,
            max_session_duration=cdk.Duration.hours(1),
            assumed_by=iam.FederatedPrincipal(
                provider_arn,
                conditions={"StringEquals": {f"{issuer}:aud": _AUDIENCE, f"{issuer}:sub": subject}},
                assume_role_action="sts:AssumeRoleWithWebIdentity",
            ),
        )
        # It is in the names of the roles that `cdk bootstrap` made; the context may name another.
        qualifier = self.synthesizer.bootstrap_qualifier
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    cdk.Fn.sub(
                        f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/cdk-{qualifier}-{name}-role-"
                        "${AWS::AccountId}-${AWS::Region}"
                    )
                    for name in roles
                ],
            )
        )
        return role
