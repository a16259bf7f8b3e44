"""A client of the deployed API, and of the emulator's AWS."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.session import Session

from tests.smoke.emulator import OPENER, REGION, Emulator


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the API said: the status, the document, and its media type."""

    status: int
    media_type: str
    document: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Client:
    """``outputs`` are those of the stacks: the addresses that users of the real thing would get."""

    emulator: Emulator
    outputs: Mapping[str, str]

    def aws(self, service: str) -> Any:
        """A client; typed by nobody, since the services are many and used once."""
        # The caller's own AWS profile, files and proxy have no say here.
        session = Session(session_vars={"profile": (None, None, None, None)})
        session.set_config_variable("config_file", "/dev/null")
        session.set_config_variable("credentials_file", "/dev/null")
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.emulator.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1}),
        )

    def token(self, *scopes: str) -> str:
        """An access token of a new app client with these scopes, by its credentials."""
        names = [f"reports/{scope}" for scope in scopes]
        made = self.aws("cognito-idp").create_user_pool_client(
            UserPoolId=self.outputs["UserPoolId"],
            ClientName=f"smoke-{'-'.join(scopes)}",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=names,
        )["UserPoolClient"]
        basic = base64.b64encode(f"{made['ClientId']}:{made['ClientSecret']}".encode()).decode()
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": " ".join(names)})
        host, path = _address(self.outputs["TokenUrl"])
        answer = self._send(
            "POST",
            path,
            host=host,
            body=form.encode(),
            headers={
                "Authorization": f"Basic {basic}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        return str(answer.document["access_token"])

    def call(self, method: str, path: str, *, token: str | None = None, body: object = None) -> Answer:
        """Call ``path`` below the address of the API."""
        host, base = _address(self.outputs["Url"])
        # The emulator knows an API by the first part of its host's name.
        name = f"{host.split('.')[0]}.execute-api.localhost"
        return self._send(
            method,
            base + path,
            host=name,
            body=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {token}"} if token is not None else {}),
            },
        )

    def function(self, handler: str) -> str:
        """The name of the function whose handler is ``handler``."""
        pages = self.aws("lambda").get_paginator("list_functions").paginate()
        names = [f["FunctionName"] for page in pages for f in page["Functions"] if f["Handler"] == handler]
        assert len(names) == 1, f"one function should have the handler {handler}: {names}"
        return str(names[0])

    def invoke(self, handler: str, event: object) -> Any:
        """What the function whose handler is ``handler`` answers; an error of it is one here."""
        answer = self.aws("lambda").invoke(
            FunctionName=self.function(handler), Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, f"{handler} failed: {payload}"
        return json.loads(payload)

    def _send(
        self, method: str, path: str, *, host: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - the emulator's
            self.emulator.endpoint + path, data=body, method=method, headers={"Host": host, **headers}
        )
        try:
            response = OPENER.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode()
            media_type = response.headers.get_content_type()
        try:
            document = json.loads(text)
        except ValueError:
            raise AssertionError(
                f"{method} {path} answered {response.status}, no JSON: {text[:500]}"
            ) from None
        return Answer(status=response.status, media_type=media_type, document=document)


def _address(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.netloc, parts.path
