"""Streams the rows of a report from the source database, completely or not at all.

Each source opens a connection of its own: a second statement on a streaming connection would end the
stream early, which looks exactly like its end. The session is read-only, in UTC, and limited in time on
the server (``max_statement_time`` of MariaDB, ``max_execution_time`` of MySQL).
"""

import math
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from types import TracebackType
from typing import Any, Self

from pymysql.constants import CLIENT
from pymysql.converters import conversions
from pymysql.cursors import SSCursor
from pymysql.err import InterfaceError, MySQLError, OperationalError

from reporting.database import ACCESS_DENIED
from reporting.errors import PermanentError, StatementTooLarge, TransientError
from reporting.mysql_rows import BulkRows, fetch_one
from reporting.mysql_values import set_readers
from reporting.packets import MeasuredConnection
from reporting.report_sql import BoundStatement

type Row = tuple[object, ...]

#: How the SQL of reports is read; the tokenizer relies on backslash escapes and on double-quoted strings.
_SQL_MODE = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
#: 1969 statement time limit of MariaDB, 3024 of MySQL.
_TIMED_OUT = frozenset({1969, 3024})
#: 1040 and 1203 too many connections, 1045 password being rotated, 1053 shutdown, 1021/1037/1038/1041/1135
#: disk, memory or threads, 1129 too many errors of this host, 1158-1161 network, 1205 and 1213 locks, 1226
#: resource limit, 1317 killed by an operator, 1412 table altered since the snapshot, 1927 and 3169 connection
#: killed, 2002-2013 not reachable or lost, 2027 a packet that is broken, 4031 closed for being idle.
_UNAVAILABLE = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1045, 1053, 1129, 1135, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226}
    | {1317, 1412, 1927, 2002, 2003, 2005, 2006, 2013, 2014, 2027, 2055, 3169, 4031}
)
#: Warnings of a result that lacks rows (1931 LIMIT ROWS EXAMINED of MariaDB, 1028 sort aborted) or parts of
#: values (1260 cut by GROUP_CONCAT, 1301 larger than max_allowed_packet).
_CUT_SHORT = frozenset({1028, 1260, 1301, 1931})
#: The most warnings that a server can keep. Those that come later it only counts.
_MOST_WARNINGS = 65_535
#: At least what MariaDB has by default; MySQL has 1,024 bytes.
_GROUP_CONCAT_BYTES = 1 << 20
_ESTIMATE_TIMEOUT_SECONDS = 0.25
#: How much longer than the statement's time limit a server may be silent before it counts as gone.
_SILENCE_SECONDS = 15.0
#: A client waits for an estimate: neither connecting nor a silent server may take longer than this.
_ESTIMATE_SILENCE_SECONDS = 1.0
_TIMEOUT_DETAIL = "The query took longer than its time limit."
#: Decimals are bound without an exponent: ``1E+2`` would be a binary double to the server.
_CONVERSIONS: Any = {**conversions, Decimal: lambda value, _mapping=None: format(value, "f")}


class QueryTimeout(PermanentError):
    """The query took longer than its time limit, before its first row or after it."""

    code = "query_timeout"
    title = "The query took too long"


class QueryRefused(PermanentError):
    """The database refused the query, or its columns are not those of the report type."""

    code = "query_refused"
    title = "The query was refused"


class SourceUnavailable(TransientError):
    """The source database did not answer, or ended the query before its last row."""

    code = "source_unavailable"
    title = "The source database did not answer"


class SourceCutShort(PermanentError):
    """The server ended the result or one of its values early and said so in a warning."""

    code = "incomplete"
    title = "The report would have been incomplete"


class SourceInterrupted(SourceUnavailable):
    """This process ended the query itself, through ``SqlSource.interrupt()``."""

    code = "source_interrupted"
    title = "Reading the source was interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceDatabase:
    """Where a source database is, and its read-only user.

    With ``ca_file`` the connection is TLS with the certificate and the host name verified; without it
    the connection is not encrypted.
    """

    host: str
    port: int = 3306
    database: str
    user: str
    password: str = field(repr=False)
    ca_file: str | None = None
    connect_timeout_seconds: float = 5.0


