"""Proxy events of API Gateway's REST API, version 1.0, and the answers to them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.deployment import Api, Route

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
#: What a final response can have: 1xx are the server's own.
_STATUSES = range(200, 600)
#: RFC 9110, sections 5.1 and 5.5.
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class BadAnswer(ValueError):
    """The function did not answer what the gateway understands."""


def proxy_event(
    request: web.BaseRequest,
    *,
    route: Route,
    api: Api,
    path_parameters: Mapping[str, str],
    body: bytes,
    claims: Mapping[str, Any] | None,
    request_id: str,
) -> dict[str, Any]:
    """The event of one request. The path and its parameters stay percent-encoded, as API Gateway has them.

    A body of one of the API's binary types is sent as base64; of another, bytes that are not UTF-8 are lost.
    """
    is_base64 = bool(body) and _is_binary(request.content_type, api)
    text = base64.b64encode(body).decode() if is_base64 else body.decode(errors="replace")
    path = request.raw_path.partition("?")[0]
    many_headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        many_headers.setdefault(name, []).append(value)
    query = request.query
    many_query = {name: query.getall(name) for name in query} or None
    context: dict[str, Any] = {
        "accountId": "000000000000",
        "apiId": "local",
        "resourceId": "local",
        "resourcePath": route.path,
        "httpMethod": request.method,
        "path": path,
        "stage": api.stage,
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "extendedRequestId": secrets.token_urlsafe(9),
        "requestTimeEpoch": int(time.time() * 1000),
        "identity": {"sourceIp": request.remote, "userAgent": request.headers.get("User-Agent")},
    }
    if claims is not None:
        # The user pool authorizer hands every claim over as text.
        context["authorizer"] = {"claims": {name: str(value) for name, value in claims.items()}}
    return {
        "resource": route.path,
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many_headers.items()},
        "multiValueHeaders": many_headers,
        "queryStringParameters": {name: values[-1] for name, values in (many_query or {}).items()} or None,
        "multiValueQueryStringParameters": many_query,
        "pathParameters": dict(path_parameters) or None,
        "stageVariables": None,
        "requestContext": context,
        "body": text if body else None,
        "isBase64Encoded": is_base64,
    }


def _is_binary(content_type: str, api: Api) -> bool:
    return "*/*" in api.binary_types or content_type in api.binary_types


def http_response(payload: bytes) -> web.Response:
    """The HTTP response in a function's answer. Raises :class:`BadAnswer`."""
    try:
        answer = json.loads(payload)
        status = int(answer["statusCode"])
        body = "" if answer.get("body") is None else answer["body"]
        data = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
        headers = _answer_headers(answer)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadAnswer("The function's answer is not a proxy response.") from error
    if status not in _STATUSES:
        raise BadAnswer(f"The status {status} can't be sent.")
    for name in _HOP_BY_HOP & {name.lower() for name in headers}:
        headers.popall(name)
    return web.Response(status=status, body=data, headers=headers)


def _answer_headers(answer: Mapping[str, Any]) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in (answer.get("headers") or {}).items():
        headers[name] = _header_text(name, value)
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.popall(name, None)
        for value in values:
            headers.add(name, _header_text(name, value))
    return headers


def _header_text(name: str, value: object) -> str:
    if not isinstance(value, str | int | float):
        raise BadAnswer(f"The header {name!r} has no plain value.")
    # JSON's own spelling of true and of numbers.
    text = value if isinstance(value, str) else json.dumps(value)
    if not _FIELD_NAME.fullmatch(name) or _CONTROL.search(text):
        raise BadAnswer(f"The header {name!r} can't be sent.")
    return text
