"""The body of an event of API Gateway, whatever stands in it."""

import base64
from contextlib import suppress
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from hypothesis import given
from hypothesis import strategies as st

from api.body import body_bytes
from reporting.errors import BodyTooLarge, MalformedBody, UnsupportedBody
from reporting.strict_json import parse_object


def event(body: str | None, *, encoded: bool, **headers: str) -> APIGatewayProxyEvent:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return APIGatewayProxyEvent({"headers": names or None, "body": body, "isBase64Encoded": encoded})


@given(
    st.none()
    | st.text(max_size=80)
    | st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode()),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["Content-Type", "content-type", "CONTENT-ENCODING", "x"]),
        st.text(max_size=30)
        | st.sampled_from(
            [
                "application/json",
                "application/json; charset=",
                "application/json; charset*=x'y'%ff",
                'a/b; charset="\\',
                "identity",
            ]
        ),
    ),
)
def test_any_event_gives_an_object_or_a_refusal_and_nothing_else(
    body: str | None, encoded: bool, headers: dict[str, str]
) -> None:
    with suppress(UnsupportedBody, BodyTooLarge, MalformedBody):
        given_event = APIGatewayProxyEvent({"headers": headers, "body": body, "isBase64Encoded": encoded})
        assert isinstance(parse_object(body_bytes(given_event, limit=60)), dict)


@given(st.binary(max_size=60))
def test_a_body_in_base64_is_the_bytes_that_were_sent(data: bytes) -> None:
    assert body_bytes(event(base64.b64encode(data).decode(), encoded=True), limit=60) == data


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"content_type": "text/plain"}, UnsupportedBody),
        ({"content_type": "application/json; charset=utf-7"}, UnsupportedBody),
        ({"content_encoding": "gzip"}, UnsupportedBody),
        ({"content_type": "application/json\r\nX-Evil: 1"}, UnsupportedBody),
        ({}, BodyTooLarge),
    ],
)
def test_what_is_no_json_of_a_known_size_is_refused(
    headers: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        body_bytes(event('{"a": 12345}', encoded=False, **headers), limit=10)
