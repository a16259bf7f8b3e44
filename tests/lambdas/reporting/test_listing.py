"""Pages of a tenant's reports, on a real database."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporting.cursors import decode_cursor, encode_cursor
from reporting.database import Database
from reporting.errors import InvalidRequest
from reporting.listing import Listing, Wanted, parse_moment
from reporting.report import Report, dump_document
from reporting.repository import Reports
from reporting.states import Status
from reporting.status import status_document
from tests.parts.domain import accept, connect, database, new_report, reports
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server", "reports"]

ALL = Wanted()


@pytest.fixture
def listing(database: Database) -> Listing:
    return Listing(database)


def accepted(reports: Reports, number: int, **changes: object) -> list[Report]:
    """Reports in the order of a listing."""
    return [accept(reports, **changes).report for _ in range(number)][::-1]


def pages(listing: Listing, wanted: Wanted = ALL, *, limit: int = 3, tenant: str = "acme") -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = listing.page(wanted, tenant=tenant, limit=limit, cursor=cursor)
        found.append([report.id for report in page.reports])
        if page.next is None:
            return found
        cursor = page.next


def test_pages_go_from_the_newest_to_the_oldest_and_hold_each_report_once(
    reports: Reports, listing: Listing
) -> None:
    ids = [report.id for report in accepted(reports, 7)]
    assert pages(listing) == [ids[:3], ids[3:6], ids[6:]]
    assert pages(listing, limit=7) == [ids], "a full last page has none after it"


def test_reports_of_one_moment_are_told_apart_by_their_ids(
    reports: Reports, listing: Listing, database: Database
) -> None:
    ids = {report.id for report in accepted(reports, 7)}
    database.execute("UPDATE reports SET created_at = '2026-01-31 12:00:00.000001'")
    assert [id_ for page in pages(listing, limit=2) for id_ in page] == sorted(ids, reverse=True)


def test_what_is_accepted_meanwhile_moves_nothing(reports: Reports, listing: Listing) -> None:
    ids = [report.id for report in accepted(reports, 4)]
    first = listing.page(ALL, tenant="acme", limit=2, cursor=None)
    accepted(reports, 3)
    second = listing.page(ALL, tenant="acme", limit=2, cursor=first.next)
    assert [report.id for report in (*first.reports, *second.reports)] == ids


@pytest.mark.parametrize(("letter", "bytes_of_an_answer"), [("a", 1), ('"', 4), ("é", 6), ("🫠", 12)])
def test_a_page_is_no_larger_than_an_answer_may_be(
    reports: Reports, listing: Listing, letter: str, bytes_of_an_answer: int
) -> None:
    def request(size: int) -> dict[str, Any]:
        return {**new_report().request, "parameters": {"ids": letter * (size // bytes_of_an_answer)}}

    large = [report.id for report in accepted(reports, 9, request=request(1_200_000))]
    huge = accept(reports, request=request(6_000_000)).report.id
    small = accept(reports).report.id
    found = pages(listing, limit=100)
    assert [id_ for page in found for id_ in page] == [small, huge, *large]
    assert all(page == [huge] for page in found if huge in page), "and one that is larger comes alone"
    answers = [
        json.dumps(dump_document([status_document(reports.get(id_)) for id_ in page]))
        for page in found
        if huge not in page
    ]
    assert max(map(len, answers)) < 6_000_000


def test_filters_hold_together(reports: Reports, listing: Listing) -> None:
    plain, cancelled, typed = (
        accept(reports, report_type=name).report for name in (None, "order_ledger", "order_ledger")
    )
    reports.cancel(cancelled.id)
    assert pages(listing, Wanted(report_type="order_ledger")) == [[typed.id, cancelled.id]]
    assert pages(listing, Wanted(statuses=frozenset({Status.CANCELLED}))) == [[cancelled.id]]
    both = frozenset({Status.CANCELLED, Status.QUEUED})
    assert pages(listing, Wanted(statuses=both, report_type="order_ledger")) == [[typed.id, cancelled.id]]
    assert pages(listing, Wanted(created_after=cancelled.created_at)) == [[typed.id, cancelled.id]]
    assert pages(listing, Wanted(created_before=cancelled.created_at)) == [[plain.id]]
    between = Wanted(created_after=cancelled.created_at, created_before=typed.created_at)
    assert pages(listing, between) == [[cancelled.id]]


def test_another_tenants_reports_are_not_listed_and_its_cursor_is_refused(
    reports: Reports, listing: Listing
) -> None:
    accepted(reports, 3)
    assert pages(listing, tenant="other") == [[]]
    cursor = listing.page(ALL, tenant="acme", limit=1, cursor=None).next
    with pytest.raises(InvalidRequest, match="other filters"):
        listing.page(ALL, tenant="other", limit=1, cursor=cursor)
    with pytest.raises(InvalidRequest, match="other filters"):
        listing.page(Wanted(report_type="x"), tenant="acme", limit=1, cursor=cursor)


def test_a_cursor_that_somebody_made_shows_the_callers_own_reports(
    reports: Reports, listing: Listing
) -> None:
    """What a cursor belongs to can be calculated: it keeps out mistakes, and the query keeps out tenants."""
    mine, theirs = accept(reports).report, accept(reports, tenant="other").report
    newest = accept(reports).report
    own = listing.page(ALL, tenant="acme", limit=1, cursor=None).next
    assert own is not None
    moment, _, scope = decode_cursor(own).split(".")
    for report_id in (theirs.id, newest.id, "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        for position in (moment, "99999999999999999", "0"):
            page = listing.page(
                ALL, tenant="acme", limit=100, cursor=encode_cursor(f"{position}.{report_id}.{scope}")
            )
            assert {report.id for report in page.reports} <= {mine.id, newest.id}


@given(
    cursor=st.text(max_size=90)
    | st.binary(max_size=70).map(lambda data: base64.urlsafe_b64encode(data).decode())
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_text_is_a_cursor_or_refused(listing: Listing, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        listing.page(ALL, tenant="acme", limit=1, cursor=cursor)


@pytest.mark.parametrize("cursor", ["", "x", "é", "MTIz", "OTk5OTk5OTk5OTk5OTk5OTkuMDE5MGY1ZmU", "=" * 5000])
def test_what_is_no_cursor_is_refused(listing: Listing, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="not one that a listing has given out"):
        listing.page(ALL, tenant="acme", limit=1, cursor=cursor)


def test_a_listing_reads_along_its_index(reports: Reports, listing: Listing, database: Database) -> None:
    accepted(reports, 30)
    # The server gathers what it plans by in the background, at a time of its own.
    database.query("ANALYZE TABLE reports")
    [plan] = database.query(
        "EXPLAIN SELECT id FROM reports WHERE tenant = 'acme' AND created_at <= UTC_TIMESTAMP(6)"
        " ORDER BY created_at DESC, id DESC LIMIT 3"
    )
    assert "reports_of_tenant_by_time" in plan
    assert not any("filesort" in str(column) for column in plan)


def test_a_moment_is_read_with_its_offset() -> None:
    late = parse_moment("2026-01-31T22:30:00-03:00")
    assert (late.isoformat(), late - timedelta(hours=1, minutes=30)) == (
        "2026-02-01T01:30:00",
        parse_moment("2026-02-01T00:00:00Z"),
    )
    for text in ("2026-01-31", "2026-01-31T00:00:00", "yesterday"):
        with pytest.raises(ValueError, match=f'must be a time with an offset .*, got "{text}"'):
            parse_moment(text)
