"""Fairness: a tenant has at most so many messages of a lane in the broker; the rest wait in MySQL.

Each report that is not done has an entry: out (its message is sent or being sent) or waiting. A report that
is to be tried again stays out, so that its further messages need no room. The row of ``tenant_lanes`` is the
lock of all that changes a tenant's entries of a lane. It is taken before anything is read without a lock, so
that the transaction's snapshot is not older than the lock; and entries are read without locks and changed by
their primary key, so that no gap is locked.

A transaction may hold the row of its own report when it takes the lock. Nothing that holds the lock waits for
the row of a report, so the two can't wait for each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from pymysql.cursors import Cursor

from reporting import outbox
from reporting.database import Database
from reporting.lanes import message_priority
from reporting.outbox import OutboxMessage, OutboxRow

#: Reports with their entries, those that are not held back, and since when such a one could be taken up.
JOINED = "reports LEFT JOIN window_entries ON window_entries.report_id = reports.id"
NOT_HELD = "(window_entries.report_id IS NULL OR window_entries.out_at IS NOT NULL)"
READY_AT = "COALESCE(reports.next_retry_at, window_entries.out_at, reports.created_at)"
#: The order in which a tenant's waiting reports follow; the older one first where it is the same.
_PLACES = {"high": 0, "normal": 1, "low": 2}
_NORMAL = message_priority("normal")
#: How many ``high`` reports of a tenant go ahead of others' at the same time, further ones go as ``normal``:
#: fewer than the five workers of a queue, so that a flood of them leaves workers for the rest of the queue.
HIGH_AT_ONCE = 2
#: What follows at once where a lane has no limit; the relay lets the rest follow.
_NO_LIMIT = 1000


class Window:
    """How many messages of one tenant may be out, by lane. A lane that is missing has no limit."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        for lane, size in sizes.items():
            if size < 1:
                raise ValueError(f"tenant_window of the lane {lane} must be at least 1, got {size}")
        self._sizes = dict(sizes)

    def enter(
        self, cursor: Cursor, *, report_id: str, tenant: str, lane: str, priority: str, first: OutboxMessage
    ) -> list[OutboxRow]:
        """Store a new report's first message: to be sent now, or to wait. Returns what is to be sent.

        The caller has called :func:`lock` at the start of its transaction.
        """
        is_out = self._room(cursor, tenant, lane) > 0 and not _waits(cursor, tenant, lane)
        ahead = is_out and priority == "high" and _ahead(cursor, tenant, lane) < HIGH_AT_ONCE
        [row] = outbox.insert(cursor, [first if ahead else _behind(first)])
        cursor.execute(
            "INSERT INTO window_entries (report_id, tenant, lane, out_at, place, ahead, outbox_id)"
            " VALUES (%s, %s, %s, IF(%s, UTC_TIMESTAMP(6), NULL), %s, %s, %s)",
            (report_id, tenant, lane, is_out, _PLACES[priority], ahead, row.id),
        )
        if is_out:
            return [row]
        outbox.hold(cursor, row.id)
        return []

    def leave(self, cursor: Cursor, *, report_id: str, tenant: str, lane: str) -> list[OutboxRow]:
        """Give up the place of a report that is done, and let the next ones follow. Returns their messages.

        Nothing was read without a lock in the caller's transaction before :func:`lock`.
        """
        lock(cursor, tenant=tenant, lane=lane)
        cursor.execute("SELECT out_at, outbox_id FROM window_entries WHERE report_id = %s", (report_id,))
        entry = cursor.fetchone()
        if entry is None:
            # Sent outside of the window; the others' room is what it was.
            return []
        out_at, outbox_id = entry
        if out_at is None:
            outbox.drop(cursor, outbox_id)
        cursor.execute("DELETE FROM window_entries WHERE report_id = %s", (report_id,))
        return self._follow(cursor, tenant, lane)

    def recover(self, database: Database, *, limit: int) -> list[OutboxRow]:
        """Let follow what has room and waits all the same. Returns the messages to be sent.

        A window that became larger leaves such reports behind, and so do entries of reports that were ended
        or deleted past this module. At most ``limit`` of those are taken away first.
        """
        stale = database.query(
            "SELECT e.report_id, e.tenant, e.lane FROM window_entries e LEFT JOIN reports r"
            " ON r.id = e.report_id WHERE r.id IS NULL"
            " OR r.status IN ('succeeded', 'failed', 'cancelled', 'expired') LIMIT %s",
            (limit,),
        )
        rows: list[OutboxRow] = []
        for report_id, tenant, lane in stale:
            gone = partial(self.leave, report_id=str(report_id), tenant=str(tenant), lane=str(lane))
            rows += database.transaction(gone)
        waiting = database.query(
            "SELECT tenant, lane, COUNT(out_at) FROM window_entries GROUP BY tenant, lane"
            " HAVING COUNT(out_at) < COUNT(*)"
        )
        for tenant, lane, out in waiting:
            if int(str(out)) < self._sizes.get(str(lane), _NO_LIMIT):
                rows += database.transaction(partial(self._fill, tenant=str(tenant), lane=str(lane)))
        return rows

    def _fill(self, cursor: Cursor, *, tenant: str, lane: str) -> list[OutboxRow]:
        lock(cursor, tenant=tenant, lane=lane)
        return self._follow(cursor, tenant, lane)

    def _follow(self, cursor: Cursor, tenant: str, lane: str) -> list[OutboxRow]:
        room = self._room(cursor, tenant, lane)
        if room < 1:
            return []
        cursor.execute(
            "SELECT report_id, outbox_id, place FROM window_entries WHERE tenant = %s AND lane = %s"
            " AND out_at IS NULL ORDER BY place, outbox_id LIMIT %s",
            (tenant, lane, room),
        )
        rows: list[OutboxRow] = []
        following = cursor.fetchall()
        others = _ahead(cursor, tenant, lane)
        for report_id, outbox_id, place in following:
            ahead = place == _PLACES["high"] and others < HIGH_AT_ONCE
            others += ahead
            cursor.execute(
                "UPDATE window_entries SET out_at = UTC_TIMESTAMP(6), ahead = %s WHERE report_id = %s",
                (ahead, report_id),
            )
            priority = message_priority("high") if ahead else _NORMAL
            rows += outbox.release(cursor, outbox_id, priority=priority)
        return rows

    def _room(self, cursor: Cursor, tenant: str, lane: str) -> int:
        size = self._sizes.get(lane)
        if size is None:
            return _NO_LIMIT
        cursor.execute(
            "SELECT COUNT(*) FROM window_entries WHERE tenant = %s AND lane = %s AND out_at IS NOT NULL",
            (tenant, lane),
        )
        [out] = cursor.fetchone() or (0,)
        return size - int(out)


