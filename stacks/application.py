"""The CDK app."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from stacks.acknowledgments import acknowledge
from stacks.environments import Environment, environment_named
from stacks.github_access import GithubAccessStack
from stacks.stage import PrensaStage

_TAGS = {"application": "prensa"}
#: The CDK takes these for taggable and its own validation does not: without tags both are content.
_UNTAGGED = ["AWS::RDS::DBProxyTargetGroup"]


def build_app(
    *,
    environment: Environment | None = None,
    outdir: str | None = None,
    context: Mapping[str, Any] | None = None,
    bundle: bool = True,
    checks: bool = True,
) -> cdk.App:
    """The app of one environment: ``environment``, or the one that the context key ``env`` names.

    ``context`` are further context values; ``bundle=False`` leaves the functions' code out; ``checks=False``
    leaves out cdk-nag and the CDK's own validation, which the checks run once by themselves. Raises
    :class:`~stacks.environments.WrongSetting`.
    """
    app = cdk.App(
        analytics_reporting=False,
        outdir=outdir,
        context=dict(context or {}),
        post_cli_context=None if bundle else {"aws:cdk:bundling-stacks": []},
        builtin_cloud_formation_validation=checks,
    )
    environment = environment or environment_named(app.node.try_get_context("env"))
    if environment.account and environment.region:
        # The CDK looks zones up, which takes credentials, unless it is told.
        key = f"availability-zones:account={environment.account}:region={environment.region}"
        if app.node.try_get_context(key) is None:
            app.node.set_context(key, [f"{environment.region}{zone}" for zone in environment.zones])
    stage = PrensaStage(app, f"Prensa-{environment.name}", environment=environment)
    for key, value in {**_TAGS, "environment": environment.name}.items():
        cdk.Tags.of(stage).add(key, value, exclude_resource_types=_UNTAGGED)
    repository = app.node.try_get_context("github")
    if repository is not None:
        GithubAccessStack(
            app, f"Prensa-{environment.name}-GithubAccess", environment=environment, repository=repository
        )
    if checks:
        acknowledge(stage, environment)
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        if environment.name == "prod":
            cdk.Validations.of(app).add_plugins(NIST80053R5Checks(app))
    return app
