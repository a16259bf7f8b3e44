"""The transactional outbox: messages are written with the rows they speak of and sent after the commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pymysql.cursors import Cursor

from reporting.database import Database
from reporting.messages import ReportMessage

#: How long the writer of a row has to send it itself before the relay may take it.
GRACE_SECONDS = 10
#: How long a relay has for the rows that it took before another may take them.
CLAIM_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxMessage:
    """A message for ``queue``, to be delivered after ``delay_seconds``."""

    queue: str
    priority: int
    message: ReportMessage
    delay_seconds: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxRow:
    """A stored message that is not known to be in the broker."""

    id: int
    report_id: str
    queue: str
    priority: int
    body: str
    delay_ms: int


def insert(cursor: Cursor, messages: Iterable[OutboxMessage]) -> list[OutboxRow]:
    """Store messages in the caller's transaction."""
    rows = []
    for outgoing in messages:
        body = outgoing.message.to_json()
        cursor.execute(
            "INSERT INTO outbox (report_id, queue, priority, body, deliver_at, created_at, available_at,"
            " tries) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND, UTC_TIMESTAMP(6),"
            " UTC_TIMESTAMP(6) + INTERVAL %s SECOND, 0)",
            (
                outgoing.message.report_id,
                outgoing.queue,
                outgoing.priority,
                body,
                int(outgoing.delay_seconds * 1_000_000),
                GRACE_SECONDS,
            ),
        )
        rows.append(
            OutboxRow(
                id=cursor.lastrowid,
                report_id=outgoing.message.report_id,
                queue=outgoing.queue,
                priority=outgoing.priority,
                body=body,
                delay_ms=int(outgoing.delay_seconds * 1000),
            )
        )
    return rows


def hold(cursor: Cursor, outbox_id: int) -> None:
    """Keep a stored message from every sender until :func:`release`."""
    cursor.execute("UPDATE outbox SET available_at = NULL WHERE id = %s", (outbox_id,))


def release(cursor: Cursor, outbox_id: int, *, priority: int) -> list[OutboxRow]:
    """Give a held message to the caller, to be sent after its commit; the relay may take it later.

    Nothing is returned for a message that is gone: the relay makes another for a report without one.
    """
    cursor.execute(
        "UPDATE outbox SET available_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND, priority = %s WHERE id = %s",
        (GRACE_SECONDS, priority, outbox_id),
    )
    cursor.execute("SELECT id, report_id, queue, priority, body FROM outbox WHERE id = %s", (outbox_id,))
    return [
        OutboxRow(id=row[0], report_id=row[1], queue=row[2], priority=row[3], body=row[4], delay_ms=0)
        for row in cursor.fetchall()
    ]


def drop(cursor: Cursor, outbox_id: int) -> None:
    """Delete a held message whose report needs it no more."""
    cursor.execute("DELETE FROM outbox WHERE id = %s", (outbox_id,))


class Outbox:
    """Reads and marks stored messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark_sent(self, ids: Sequence[int]) -> None:
        """Record that the broker has confirmed these messages."""
        if ids:
            self._database.execute(
                "UPDATE outbox SET sent_at = UTC_TIMESTAMP(6) WHERE id IN %s AND sent_at IS NULL",
                (list(ids),),
            )

    def give_back(self, ids: Sequence[int]) -> None:
        """Let the relay's next run send these messages, which their sender could not.

        Without it they would wait for the rest of the time that the sender had for them.
        """
        if ids:
            self._database.execute(
                "UPDATE outbox SET available_at = UTC_TIMESTAMP(6)"
                " WHERE id IN %s AND sent_at IS NULL AND available_at > UTC_TIMESTAMP(6)",
                (list(ids),),
            )

    def take_due(self, *, limit: int) -> list[OutboxRow]:
        """Take unsent messages whose sender had its time. Another relay sees none of them meanwhile.

        The rows are taken in a short transaction and sent afterwards: no lock is held while the broker
        is talked to.
        """

        def take(cursor: Cursor) -> list[OutboxRow]:
            cursor.execute(
                "SELECT id, report_id, queue, priority, body,"
                " GREATEST(0, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deliver_at) DIV 1000)"
                " FROM outbox WHERE sent_at IS NULL AND available_at <= UTC_TIMESTAMP(6)"
                " ORDER BY available_at LIMIT %s FOR UPDATE SKIP LOCKED",
                (limit,),
            )
            rows = [
                OutboxRow(
                    id=row[0], report_id=row[1], queue=row[2], priority=row[3], body=row[4], delay_ms=row[5]
                )
                for row in cursor.fetchall()
            ]
            if rows:
                cursor.execute(
                    "UPDATE outbox SET tries = LEAST(tries + 1, 65535),"
                    " available_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND WHERE id IN %s",
                    (CLAIM_SECONDS, [row.id for row in rows]),
                )
            return rows

        return self._database.transaction(take)

    def purge_sent(self, *, older_than_hours: int, limit: int) -> int:
        """Delete sent messages after their time; returns how many."""
        return self._database.execute(
            "DELETE FROM outbox WHERE sent_at < UTC_TIMESTAMP(6) - INTERVAL %s HOUR LIMIT %s",
            (older_than_hours, limit),
        )