def lock(cursor: Cursor, *, tenant: str, lane: str) -> None:
    """Let one transaction at a time change the tenant's entries of a lane.

    A duplicate of a primary key locks its record and no gap (MySQL 8.4 manual, "Locks Set by Different SQL
    Statements in InnoDB").
    """
    cursor.execute(
        "INSERT INTO tenant_lanes (tenant, lane) VALUES (%s, %s) ON DUPLICATE KEY UPDATE lane = lane",
        (tenant, lane),
    )


def bounded(cursor: Cursor, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
    """Further messages of reports, ahead of others' only if their report is."""
    return [
        message if message.priority == _NORMAL or _is_ahead(cursor, message) else _behind(message)
        for message in messages
    ]


def held_back(database: Database) -> int:
    """How many reports wait for their tenant's window."""
    [[number]] = database.query("SELECT COUNT(*) FROM window_entries WHERE out_at IS NULL")
    return int(str(number))


def position(database: Database, report_id: str) -> int | None:
    """The place of a waiting report among its tenant's of the lane, from 1; ``None`` once it is out."""
    [[found, before]] = database.query(
        "SELECT COUNT(DISTINCT own.report_id), COUNT(other.report_id) FROM window_entries own"
        " LEFT JOIN window_entries other ON other.tenant = own.tenant AND other.lane = own.lane"
        " AND other.out_at IS NULL AND (other.place, other.outbox_id) < (own.place, own.outbox_id)"
        " WHERE own.report_id = %s AND own.out_at IS NULL",
        (report_id,),
    )
    return int(str(before)) + 1 if found else None


def _ahead(cursor: Cursor, tenant: str, lane: str) -> int:
    """How many reports of a tenant go ahead of others'."""
    cursor.execute(
        "SELECT COUNT(*) FROM window_entries WHERE tenant = %s AND lane = %s AND ahead", (tenant, lane)
    )
    [ahead] = cursor.fetchone() or (0,)
    return int(ahead)


def _is_ahead(cursor: Cursor, message: OutboxMessage) -> bool:
    cursor.execute(
        "SELECT 1 FROM window_entries WHERE report_id = %s AND ahead", (message.message.report_id,)
    )
    return cursor.fetchone() is not None


def _behind(message: OutboxMessage) -> OutboxMessage:
    return replace(message, priority=_NORMAL)


def _waits(cursor: Cursor, tenant: str, lane: str) -> bool:
    cursor.execute(
        "SELECT 1 FROM window_entries WHERE tenant = %s AND lane = %s AND out_at IS NULL LIMIT 1",
        (tenant, lane),
    )
    return cursor.fetchone() is not None
