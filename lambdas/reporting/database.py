"""Connections and transactions to Prensa's own tables.

A connection belongs to one thread. Reads run with autocommit, so that a reused connection never shows
an old snapshot; writes that belong together run through :meth:`Database.transaction`, which is repeated
as a whole after a deadlock or a lost connection and never continued in the middle.
"""

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from reporting.errors import CommitUnknown, DatabaseUnavailable
from reporting.packets import MeasuredConnection

type Parameters = Mapping[str, object] | Sequence[object]
type Connect = Callable[[], "Connection[Cursor]"]

#: The server refuses the user or the password.
ACCESS_DENIED = 1045
_DEADLOCK = 1213
_LOCK_WAIT = 1205
#: Once, and three times again.
_TRIES = 4
_CONNECT_SECONDS = 5
#: 1040, 1203 and 1226 as many connections or statements as there may be, 1053 shutdown, 1037, 1038, 1041 and
#: 1135 no memory or thread is left, 1045 a password that is being rotated, 1129 the host has met too many
#: errors, 1158-1161 network, 1317 killed by an operator, 1927 and 3169 killed, 2002-2013 cannot connect or
#: gone, 2027 a packet that is broken, 1290 and 1836 the old primary of a failover has become read-only, 1969
#: and 3024 a time limit of the server, 4031 the server closed an idle connection.
_LOST = frozenset(
    {0, 1037, 1038, 1040, 1041, ACCESS_DENIED, 1053, 1129, 1135, 1158, 1159, 1160, 1161, 1203, 1226, 1290}
    | {1317, 1836, 1927, 1969, 2002, 2003, 2006, 2013, 2014, 2027, 2055, 3024, 3169, 4031}
)
#: A server that is not strict by itself, as RDS is not, cuts what does not fit its column.
_SQL_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"
#: What PyMySQL raises for a server or a connection; the others are about a statement.
_OF_THE_SERVER = (pymysql.err.OperationalError, pymysql.err.InterfaceError, pymysql.err.InternalError)

#: How long a statement may take to be answered, unless somebody waits for less.
ANSWER_SECONDS = 30


def connector(
    *,
    host: str,
    port: int,
    name: str,
    user: str,
    password: str,
    ca_file: str | None,
    answer_seconds: float = ANSWER_SECONDS,
) -> Connect:
    """A function that opens one connection: strict and in UTC, utf8mb4, verified TLS when a CA is given.

    A server that has not answered a statement, or the login, in ``answer_seconds`` is lost.
    """
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def connect() -> "Connection[Cursor]":
        return MeasuredConnection(
            host=host,
            port=port,
            database=name,
            user=user,
            password=password,
            ssl=context,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=answer_seconds,
            write_timeout=answer_seconds,
            init_command=f"SET time_zone = '+00:00', sql_mode = '{_SQL_MODE}'",
        )

    return connect


class Database:
    """Runs statements and transactions, one connection a thread.

    Every method raises :class:`DatabaseUnavailable` when the server can't be reached and
    :class:`reporting.errors.StatementTooLarge` for what it does not take at once, and lets other MySQL errors
    (a violated constraint, bad SQL) through unchanged.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._local = threading.local()

    def query(self, sql: str, parameters: Parameters = ()) -> tuple[tuple[object, ...], ...]:
        """Run one reading statement and return all of its rows."""

        def read(cursor: Cursor) -> tuple[tuple[object, ...], ...]:
            cursor.execute(sql, parameters)
            return tuple(cursor.fetchall())

        return self._repeat(lambda: self._in_autocommit(read))

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one changing statement and return the number of changed rows.

        It may run twice when the connection is lost while the answer is on its way, so that a
        conditional UPDATE can report 0 rows although it was this call that changed the row.
        """
        return self._repeat(lambda: self._in_autocommit(lambda cursor: cursor.execute(sql, parameters)))

    def transaction[T](self, work: Callable[[Cursor], T]) -> T:
        """Run ``work`` in one transaction and commit it.

        ``work`` is called again from its start after a deadlock, a lock wait or a lost connection.
        Raises :class:`CommitUnknown` when the connection is lost during the COMMIT itself.
        """
        return self._repeat(lambda: self._in_transaction(work))

    def close(self) -> None:
        """Close this thread's connection, if there is one."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def _connection(self) -> "Connection[Cursor]":
        connection: Connection[Cursor] | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def _in_autocommit[T](self, work: Callable[[Cursor], T]) -> T:
        with self._connection().cursor() as cursor:
            return work(cursor)

    def _in_transaction[T](self, work: Callable[[Cursor], T]) -> T:
        connection = self._connection()
        connection.begin()
        try:
            with connection.cursor() as cursor:
                value = work(cursor)
        except BaseException:
            self._rollback(connection)
            raise
        try:
            connection.commit()
        except pymysql.err.MySQLError as error:
            self.close()
            if _code(error) in _LOST:
                raise CommitUnknown("The connection was lost while the work was being committed.") from error
            raise
        return value

    def _rollback(self, connection: "Connection[Cursor]") -> None:
        try:
            # After 1205 InnoDB has undone only the last statement: the rest is undone here.
            connection.rollback()
        except pymysql.err.MySQLError:
            # The server undoes the transaction of a connection that is gone.
            self.close()

    def _repeat[T](self, work: Callable[[], T]) -> T:
        for tries in range(1, _TRIES + 1):
            try:
                return work()
            except (*_OF_THE_SERVER, OSError) as error:
                code = _code(error)
                if code not in (_DEADLOCK, _LOCK_WAIT):
                    self.close()
                    if code not in _LOST:
                        raise
                if tries == _TRIES or (code in _LOST and tries > 1):
                    raise DatabaseUnavailable("The database did not answer.") from error
                if code not in _LOST:
                    time.sleep(random.uniform(0, 0.02 * 2**tries))  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")


def _code(error: BaseException) -> int:
    """The MySQL error number; a socket error counts as a lost connection."""
    if isinstance(error, OSError) and not isinstance(error, pymysql.err.MySQLError):
        return 2013
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0
