"""Connections that refuse a statement of more bytes than their server takes.

A server that gets more than its ``max_allowed_packet`` ends the connection, mostly before its error 1153 can
be read (MySQL 8.4 Reference Manual, "Packet Too Large"). That looks like a fault of the network, and the same
statement would be sent again and again.
"""

from typing import Any

from pymysql.connections import Connection
from pymysql.cursors import Cursor

from reporting.errors import StatementTooLarge

#: Every server takes this much: a smaller statement is not worth the question.
_ALWAYS_TAKEN = 65_536


class MeasuredConnection(Connection):
    """A connection of PyMySQL that knows what its server takes at once."""

    _most_bytes: int | None = None

    def query(self, sql: Any, unbuffered: Any = False) -> int:
        """Raises :class:`StatementTooLarge` before anything is sent of such a statement."""
        statement = sql.encode(self.encoding) if isinstance(sql, str) else sql
        if len(statement) > _ALWAYS_TAKEN and len(statement) >= (limit := self._limit()):
            raise StatementTooLarge(size=len(statement), limit=limit)
        return super().query(statement, unbuffered)

    def _limit(self) -> int:
        if self._most_bytes is None:
            with self.cursor(Cursor) as cursor:
                cursor.execute("SELECT @@max_allowed_packet")
                [value] = cursor.fetchone() or (0,)
            # The packet holds the command's own byte too.
            self._most_bytes = int(value) - 1
        return self._most_bytes
