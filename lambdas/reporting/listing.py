"""A tenant's reports, newest first, page by page.

A page ends at a position in the order (time of creation, id) and not at a count: a report that is accepted
meanwhile stands before every position, so that no page shows a report twice or leaves one out.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from reporting.cursors import bad_cursor, decode_cursor, encode_cursor, unknown_cursor
from reporting.database import Database
from reporting.identifiers import is_report_id
from reporting.report import COLUMNS, Report, dump_document
from reporting.rfc3339 import parse_date_time
from reporting.states import Status
from reporting.status import status_document
from reporting.wording import as_json

MAX_PAGE = 100
#: Of the 6 MB that a function may answer (AWS Lambda, "Quotas"): parameters and warnings can be long.
_MOST_BYTES = 5_000_000
_CURSOR = re.compile(r"([0-9]{1,17})\.([0-9a-f-]{36})\.([0-9a-f]{16})")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive and UTC, as DATETIME(6) is read


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which of a tenant's reports. Times are naive and UTC; only ``created_after`` itself still counts."""

    statuses: frozenset[Status] = frozenset()
    report_type: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Reports, and the cursor of the page that follows if there is one."""

    reports: Sequence[Report]
    next: str | None


class Listing:
    """Reads pages of reports. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: Wanted, *, tenant: str, limit: int, cursor: str | None) -> Page:
        """At most ``limit`` reports of ``tenant``, from where ``cursor`` ended: fewer when they are large.

        Raises :class:`reporting.errors.InvalidRequest` for a cursor that is not one of this listing's: it
        belongs to its tenant and its filters.
        """
        scope = _scope(wanted, tenant)
        conditions, values = _conditions(wanted)
        if cursor is not None:
            moment, report_id, _ = _position(cursor, scope)
            conditions.append("(created_at < %s OR (created_at = %s AND id < %s))")
            # The plain bound lets the index begin at the position.
            conditions.append("created_at <= %s")
            values += [moment, moment, report_id, moment]
        filters = "".join(f" AND {condition}" for condition in conditions)
        rows = self._database.query(
            f"SELECT {COLUMNS} FROM reports WHERE tenant = %s{filters}"  # noqa: S608 - constants
            " ORDER BY created_at DESC, id DESC LIMIT %s",
            (tenant, *values, limit + 1),
        )
        found = list(_within([Report.from_row(row) for row in rows[:limit]]))
        more = len(rows) > len(found)
        return Page(reports=found, next=_cursor(found[-1], scope) if more else None)


def _within(reports: Sequence[Report]) -> Iterator[Report]:
    """As many of ``reports`` as fit in an answer, and the first in any case."""
    left = _MOST_BYTES
    for number, report in enumerate(reports):
        # An answer is a text in the JSON of a function's own answer: quotes count twice.
        left -= len(json.dumps(dump_document(status_document(report))))
        if left < 0 and number:
            return
        yield report


def parse_moment(text: str) -> datetime:
    """A time of a filter, RFC 3339 with an offset, as naive UTC.

    Raises :class:`ValueError`, also for the list that a filter becomes when it is given twice.
    """
    try:
        return parse_date_time(text).replace(tzinfo=None)
    except (TypeError, ValueError) as error:
        detail = f"must be a time with an offset such as 2026-01-31T00:00:00Z, got {as_json(text)}"
        raise ValueError(detail) from error


class Position(NamedTuple):
    """Where a page ended, and the scope of its listing."""

    moment: datetime
    report_id: str
    scope: str


def read_cursor(cursor: str) -> Position:
    """Raises :class:`ValueError` for a cursor that no listing of reports has given out."""
    try:
        found = _CURSOR.fullmatch(decode_cursor(cursor))
        if found is None or not is_report_id(found[2]):
            raise ValueError("not a cursor")
        moment = datetime.fromtimestamp(int(found[1]) // 1_000_000, UTC).replace(
            tzinfo=None, microsecond=int(found[1]) % 1_000_000
        )
    except (ValueError, OverflowError, OSError) as error:
        raise unknown_cursor(cursor) from error
    return Position(moment=moment, report_id=found[2], scope=found[3])


def _conditions(wanted: Wanted) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if wanted.statuses:
        conditions.append(f"status IN ({', '.join(['%s'] * len(wanted.statuses))})")
        values += sorted(status.value for status in wanted.statuses)
    for condition, value in (
        ("report_type = %s", wanted.report_type),
        ("created_at >= %s", wanted.created_after),
        ("created_at < %s", wanted.created_before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return conditions, values


def _scope(wanted: Wanted, tenant: str) -> str:
    """What a cursor belongs to. It guards against mistakes; the tenant of a query is always the caller's."""
    statuses = ",".join(sorted(status.value for status in wanted.statuses))
    text = repr((tenant, statuses, wanted.report_type, wanted.created_after, wanted.created_before))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cursor(last: Report, scope: str) -> str:
    since = last.created_at - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return encode_cursor(f"{microseconds}.{last.id}.{scope}")


def _position(cursor: str, scope: str) -> Position:
    try:
        found = read_cursor(cursor)
    except ValueError as error:
        raise bad_cursor(str(error)) from error
    if found.scope != scope:
        raise bad_cursor("belongs to a listing with other filters")
    return found
