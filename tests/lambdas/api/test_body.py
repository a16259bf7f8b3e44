"""What is read of the event that API Gateway hands over, before anything is understood (case C16)."""

import base64
import gzip
from contextlib import suppress
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from hypothesis import given
from hypothesis import strategies as st

from api.body import body_bytes
from reporting.errors import BodyTooLarge, MalformedBody, UnsupportedBody
from reporting.strict_json import parse_object

#: What a deployed service has.
LIMIT = 4_500_000
JSON = {"Content-Type": "application/json"}


def read(body: str | None, *, encoded: bool = False, headers: dict[str, str] | None = JSON) -> bytes:
    event: dict[str, Any] = {"body": body, "isBase64Encoded": encoded, "headers": headers}
    return body_bytes(APIGatewayProxyEvent(event), limit=LIMIT)


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_c16_a_body_is_the_same_bytes_as_text_and_as_base64() -> None:
    text = '{"title":"Relatório 😀"}'
    assert read(text) == read(in_base64(text.encode()), encoded=True) == text.encode()
    assert read(None) == read(None, encoded=True) == read("") == b""


@pytest.mark.parametrize("text", ["{}", "e30", "e30=\n=", "e3 0=", "e30=e30=", "é", "_-8="])
def test_c16_what_is_marked_as_base64_and_is_not_is_malformed(text: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        read(text, encoded=True)
    assert refused.value.code == "invalid_base64"


@pytest.mark.parametrize("encoded", [True, False])
def test_c16_a_body_up_to_the_limit_is_taken_and_above_it_a_dataset_is_the_way(*, encoded: bool) -> None:
    for size in (4_400_000, LIMIT):
        data = b"x" * size
        assert len(read(in_base64(data) if encoded else data.decode(), encoded=encoded)) == size
    for size in (LIMIT + 1, 6_100_000):
        data = b"x" * size
        with pytest.raises(BodyTooLarge, match="POST /datasets") as refused:
            read(in_base64(data) if encoded else data.decode(), encoded=encoded)
        assert str(size) in str(refused.value)
        assert str(LIMIT) in str(refused.value)


def test_c16_the_limit_counts_bytes_and_not_characters() -> None:
    with pytest.raises(BodyTooLarge):
        read("é" * (LIMIT // 2 + 1))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"CONTENT-ENCODING": "GZIP"},
        {"content-encoding": "br"},
        {"content-encoding": "identity, gzip"},
        {"content-type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"CONTENT-TYPE": 'APPLICATION/JSON; CHARSET="ISO-8859-1"'},
        {"Content-Type": "application/json;charset=utf-16"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/csv; charset=utf-8"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
    ],
    ids=repr,
)
def test_c16_another_encoding_charset_or_media_type_is_not_supported(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedBody):
        read(in_base64(gzip.compress(b"{}")), encoded=True, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"content-type": "application/json"},
        {"CONTENT-TYPE": "Application/JSON ; Charset=UTF-8"},
        {"Content-Type": 'application/json; charset="utf-8"'},
        {"Content-Type": "application/vnd.api+json"},
        {"Content-Encoding": "identity"},
    ],
    ids=repr,
)
def test_c16_json_in_utf_8_is_taken_however_it_is_written(headers: dict[str, str] | None) -> None:
    assert read("{}", headers=headers) == b"{}"


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
