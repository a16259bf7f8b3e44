"""What the gateway answers itself, from the gateway responses of the deployed API."""

import json
import re
from collections.abc import Iterable

from aiohttp import web

from local.deployment import GatewayResponse


class Problems:
    """Renders gateway responses.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """

    def __init__(self, responses: Iterable[GatewayResponse]) -> None:
        self._responses = {response.kind: response for response in responses}

    def answer(self, kind: str, detail: str, request_id: str) -> web.Response:
        """The answer of a kind such as ``UNAUTHORIZED``; ``detail`` is what went wrong."""
        response = self._responses[kind]
        values = {
            "$context.error.messageString": json.dumps(detail, ensure_ascii=False),
            "$context.requestId": request_id,
        }
        body = re.sub(r"\$context\.[A-Za-z.]+", lambda match: values[match[0]], response.template)
        return web.Response(status=response.status, body=body.encode(), headers=response.headers)
