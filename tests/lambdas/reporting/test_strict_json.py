"""Bodies that two readers could take for two things are refused, with a code and a place."""

import contextlib
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.errors import MalformedBody
from reporting.strict_json import parse_object
from tests.parts.processes import once_below


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":NaN}', "invalid_json"),
        (b'{"a":-Infinity}', "invalid_json"),
        (b'{"a":1e400}', "number_out_of_range"),
        (b'{"a":-1e400}', "number_out_of_range"),
        (b'{"a":1e-400}', "number_out_of_range"),
        (b'{"a":1e99999999999999999999}', "number_out_of_range"),
        (b'{"n": 1' + b"0" * 4300 + b"}", "number_out_of_range"),
        (b'{"n": 0.' + b"1" * 4300 + b"}", "number_out_of_range"),
        (b"[" * 100_000 + b"]" * 100_000, "nesting_too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nesting_too_deep"),
        (b'{"type":"xlsx","type":"pdf"}', "duplicate_key"),
        (b'{"a":{"b":1,"b":1}}', "duplicate_key"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        ('{"a":1}'.encode("utf-16"), "invalid_utf8"),
        (b"5", "not_an_object"),
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'""', "not_an_object"),
        (b"true", "not_an_object"),
        (b"", "empty_body"),
        (b" \n ", "empty_body"),
        (b"{} trailing", "invalid_json"),
        (b"{'a':1}", "invalid_json"),
        (b'{"a":01}', "invalid_json"),
        (b'{"a":"\x01"}', "invalid_json"),
        (b'{"rows":[["bad \\ud83d end"]]}', "invalid_unicode"),
        (b'{"\\udc00":1}', "invalid_unicode"),
        (b'["\\ud83d"', "invalid_json"),
    ],
)
def test_a_body_that_is_not_one_thing_to_every_reader_is_refused(body: bytes, code: str) -> None:
    # Case C15.
    with pytest.raises(MalformedBody) as caught:
        parse_object(body)
    assert caught.value.code == code


_LARGEST = 4_500_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * _LARGEST,
        b'{"a":' * (_LARGEST // 5),
        b'{"n":' + b"1" * (_LARGEST - 6) + b"}",
        b'{"n":1.' + b"1" * (_LARGEST - 8) + b"}",
        b'{"n":1e' + b"1" * (_LARGEST - 8) + b"}",
        b'{"a":"' + b"\\" * (_LARGEST - 7) + b'"}',
        b'{"a":"' + b"\xff" * (_LARGEST - 8) + b'"}',
        b" " * _LARGEST,
        b"\xef\xbb\xbf",
    ],
    ids=lambda body: f"{body[:8]!r} and so on",
)
def test_c15_a_hostile_body_is_refused_in_a_tenth_of_a_second(body: bytes) -> None:
    def parse() -> float:
        # Of this thread alone: what else this process and the machine have to do is no matter.
        started = time.thread_time()
        with pytest.raises(MalformedBody):
            parse_object(body)
        return time.thread_time() - started

    once_below(0.1, parse)


def test_the_refusal_of_half_a_surrogate_pair_says_where_it_is() -> None:
    with pytest.raises(MalformedBody) as caught:
        parse_object(b'{"table":{"rows":[["ok"],["bad \\ud83d end"]]}}')
    assert caught.value.pointer == "/table/rows/1/0"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"a":"\x01"}', "Invalid control character at line 1, column 7."),
        (b'{"a":"x', "Unterminated string at line 1, column 6."),
        (b'{"a" 1}', "Expecting ':' delimiter at line 1, column 6."),
    ],
)
def test_a_refusal_says_once_where_something_is_wrong(body: bytes, detail: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        parse_object(body)
    assert str(caught.value) == detail


def test_the_refusal_of_a_duplicate_key_names_it() -> None:
    with pytest.raises(MalformedBody, match="'type'"):
        parse_object(b'{"type":"xlsx","type":"pdf"}')


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_a_leading_byte_order_mark_is_ignored() -> None:
    assert parse_object(b"\xef\xbb\xbf{}") == {}


def test_decimals_keep_every_digit() -> None:
    body = parse_object(b'{"a":12345678901234567.89,"b":0.10,"c":451408537017909248}')
    assert body == {"a": Decimal("12345678901234567.89"), "b": Decimal("0.10"), "c": 451408537017909248}
    assert str(body["b"]) == "0.10"


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), _json, max_size=5))
def test_every_object_without_trouble_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_an_object_or_a_refusal_and_nothing_else(body: bytes) -> None:
    with contextlib.suppress(MalformedBody):
        assert isinstance(parse_object(body), dict)