#: Gives the database with its user's present password, once the one at hand was refused.
type Renew = Callable[[], SourceDatabase]


class SqlSource:
    """The rows of one statement, in batches of at most ``batch_size`` tuples, in the order of ``columns``.

    Iterate it once. Either every row of the result comes, or an error is raised: ``QueryTimeout``,
    ``QueryRefused``, ``SourceCutShort``, ``SourceUnavailable`` or ``SourceInterrupted``. Values are what
    PyMySQL gives: dates that no calendar has (``0000-00-00``) are ``str``, TIME is ``timedelta``, binary is
    ``bytes``. But BIT is ``int``, a number in one of the columns ``texts`` is the server's own text, and a
    text may have halves of surrogate pairs.
    """

    def __init__(
        self,
        *,
        database: SourceDatabase,
        statement: BoundStatement,
        columns: Sequence[str],
        texts: Collection[str] = (),
        statement_timeout_seconds: float,
        batch_size: int = 1000,
        renew: Renew | None = None,
    ) -> None:
        self._statement = statement
        self._columns = tuple(columns)
        self._texts = frozenset(texts)
        self._batch_size = batch_size
        self._session = _Session(database, statement_timeout_seconds, renew=renew)
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[list[Row]]:
        if self._started:
            raise RuntimeError("a source is iterated once: its query would run again")
        self._started = True
        return self._batches()

    def interrupt(self) -> None:
        """End a blocked read at once, from any thread; the reading thread gets ``SourceInterrupted``."""
        self._session.interrupt()

    def close(self) -> None:
        """Drop the connection without reading the rows that are left. Call it from the reading thread."""
        self._session.close()

    def _batches(self) -> Iterator[list[Row]]:
        try:
            arrange = _arrangement(self._session.run(self._statement, texts=self._texts), self._columns)
            while batch := self._session.fetch(self._batch_size):
                yield [arrange(row) for row in batch] if arrange else batch
        finally:
            self.close()


def estimate(
    *,
    database: SourceDatabase,
    statement: BoundStatement,
    timeout_seconds: float = _ESTIMATE_TIMEOUT_SECONDS,
    renew: Renew | None = None,
) -> int | None:
    """The one number that ``statement`` gives; ``None`` if it is NULL or takes too long.

    Raises ``QueryRefused`` for anything else than one number, and ``SourceUnavailable`` within about a
    second more than ``timeout_seconds``.
    """
    session = _Session(
        database,
        timeout_seconds,
        silence_seconds=_ESTIMATE_SILENCE_SECONDS,
        connect_seconds=_ESTIMATE_SILENCE_SECONDS,
        renew=renew,
    )
    try:
        session.run(statement)
        rows = session.fetch(2)
    except QueryTimeout:
        return None
    finally:
        session.close()
    if len(rows) != 1 or len(rows[0]) != 1:
        raise QueryRefused("The report type's estimate did not give exactly one number.")
    number = rows[0][0]
    if number is None:
        return None
    if not isinstance(number, int | float | Decimal) or number < 0:
        raise QueryRefused("The report type's estimate did not give a number of rows.")
    return int(number)


