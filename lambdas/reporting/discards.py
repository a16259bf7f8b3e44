"""Objects in the bucket that nothing refers to, remembered until the store certainly has none of them.

A call that deletes an object may fail, and what an ended attempt has sent may reach the store after it:
a key that was given up is looked at again and again until nothing can be written to it any more. Input
rows are noted before they are stored, and are no discard any more once their report is.
"""

from collections.abc import Iterable

from pymysql.cursors import Cursor

from reporting.database import Database
from reporting.errors import DatabaseUnavailable

#: No call of a worker runs for longer than 15 minutes, and what it has sent is with S3 soon after.
ATTEMPT_SECONDS = 20 * 60
#: The gateway ends a request after 29 s: what was to be its rows by then is nobody's.
_INPUT_SECONDS = 40
#: How long a relay has for the keys that it took before another may take them.
_TAKEN_SECONDS = 60
#: The least time between two looks at a key that may still be written to; it doubles from there.
_PAUSE_SECONDS = 5


def note(cursor: Cursor, keys: Iterable[str | None], *, watch_seconds: int) -> None:
    """Give keys up in the caller's transaction. Something may be written to them for ``watch_seconds``."""
    for key in keys:
        if key is not None:
            _insert(cursor, key, due_seconds=0, watch_seconds=watch_seconds)


def keep_input(cursor: Cursor, key: str) -> None:
    """Rows that were noted by :meth:`Discards.expect_input` belong to a report, in its transaction.

    Raises :class:`DatabaseUnavailable` when that comes too late: the rows are deleted, or are about to be.
    """
    if not cursor.execute(
        "DELETE FROM discarded_objects WHERE object_key = %s AND due_at = watch_until", (key,)
    ):
        raise DatabaseUnavailable("The request could not be stored in time.")


def _insert(cursor: Cursor, key: str, *, due_seconds: int, watch_seconds: int) -> None:
    cursor.execute(
        "INSERT INTO discarded_objects (object_key, noted_at, due_at, watch_until) VALUES (%s,"
        " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND, UTC_TIMESTAMP(6) + INTERVAL %s SECOND)"
        " ON DUPLICATE KEY UPDATE due_at = VALUES(due_at), watch_until = VALUES(watch_until)",
        (key, due_seconds, watch_seconds),
    )


class Discards:
    """The keys that are to be deleted. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expect_input(self, key: str) -> None:
        """Note rows that are about to be stored: without a report in time they go again."""
        self._database.transaction(
            lambda cursor: _insert(cursor, key, due_seconds=_INPUT_SECONDS, watch_seconds=_INPUT_SECONDS)
        )

    def take_due(self, *, limit: int) -> list[str]:
        """Keys to delete now, for this caller alone for a minute; those that wait longest first."""

        def take(cursor: Cursor) -> list[str]:
            cursor.execute(
                "SELECT object_key FROM discarded_objects WHERE due_at <= UTC_TIMESTAMP(6)"
                " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED",
                (limit,),
            )
            keys = [str(row[0]) for row in cursor.fetchall()]
            if keys:
                cursor.execute(
                    "UPDATE discarded_objects SET due_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND"
                    " WHERE object_key IN %s",
                    (_TAKEN_SECONDS, keys),
                )
            return keys

        return self._database.transaction(take)

    def deleted(self, key: str) -> None:
        """Nothing is left of ``key`` just now. If it may still be written to, it is looked at again."""

        def settle(cursor: Cursor) -> None:
            if not cursor.execute(
                "DELETE FROM discarded_objects WHERE object_key = %s AND watch_until <= UTC_TIMESTAMP(6)",
                (key,),
            ):
                cursor.execute(
                    "UPDATE discarded_objects SET due_at = LEAST(watch_until, UTC_TIMESTAMP(6) + INTERVAL"
                    " GREATEST(%s, TIMESTAMPDIFF(SECOND, noted_at, UTC_TIMESTAMP(6))) SECOND)"
                    " WHERE object_key = %s",
                    (_PAUSE_SECONDS, key),
                )

        self._database.transaction(settle)
