"""What API Gateway itself answers, in the form of the API's other errors (RFC 9457)."""

import json
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway


@dataclass(frozen=True, kw_only=True)
class GatewayProblem:
    """An answer that API Gateway gives without the function. ``title`` and ``code`` as in docs/api.md."""

    kind: apigateway.ResponseType
    status: int
    code: str
    title: str
    retryable: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    def template(self) -> str:
        """The body. API Gateway puts in the id of the request and its message, which it quotes itself."""
        document = json.dumps(
            {
                "type": f"urn:prensa:problem:{self.code}",
                "title": self.title,
                "status": self.status,
                "detail": _MESSAGE,
                "code": self.code,
                "request_id": "$context.requestId",
                "retryable": self.retryable,
                "errors": [],
            }
        )
        return document.replace(json.dumps(_MESSAGE), _MESSAGE)


#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
_MESSAGE = "$context.error.messageString"
GATEWAY_PROBLEMS = (
    GatewayProblem(
        kind=apigateway.ResponseType.UNAUTHORIZED,
        status=401,
        code="unauthorized",
        title="A valid access token is needed",
        headers=(("WWW-Authenticate", "'Bearer'"),),
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.ACCESS_DENIED,
        status=403,
        code="insufficient_scope",
        title="The token does not allow this",
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.MISSING_AUTHENTICATION_TOKEN,
        status=404,
        code="not_found",
        title="Not found",
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.REQUEST_TOO_LARGE,
        status=413,
        code="body_too_large",
        title="The body is too large: upload its rows as a dataset",
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.THROTTLED,
        status=429,
        code="too_many_requests",
        title="Too many requests",
        retryable=True,
        headers=(("Retry-After", "'1'"),),
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.QUOTA_EXCEEDED,
        status=429,
        code="quota_exceeded",
        title="The quota is used up",
        retryable=True,
        headers=(("Retry-After", "'3600'"),),
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.WAF_FILTERED,
        status=403,
        code="request_refused",
        title="The firewall refused the request",
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.INTEGRATION_TIMEOUT,
        status=504,
        code="timeout",
        title="The service did not answer in time",
        retryable=True,
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.INTEGRATION_FAILURE,
        status=502,
        code="bad_gateway",
        title="The service did not answer",
        retryable=True,
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.DEFAULT_4_XX,
        status=400,
        code="bad_request",
        title="The request is not valid",
    ),
    GatewayProblem(
        kind=apigateway.ResponseType.DEFAULT_5_XX,
        status=500,
        code="internal",
        title="An unexpected error",
        retryable=True,
    ),
)
