"""The web ACL of the API."""

from aws_cdk import ArnFormat, Names, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

#: Rules over bodies that report data breaks for good reasons: a cell may hold HTML, a path or an address,
#: and a body may be larger than the 16 kB that the firewall reads. They count and do not block.
#: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
_COUNTED = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "EC2MetaDataSSRF_BODY",
)


def web_acl(scope: Construct, construct_id: str, *, requests_per_five_minutes: int) -> waf.CfnWebACL:
    """AWS's managed rules for reputation, common attacks and known bad input, and a rate for each address."""
    return waf.CfnWebACL(
        scope,
        construct_id,
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_visibility("Api"),
        rules=[
            _managed("AWSManagedRulesAmazonIpReputationList", 0),
            _managed("AWSManagedRulesCommonRuleSet", 1, counted=_COUNTED),
            _managed("AWSManagedRulesKnownBadInputsRuleSet", 2),
            waf.CfnWebACL.RuleProperty(
                name="RateOfAddress",
                priority=3,
                action=waf.CfnWebACL.RuleActionProperty(block={}),
                statement=waf.CfnWebACL.StatementProperty(
                    rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                        limit=requests_per_five_minutes, aggregate_key_type="IP"
                    )
                ),
                visibility_config=_visibility("RateOfAddress"),
            ),
        ],
    )


def log_requests(
    scope: Construct, construct_id: str, acl: waf.CfnWebACL, *, retention: logs.RetentionDays
) -> None:
    """Keep what the firewall decided of each request, without the token that came with it."""
    # AWS WAF writes to log groups of this prefix only.
    name = f"aws-waf-logs-{Names.unique_resource_name(acl, max_length=100, separator='-')}"
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}Group",
        log_group_name=name,
        retention=retention,
        removal_policy=RemovalPolicy.DESTROY,
    )
    arn = Stack.of(scope).format_arn(
        service="logs", resource="log-group", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    configuration = waf.CfnLoggingConfiguration(
        scope,
        construct_id,
        resource_arn=acl.attr_arn,
        log_destination_configs=[arn],
        redacted_fields=[
            waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": "authorization"})
        ],
    )
    configuration.node.add_dependency(log_group)


def _managed(name: str, priority: int, *, counted: tuple[str, ...] = ()) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(
            managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    waf.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=waf.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in counted
                ]
                or None,
            )
        ),
        visibility_config=_visibility(name),
    )


def _visibility(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
