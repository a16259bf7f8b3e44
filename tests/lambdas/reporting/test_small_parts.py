"""Ids, trace contexts, messages, lanes, backoff, settings: small and pure."""

import base64
import contextlib
import json
import re
import uuid
from decimal import Decimal

import pytest
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rendering.errors import BadValue
from reporting.deliveries import deliveries
from reporting.errors import DatabaseUnavailable, TimeLimit
from reporting.idempotency import body_hash, key_problems
from reporting.identifiers import (
    is_report_id,
    new_dataset_id,
    new_object_token,
    new_report_id,
    trace_id,
    traceparent,
)
from reporting.lanes import Lanes, dead_letter_queue
from reporting.messages import MAX_BYTES, MalformedMessage, ReportMessage
from reporting.report import dump_document, load_document
from reporting.retries import Backoff, error_document, is_transient
from reporting.rfc3339 import parse_date_time
from reporting.settings import BrokerSettings, LinkSettings

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_ids_are_uuids_of_version_7_that_grow_with_time() -> None:
    ids = [new_report_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {uuid.UUID(value).version for value in ids} == {7}
    times = [uuid.UUID(value).int >> 80 for value in ids]
    assert times == sorted(times)


def test_what_names_a_report_or_a_file_is_random() -> None:
    """Ids share no more than their moment, the version and the variant (RFC 9562, section 5.7)."""
    for make, fixed in (
        (new_report_id, {14, 19}),
        (new_dataset_id, {14, 19}),
        (new_object_token, set[int]()),
    ):
        made = [make() for _ in range(500)]
        length = len(made[0])
        random_from = 15 if length == 36 else 0
        for place in range(random_from, length):
            found = {text[place] for text in made}
            if "-" not in found and place not in fixed:
                assert len(found) == 16, f"{make.__name__}, character {place}"
        assert length in (32, 36)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 36, "00000000000000000000000000000000", "URN:UUID:" + "0" * 32, "1; DROP"]
)
def test_other_spellings_are_no_ids(text: str) -> None:
    assert not is_report_id(text)


def test_an_id_in_capitals_is_not_the_id_that_was_given_out() -> None:
    assert not is_report_id("0190f5fe-7c00-7a00-8000-ABCDEF012345")


def test_what_keeps_keys_of_objects_from_being_guessed_has_128_random_bits() -> None:
    """Case F13."""
    tokens = {new_object_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)
    # Each bit is set in about half of them.
    for bit in range(128):
        assert 350 < sum(int(token, 16) >> bit & 1 for token in tokens) < 650


@pytest.mark.parametrize("seconds", ["0", "-5", "59", "604801", "3600.5", "1h"])
def test_a_life_of_links_out_of_range_is_an_error_of_the_configuration(seconds: str) -> None:
    """Case F05."""
    environment = {
        "LINK_BASE_URL": "https://d.example",
        "LINK_KEY_PAIR_ID": "K1",
        "LINK_PRIVATE_KEY_SECRET_ARN": "a",
    }
    assert LinkSettings.from_environment({**environment, "LINK_TTL_SECONDS": "3600"}).link_ttl_seconds == 3600
    with pytest.raises(ValidationError, match="link_ttl_seconds"):
        LinkSettings.from_environment({**environment, "LINK_TTL_SECONDS": seconds})


def test_the_callers_trace_goes_on_and_a_broken_one_is_replaced() -> None:
    assert traceparent(header=PARENT, xray=None) == PARENT
    from_xray = traceparent(header=None, xray="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    assert from_xray.split("-")[1] == "5759e988bd862e3fe1be46a994272793"
    for broken in ("nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", PARENT + "\r\nX: y"):
        fresh = traceparent(header=broken, xray=None)
        assert fresh != broken
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fresh)


def test_a_message_travels_unchanged_and_stays_small() -> None:
    message = ReportMessage(report_id=new_report_id(), attempt=3, traceparent=PARENT)
    text = message.to_json()
    assert ReportMessage.from_json(text) == message
    assert len(text) < MAX_BYTES
    assert json.loads(text).keys() == {"schema_version", "report_id", "attempt", "traceparent"}, "ids alone"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"schema_version":2}',
        '{"schema_version":1,"report_id":"x"}',
        '{"schema_version":1,"report_id":"0190f5fe-7c00-7a00-8000-000000000000","attempt":1}',
        '{"schema_version":1,"report_id":"0190f5fe-7c00-7a00-8000-000000000000","attempt":1,"traceparent":"x"}',
        '{"schema_version":1,"report_id":"0190f5fe-7c00-7a00-8000-000000000000","attempt":true,'
        f'"traceparent":"{PARENT}"}}',
        "[" * 99_999,
    ],
)
def test_what_is_no_message_of_ours_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedMessage):
        ReportMessage.from_json(text)


@given(st.text())
def test_any_text_is_a_message_or_a_malformed_one(text: str) -> None:
    with contextlib.suppress(MalformedMessage):
        assert ReportMessage.from_json(text).attempt >= 1


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=6,
)
#: Messages of which each field is right, or something else, or not there.
_MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "schema_version": st.just(1) | _ANYTHING,
        "report_id": st.just("0190f5fe-7c00-7a00-8000-000000000000") | _ANYTHING,
        "attempt": st.integers(1, 3) | _ANYTHING,
        "traceparent": st.just(PARENT) | st.from_regex(r"00-[0-9a-f-]{0,53}", fullmatch=True) | _ANYTHING,
        "more": _ANYTHING,
    },
)


