"""The gateway itself: finds the route, checks the token and its scopes, calls the function.

What the deployed API answers by its own gateway responses is answered here alike, as problem details.
"""

import asyncio
import json
import logging
import re
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.deployment import Deployment, Route
from local.functions import MAX_PAYLOAD_BYTES, Functions
from local.gateway.proxy import BadAnswer, http_response, proxy_event
from local.gateway.tokens import Authorizer, Unauthorized

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 10 * 1024 * 1024
_INTEGRATION_SECONDS = 29
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class ScopeMissing(Exception):
    """The token is valid and has none of the route's scopes."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    route: Route
    pattern: re.Pattern[str]


class Gateway:
    """Answers the requests of the API."""

    def __init__(self, deployment: Deployment, *, functions: Functions, authorizer: Authorizer) -> None:
        self._functions = functions
        self._authorizer = authorizer
        self._routes = [
            _Compiled(route, re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", route.path.replace(".", r"\."))))
            for route in deployment.routes
        ]

    def server(self) -> web.Server:
        """The HTTP server: bodies arrive as they were sent, up to API Gateway's limit."""

        def request(*parts: Any) -> web.BaseRequest:
            message, payload, protocol, writer, task = parts
            return web.BaseRequest(
                message,
                payload,
                protocol,
                writer,
                task,
                asyncio.get_running_loop(),
                client_max_size=_MAX_BODY_BYTES + 1,
            )

        return web.Server(self.handle, request_factory=request, access_log=None, auto_decompress=False)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        try:
            return await self._answer(request, request_id)
        except web.HTTPRequestEntityTooLarge:
            # A chunked body, which has not said its length beforehand.
            return _too_large(request_id)

    async def _answer(self, request: web.BaseRequest, request_id: str) -> web.Response:
        found = self._find(request)
        if found is None:
            return _problem(
                404, "not_found", f"There is nothing at {request.method} {request.path}.", request_id
            )
        route, parameters = found
        try:
            claims = self._authorize(route, request)
        except Unauthorized as error:
            refusal = _problem(401, "unauthorized", str(error), request_id)
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        except ScopeMissing as error:
            return _problem(403, "insufficient_scope", str(error), request_id)
        body = await _body(request)
        if body is None:
            return _too_large(request_id)
        event = proxy_event(
            request,
            route=route,
            path_parameters=parameters,
            body=body,
            claims=claims,
            request_id=request_id,
        )
        payload = json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return _too_large(request_id)
        return await self._integrate(route, payload, request_id)

    def _authorize(self, route: Route, request: web.BaseRequest) -> dict[str, Any] | None:
        if route.scopes is None:
            return None
        claims = self._authorizer.claims(request.headers.get("Authorization"))
        if not set(route.scopes) & set(str(claims.get("scope", "")).split()):
            raise ScopeMissing(f"The call needs the scope {' or '.join(route.scopes)}.")
        return claims

    async def _integrate(self, route: Route, payload: bytes, request_id: str) -> web.Response:
        try:
            async with asyncio.timeout(_INTEGRATION_SECONDS):
                answer = await self._functions.invoke(route.function, payload)
        except TimeoutError:
            return _problem(504, "timeout", "The function did not answer in 29 seconds.", request_id)
        if answer.failed:
            _log.error("%s failed: %.500s", route.function, answer.payload)
            return _problem(502, "bad_gateway", "The function ended with an error.", request_id)
        try:
            return http_response(answer.payload)
        except BadAnswer:
            _log.exception("%s answered %.200r", route.function, answer.payload)
            return _problem(502, "bad_gateway", "The function's answer could not be read.", request_id)

    def _find(self, request: web.BaseRequest) -> tuple[Route, dict[str, str]] | None:
        # The raw path: an encoded slash belongs to a parameter and is no separator.
        path = request.raw_path.partition("?")[0]
        for compiled in self._routes:
            if compiled.route.method == request.method and (match := compiled.pattern.fullmatch(path)):
                return compiled.route, match.groupdict()
        return None


async def _body(request: web.BaseRequest) -> bytes | None:
    """The body, or None when it is larger than API Gateway takes, also when it comes without a length."""
    if (request.content_length or 0) > _MAX_BODY_BYTES:
        return None
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _too_large(request_id: str) -> web.Response:
    return _problem(413, "body_too_large", "The body is larger than a request may be.", request_id)


def _problem(status: int, code: str, detail: str, request_id: str) -> web.Response:
    titles = {
        401: "A valid access token is needed",
        403: "The token does not allow this",
        404: "Not found",
        413: "The body is too large",
        502: "The service did not answer",
        504: "The service did not answer in time",
    }
    document = {
        "type": f"urn:prensa:problem:{code}",
        "title": titles[status],
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "retryable": status >= 500,
        "errors": [],
    }
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers={"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
    )
