"""The gateway itself: finds the route, checks the token and its scopes, calls the function.

What the deployed API answers by its own gateway responses is answered here with the same templates.
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
from local.gateway.problems import Problems
from local.gateway.proxy import BadAnswer, http_response, proxy_event
from local.gateway.tokens import Authorizer, Unauthorized

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 10 * 1024 * 1024
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
        self._api = deployment.api
        self._problems = Problems(deployment.api.responses)
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
            return self._too_large(request_id)

    async def _answer(self, request: web.BaseRequest, request_id: str) -> web.Response:
        found = self._find(request)
        if found is None:
            nothing = f"There is nothing at {request.method} {request.path}."
            return self._problems.answer("MISSING_AUTHENTICATION_TOKEN", nothing, request_id)
        route, parameters = found
        try:
            claims = self._authorize(route, request)
        except Unauthorized as error:
            return self._problems.answer("UNAUTHORIZED", str(error), request_id)
        except ScopeMissing as error:
            return self._problems.answer("ACCESS_DENIED", str(error), request_id)
        body = await _body(request)
        if body is None:
            return self._too_large(request_id)
        event = proxy_event(
            request,
            route=route,
            api=self._api,
            path_parameters=parameters,
            body=body,
            claims=claims,
            request_id=request_id,
        )
        payload = json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return self._too_large(request_id)
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
            async with asyncio.timeout(route.timeout_seconds):
                answer = await self._functions.invoke(route.function, payload)
        except TimeoutError:
            late = f"The function did not answer in {route.timeout_seconds:g} seconds."
            return self._problems.answer("INTEGRATION_TIMEOUT", late, request_id)
        if answer.failed:
            _log.error("%s failed: %.500s", route.function, answer.payload)
            ended = "The function ended with an error."
            return self._problems.answer("INTEGRATION_FAILURE", ended, request_id)
        try:
            return http_response(answer.payload)
        except BadAnswer:
            _log.exception("%s answered %.200r", route.function, answer.payload)
            unreadable = "The function's answer could not be read."
            return self._problems.answer("INTEGRATION_FAILURE", unreadable, request_id)

    def _too_large(self, request_id: str) -> web.Response:
        too_large = "The body is larger than a request may be."
        return self._problems.answer("REQUEST_TOO_LARGE", too_large, request_id)

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