@given(_MESSAGES)
def test_a_message_with_any_fields_is_one_that_can_be_worked_on_or_a_malformed_one(
    fields: dict[str, object],
) -> None:
    with contextlib.suppress(MalformedMessage):
        message = ReportMessage.from_json(json.dumps(fields))
        assert is_report_id(message.report_id)
        assert message.attempt >= 1
        # A worker's log lines and metrics carry it before anything else is done.
        assert len(trace_id(message.traceparent)) == 32


_DATA = st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode()) | st.text(max_size=60)


@given(st.lists(st.tuples(st.text(max_size=80), st.sampled_from(["physicalName", "physicalname"]), _DATA)))
def test_any_event_of_the_broker_is_deliveries_whose_bodies_are_texts_that_can_be_stored(
    sent: list[tuple[str, str, str]],
) -> None:
    event = ActiveMQEvent(
        {
            "eventSource": "aws:mq",
            "eventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:b",
            "messages": [
                {"messageID": name, "destination": {spelling: "q"}, "data": data, "properties": {}}
                for name, spelling, data in sent
            ],
        }
    )
    found = list(deliveries(event))
    assert found == list(deliveries(event)), "the same for each delivery"
    assert len(found) == len(sent)
    for delivery in found:
        assert delivery.queue == "q"
        assert 0 < len(delivery.message_id.encode()) <= 2000
        delivery.body.encode()
        with contextlib.suppress(MalformedMessage):
            ReportMessage.from_json(delivery.body)


def test_a_report_waits_in_the_lane_of_its_size_and_priority() -> None:
    lanes = Lanes({"interactive": ["i0"], "bulk": ["b0"]}, bulk_rows=100)
    places = {
        (priority, rows): lanes.place(report_id="r", priority=priority, rows=rows)
        for priority in ("low", "normal", "high")
        for rows in (None, 100, 101)
    }
    assert places["low", 100].lane == "bulk"
    assert places["normal", None].lane == places["normal", 100].lane == "interactive"
    assert places["high", 101].lane == "bulk"
    assert (places["normal", 100].priority, places["high", 100].priority) == (4, 8)


def test_shards_share_the_reports() -> None:
    lanes = Lanes({"interactive": ["i0", "i1", "i2"], "bulk": ["b"]}, bulk_rows=1)
    queues = [lanes.place(report_id=new_report_id(), priority="high", rows=0).queue for _ in range(300)]
    assert all(queues.count(queue) > 50 for queue in ("i0", "i1", "i2"))
    assert dead_letter_queue("i0") == "DLQ.i0"


def test_a_lane_without_a_queue_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="bulk"):
        Lanes({"interactive": ["i"], "bulk": []}, bulk_rows=1)


@given(st.integers(1, 10_000))
def test_delays_grow_up_to_the_cap_and_are_spread(attempt: int) -> None:
    delay = Backoff(base_seconds=2, cap_seconds=60).delay(attempt)
    full = min(60, 2 * 2 ** min(attempt - 1, 20))
    assert full / 2 <= delay <= full


def test_errors_are_told_apart_and_told_without_their_insides() -> None:
    assert is_transient(DatabaseUnavailable("x"))
    assert is_transient(RuntimeError("a bug"))
    assert not is_transient(TimeLimit("x"))
    assert not is_transient(BadValue("x"))
    document = error_document(
        RuntimeError("SELECT secret FROM /etc/passwd"), retryable=True, traceparent=PARENT
    )
    assert document["code"] == "internal"
    assert "secret" not in document["detail"]
    assert "0af7651916cd43dd8448eb211c80319c" in document["detail"]


@pytest.mark.parametrize(
    "key",
    ["", " ", " a", "a ", "a\nb", "a\n", "a\r\nX-Admin: 1", "a\tb", "ação", "x" * 256, "x" * 10_000, "\x00"],
)
def test_c04_a_key_that_headers_can_not_carry_is_refused(key: str) -> None:
    [problem] = key_problems(key)
    assert (problem.pointer, problem.code) == ("", "invalid_idempotency_key")


@pytest.mark.parametrize("key", ["a", "x" * 255, "order 17", "f1b0-~!"])
def test_printable_keys_are_taken(key: str) -> None:
    assert key_problems(key) == []


def test_order_and_white_space_do_not_make_another_body_and_digits_do() -> None:
    assert body_hash({"a": 1, "b": [1, 2]}) == body_hash({"b": [1, 2], "a": 1})
    assert body_hash({"a": 1}) != body_hash({"a": Decimal("1.0")})
    assert body_hash({"a": [1, 2]}) != body_hash({"a": [2, 1]})


@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers())
def test_stored_numbers_come_back_with_their_digits(number: Decimal | int) -> None:
    assert load_document(dump_document({"n": number}))["n"] == number


@pytest.mark.parametrize("offset", ["+00:60", "-03:99", "+24:00", "+0300", "+03", "", " +03:00", "+03:00:00"])
def test_an_offset_that_rfc_3339_does_not_know_is_refused(offset: str) -> None:
    with pytest.raises(ValueError, match=r"date-time|offset"):
        parse_date_time(f"2026-01-31T12:00:00{offset}")


@pytest.mark.parametrize(
    ("offset", "hour"), [("Z", 12), ("z", 12), ("-00:00", 12), ("+11:59", 0), ("-03:00", 15)]
)
def test_an_offset_is_taken_off(offset: str, hour: int) -> None:
    assert parse_date_time(f"2026-01-31T12:00:00{offset}").hour == hour


def test_missing_settings_are_all_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        BrokerSettings.from_environment({"LANE_QUEUES": "not json", "UNRELATED": "x"})
    assert {error["loc"][0] for error in caught.value.errors()} == {
        "broker_endpoints",
        "broker_secret_arn",
        "lane_queues",
    }
