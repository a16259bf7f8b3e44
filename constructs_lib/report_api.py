"""The REST API."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Names, RemovalPolicy, Size
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from constructs_lib.firewall import log_requests, web_acl
from constructs_lib.gateway_responses import GATEWAY_PROBLEMS
from constructs_lib.props import Checks
from constructs_lib.routes import ROUTES, Route

#: The longest that API Gateway waits by default.
INTEGRATION_SECONDS = 29
STAGE = "v1"


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """Requests a second of all callers together and at once, and the requests of a day (0: no quota)."""

    rate: int = 200
    burst: int = 400
    daily_quota: int = 0


class ReportApi(Construct):
    """A regional REST API in front of one function, with a method for each route.

    With ``user_pool`` callers bring its access tokens, and each route its scope; without one they sign with
    IAM (``execute-api:Invoke``). Bodies reach the function byte for byte (``binary_media_types`` is ``*/*``):
    it names all problems of a request at once, where API Gateway's validation stops at the first.

    What API Gateway answers itself has the form of the API's other errors. ``firewall`` adds a web ACL;
    ``domain_name`` goes with ``certificate`` and closes the address of execute-api.

    Example::

        ReportApi(stack, "Api", handler=function.function, user_pool=identity.user_pool)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: lambda_.IFunction,
        user_pool: cognito.IUserPool | None = None,
        routes: Sequence[Route] = ROUTES,
        throttle: Throttle | None = None,
        firewall: bool = True,
        api_key_required: bool = False,
        domain_name: str | None = None,
        certificate: acm.ICertificate | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
    ) -> None:
        throttle = throttle or Throttle()
        check = Checks(scope, construct_id)
        check.interface("handler", handler, "IFunction", "function_arn")
        check.instance("throttle", throttle, Throttle)
        if user_pool is not None:
            check.interface("user_pool", user_pool, "IUserPool", "user_pool_arn")
        if firewall:
            # The firewall counts over five minutes: its limit is computed.
            check.known("throttle.rate", throttle.rate)
        check.number("throttle.rate", throttle.rate, low=1, high=100_000)
        check.number("throttle.burst", throttle.burst, low=1, high=100_000)
        check.number("throttle.daily_quota", throttle.daily_quota, low=0, high=10**9)
        check.together(domain_name=domain_name, certificate=certificate)
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self, "AccessLogs", retention=log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        self.rest_api = apigateway.RestApi(
            self,
            "Api",
            # The dimension of its metrics: an account may have several.
            rest_api_name=Names.unique_resource_name(self, max_length=100, separator="-"),
            description="Asynchronous reports",
            endpoint_configuration=apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
            disable_execute_api_endpoint=domain_name is not None,
            binary_media_types=["*/*"],
            min_compression_size=Size.kibibytes(1),
            # Access logs need a role of the account's, which stays: other APIs use it too.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            domain_name=apigateway.DomainNameOptions(
                domain_name=domain_name,
                certificate=certificate,
                security_policy=apigateway.SecurityPolicy.TLS_1_2,
                endpoint_type=apigateway.EndpointType.REGIONAL,
            )
            if domain_name is not None and certificate is not None
            else None,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                tracing_enabled=True,
                metrics_enabled=True,
                data_trace_enabled=False,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                throttling_rate_limit=throttle.rate,
                throttling_burst_limit=throttle.burst,
                access_log_destination=apigateway.LogGroupLogDestination(self.log_group),
                access_log_format=_access_log_format(),
            ),
        )
        for problem in GATEWAY_PROBLEMS:
            self.rest_api.add_gateway_response(
                problem.code,
                type=problem.kind,
                status_code=str(problem.status),
                response_headers={
                    "Content-Type": "'application/problem+json'",
                    "Cache-Control": "'no-store'",
                    **dict(problem.headers),
                },
                templates={"application/json": problem.template()},
            )
        self._add_routes(routes, handler, user_pool, api_key_required=api_key_required)
        self.usage_plan = self.rest_api.add_usage_plan(
            "UsagePlan",
            api_stages=[
                apigateway.UsagePlanPerApiStage(api=self.rest_api, stage=self.rest_api.deployment_stage)
            ],
            throttle=apigateway.ThrottleSettings(rate_limit=throttle.rate, burst_limit=throttle.burst),
            quota=apigateway.QuotaSettings(limit=throttle.daily_quota, period=apigateway.Period.DAY)
            if throttle.daily_quota
            else None,
        )
        self.web_acl: waf.CfnWebACL | None = None
        if firewall:
            self.web_acl = web_acl(self, "WebAcl", requests_per_five_minutes=5 * 60 * throttle.rate)
            log_requests(self, "WebAclLogs", self.web_acl, retention=log_retention)
            waf.CfnWebACLAssociation(
                self,
                "WebAclAssociation",
                resource_arn=self.rest_api.deployment_stage.stage_arn,
                web_acl_arn=self.web_acl.attr_arn,
            )
        self.url = f"https://{domain_name}" if domain_name is not None else self.rest_api.url.rstrip("/")

    def metric_errors(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Answers of 500 and above."""
        return self.rest_api.metric_server_error(period=period or Duration.minutes(5), statistic="Sum")

    def metric_client_errors(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Answers of 400 to 499."""
        return self.rest_api.metric_client_error(period=period or Duration.minutes(5), statistic="Sum")

    def metric_latency(self, *, statistic: str = "p99", period: Duration | None = None) -> cloudwatch.Metric:
        """Milliseconds from the request to the answer."""
        return self.rest_api.metric_latency(period=period or Duration.minutes(5), statistic=statistic)

    def metric_count(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Requests."""
        return self.rest_api.metric_count(period=period or Duration.minutes(5))

    def _add_routes(
        self,
        routes: Sequence[Route],
        handler: lambda_.IFunction,
        user_pool: cognito.IUserPool | None,
        *,
        api_key_required: bool,
    ) -> None:
        integration = apigateway.LambdaIntegration(
            handler, allow_test_invoke=False, timeout=Duration.seconds(INTEGRATION_SECONDS)
        )
        authorizer = (
            apigateway.CognitoUserPoolsAuthorizer(self, "Authorizer", cognito_user_pools=[user_pool])
            if user_pool is not None
            else None
        )
        validator = self.rest_api.add_request_validator(
            "Parameters", validate_request_parameters=True, validate_request_body=False
        )
        model = self.rest_api.add_model(
            "GenerateRequest",
            description="A report to make; /openapi.json has the whole schema",
            content_type="application/json",
            schema=_generate_schema(),
        )
        for route in routes:
            resource = self.rest_api.root.resource_for_path(route.path)
            resource.add_method(
                route.method,
                integration,
                authorization_type=_authorization(route, authorizer),
                authorizer=authorizer if route.scope is not None else None,
                authorization_scopes=[route.scope] if route.scope is not None and authorizer else None,
                api_key_required=api_key_required and route.scope is not None,
                request_validator=validator,
                request_models={"application/json": model} if route.path == "/generate" else None,
                request_parameters={
                    f"method.request.path.{part[1:-1]}": True
                    for part in route.path.split("/")
                    if part.startswith("{")
                }
                or None,
            )


def _authorization(route: Route, authorizer: apigateway.IAuthorizer | None) -> apigateway.AuthorizationType:
    if route.scope is None:
        return apigateway.AuthorizationType.NONE
    return apigateway.AuthorizationType.COGNITO if authorizer else apigateway.AuthorizationType.IAM


def _generate_schema() -> apigateway.JsonSchema:
    text = apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING)
    document = apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT)
    return apigateway.JsonSchema(
        schema=apigateway.JsonSchemaVersion.DRAFT4,
        title="GenerateRequest",
        type=apigateway.JsonSchemaType.OBJECT,
        required=["format"],
        properties={
            "format": apigateway.JsonSchema(
                type=apigateway.JsonSchemaType.STRING, enum=["xlsx", "pdf", "csv"]
            ),
            "report_type": text,
            "parameters": document,
            "table": document,
            "filename": text,
        },
    )


def _access_log_format() -> apigateway.AccessLogFormat:
    """JSON lines: who asked for what, how it ended, and the ids to find it in logs and traces."""
    field = apigateway.AccessLogField
    return apigateway.AccessLogFormat.custom(
        "{"
        + ",".join(
            f'"{name}":"{value}"'
            for name, value in {
                "time": field.context_request_time(),
                "request_id": field.context_request_id(),
                "trace_id": field.context_xray_trace_id(),
                "client": field.context_authorizer_claims("client_id"),
                "address": field.context_identity_source_ip(),
                "method": field.context_http_method(),
                "route": field.context_resource_path(),
                "path": field.context_path(),
                "status": field.context_status(),
                "bytes": field.context_response_length(),
                "latency_ms": field.context_response_latency(),
                "integration_ms": field.context_integration_latency(),
                "error": field.context_error_response_type(),
            }.items()
        )
        + "}"
    )