class _Session:
    """One connection for one statement. Its errors are those of this module."""

    def __init__(
        self,
        database: SourceDatabase,
        timeout_seconds: float,
        *,
        silence_seconds: float = _SILENCE_SECONDS,
        connect_seconds: float = math.inf,
        renew: Renew | None = None,
    ) -> None:
        self._database = database
        self._connect_seconds = connect_seconds
        self._renew = renew
        # Zero would mean no limit to both servers; they count in milliseconds or finer.
        self._timeout = max(timeout_seconds, 0.001)
        self._silence = silence_seconds
        self._connection: Any = None
        self._cursor: Any = None
        self._interrupted = False
        self._sent_at: float | None = None
        self._ended = False
        self._may_examine_less = False
        self._bulk: BulkRows | None = None

    def run(self, statement: BoundStatement, *, texts: Collection[str] = ()) -> list[str]:
        """Connect, begin a read-only snapshot, send the statement; return the result's column names."""
        try:
            self._connect()
            self._prepare()
            self._cursor = self._connection.cursor()
            self._sent_at = time.monotonic()
            self._cursor.execute(statement.text, statement.arguments)
            if self._cursor.description is not None:
                set_readers(self._cursor._result, texts=texts)
            self._may_examine_less = "EXAMINED" in statement.text.upper()
        except (MySQLError, OSError) as error:
            raise self._translated(error) from error
        except StatementTooLarge as error:
            raise QueryRefused(
                f"The query has {error.size} bytes with its parameters,"
                f" the source database takes {error.limit}."
            ) from error
        return [column[0] for column in self._cursor.description or ()]

    def fetch(self, size: int) -> list[Row]:
        """Up to ``size`` rows; fewer at the end of the result and only there."""
        if self._ended:
            return []
        result = self._cursor._result
        if not result.unbuffered_active:
            # PyMySQL would say "no more rows" here, whatever became of the result.
            raise SourceUnavailable("The source database ended the query early.")
        try:
            rows = self._first_row() if self._sent_at is not None else []
            if len(rows) < size and result.unbuffered_active:
                rows.extend(self._rows().fetch(size - len(rows)))
            ended = not result.unbuffered_active
            if ended and result.warning_count:
                self._check_warnings()
            self._ended = ended
        except (MySQLError, OSError) as error:
            raise self._translated(error) from error
        except UnicodeDecodeError as error:
            raise QueryRefused("The source database gave a text that is not UTF-8.") from error
        return rows

    def _rows(self) -> BulkRows:
        if self._bulk is None:
            self._bulk = BulkRows(self._cursor)
        return self._bulk

    def _check_warnings(self) -> None:
        """A server may end a result before its last row with no more than a warning."""
        self._cursor.close()
        with self._connection.cursor() as cursor:
            cursor.execute("SHOW WARNINGS")
            numbers = [row[1] for row in cursor.fetchall_unbuffered()]
        found = frozenset(numbers)
        if found & _TIMED_OUT:
            raise QueryTimeout(_TIMEOUT_DETAIL)
        if found & _UNAVAILABLE:
            raise SourceUnavailable("The source database ended the query early.")
        # 1931 comes last: a list that is full may lack it.
        full = len(numbers) >= _MOST_WARNINGS and self._may_examine_less
        if full or found & _CUT_SHORT:
            raise SourceCutShort("The source database left rows or parts of values out: a limit was reached.")

    def interrupt(self) -> None:
        # The flag first: a thread that is still connecting looks at it once it has its socket.
        self._interrupted = True
        sock = getattr(self._connection, "_sock", None)
        if sock is not None:
            # Shut down below TLS, whose own shutdown would let a concurrent read continue in plain text;
            # and not closed, since the number of a closed socket may be another one's by then.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        self._bulk = None
        cursor, self._cursor = self._cursor, None
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if cursor is not None and not self._ended:
            # PyMySQL's close() and its finalizers would read the rest of the result first.
            if cursor._result is not None:
                cursor._result.unbuffered_active = False
            cursor._result = cursor.connection = None
            connection._force_close()
        elif connection.open:
            connection.close()

    def _connect(self) -> None:
        try:
            self._open(self._database)
        except OperationalError as error:
            if self._renew is None or error.args[0] != ACCESS_DENIED:
                raise
            # The password may have been rotated since it was read.
            self._open(self._renew())
        if self._interrupted:
            raise SourceInterrupted("Reading the source was interrupted.")

    def _open(self, database: SourceDatabase) -> None:
        seconds = min(database.connect_timeout_seconds, self._connect_seconds)
        self._connection = MeasuredConnection(
            host=database.host,
            port=database.port,
            database=database.database,
            user=database.user,
            password=database.password,
            ssl=_tls_context(database.ca_file) if database.ca_file else None,
            ssl_disabled=database.ca_file is None,
            charset="utf8mb4",
            cursorclass=SSCursor,
            conv=_CONVERSIONS,
            autocommit=None,
            connect_timeout=seconds,
            # Of the handshake; the query's own follows when the connection stands.
            read_timeout=seconds,
            write_timeout=seconds,
            defer_connect=True,
        )
        # A result then ends with an EOF packet, which is what PyMySQL reads the count of warnings from.
        self._connection.client_flag &= ~CLIENT.DEPRECATE_EOF
        self._connection.connect()

    def _prepare(self) -> None:
        """Pin what the session's defaults would decide, and limit the statement's time on the server.

        MariaDB Server documentation, "max_statement_time" (seconds); MySQL 8.4 Reference Manual,
        "max_execution_time" (milliseconds, SELECT only). A server's ``sql_select_limit`` would end results
        early without any word of it, and its ``max_error_count`` would keep back the warning that says so.
        """
        if "MariaDB" in self._connection.get_server_info():
            limit = f"max_statement_time = {self._timeout:.3f}"
        else:
            limit = f"max_execution_time = {round(self._timeout * 1000)}"
        # While rendering or uploading holds up the reader, the server waits as long as the query may take.
        patience = max(60, math.ceil(self._timeout))
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"SET SESSION sql_mode = '{_SQL_MODE}', time_zone = '+00:00',"
                f" sql_select_limit = 18446744073709551615, max_error_count = {_MOST_WARNINGS},"
                f" group_concat_max_len = GREATEST(@@group_concat_max_len, {_GROUP_CONCAT_BYTES}),"
                f" net_write_timeout = {patience}, {limit}"
            )
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        # Only a server that is gone is silent for longer than the limit that it was given.
        self._connection._read_timeout = self._timeout + self._silence

    def _first_row(self) -> list[Row]:
        """The first row, if there is one.

        MySQL ends ``SELECT SLEEP(n)`` at its limit with a row and no error (8.4 Reference Manual,
        "Miscellaneous Functions"): a first row that comes after the limit is no row of the report.
        """
        row = fetch_one(self._cursor)
        if self._sent_at is not None and time.monotonic() - self._sent_at >= self._timeout:
            raise QueryTimeout(_TIMEOUT_DETAIL)
        self._sent_at = None
        return [] if row is None else [row]

    def _translated(self, error: MySQLError | OSError) -> TransientError | PermanentError:
        """The error to raise: safe to show, while ``error`` is chained for the log."""
        if self._interrupted:
            return SourceInterrupted("Reading the source was interrupted.")
        number = error.args[0] if error.args else 0
        if isinstance(error, MySQLError) and number in _TIMED_OUT:
            return QueryTimeout(_TIMEOUT_DETAIL)
        broken = isinstance(error, OSError | InterfaceError) or not isinstance(number, int)
        if broken or number in _UNAVAILABLE:
            return SourceUnavailable("The source database did not answer or ended the query early.")
        return QueryRefused(f"The source database refused the report type's query (error {number}).")


def _arrangement(found: Sequence[str], wanted: Sequence[str]) -> Callable[[Row], Row] | None:
    """What puts a row of the result in the order of the report type; ``None`` if it is in order."""
    if sorted(found) != sorted(wanted):
        if missing := [name for name in wanted if name not in found]:
            detail = f"lacks {', '.join(missing)}"
        elif repeated := [name for name in wanted if found.count(name) > 1]:
            detail = f"has more than one column {', '.join(repeated)}"
        else:
            detail = "has columns that the report type does not name"
        # The names of the result can be pieces of SQL, so they are for the log only.
        cause = ValueError(f"the result has the columns {list(found)}, the report type {list(wanted)}")
        raise QueryRefused(f"The query's columns are not those of the report type: it {detail}.") from cause
    if list(found) == list(wanted):
        return None
    return itemgetter(*[found.index(name) for name in wanted])


@lru_cache(maxsize=4)
def _tls_context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
