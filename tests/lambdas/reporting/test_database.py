"""Connections and transactions: with a silent server, with one that ends them, and with others beside."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
import pytest

from reporting.database import Connect, Database, connector
from reporting.errors import CommitUnknown, DatabaseUnavailable, StatementTooLarge
from reporting.repository import Reports
from tests.parts.domain import accept, connect, database, reports
from tests.parts.mariadb import MariaDbServer, mariadb_server
from tests.parts.processes import eventually, once_below

__all__ = ["connect", "database", "mariadb_server", "reports"]

MIB = 1024 * 1024


class Counted:
    """A database whose connections begin with ``statements`` and are counted."""

    def __init__(self, connect: Connect, *statements: str) -> None:
        self.opened = 0
        self._connect = connect
        self._statements = statements
        self.database = Database(self._open)

    def _open(self) -> Any:
        self.opened += 1
        connection = self._connect()
        with connection.cursor() as cursor:
            for statement in self._statements:
                cursor.execute(statement)
        return connection


def connection_id(database: Database) -> int:
    [[number]] = database.query("SELECT CONNECTION_ID()")
    return int(str(number))


def is_gone(server: MariaDbServer, connection: int) -> bool:
    return not server.execute(f"SELECT 1 FROM information_schema.processlist WHERE id = {connection}")


def lanes_of(database: Database) -> list[str]:
    return [str(row[0]) for row in database.query("SELECT lane FROM tenant_lanes ORDER BY lane")]


def add_lane(cursor: Any, lane: str) -> None:
    cursor.execute("INSERT INTO tenant_lanes (tenant, lane) VALUES ('t', %s)", (lane,))


def test_a_server_that_takes_connections_and_says_nothing_is_lost_after_two_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect = connector(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            name="prensa",
            user="prensa",
            password="of-a-test",
            ca_file=None,
            answer_seconds=0.2,
        )

        def ask() -> float:
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                Database(connect).query("SELECT 1")
            return time.monotonic() - started

        once_below(5, ask)


USES: dict[str, Callable[[Database], object]] = {
    "query": lambda database: database.query("SELECT 1"),
    "execute": lambda database: database.execute("DELETE FROM tenant_lanes"),
    "transaction": lambda database: database.transaction(lambda cursor: cursor.execute("SELECT 1")),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_connection_that_was_idle_for_too_long_is_replaced_once(
    connect: Connect, database: Database, mariadb_server: MariaDbServer, use: Callable[[Database], object]
) -> None:
    """Case E02: the server ends it after ``wait_timeout``, and the next use finds out."""
    counted = Counted(connect)
    idle = connection_id(counted.database)
    # This connection's alone: those that follow may have to wait for a busy machine.
    counted.database.execute("SET SESSION wait_timeout = 1")
    eventually(lambda: is_gone(mariadb_server, idle), what="the end of the idle connection")
    use(counted.database)
    use(counted.database)
    assert counted.opened == 2
    counted.database.close()


def test_more_connections_than_the_user_may_have_are_an_outage(
    connect: Connect, database: Database, mariadb_server: MariaDbServer
) -> None:
    [[schema]] = database.query("SELECT DATABASE()")
    mariadb_server.execute(
        "CREATE OR REPLACE USER crowded@'127.0.0.1' IDENTIFIED BY 'of-a-test' WITH MAX_USER_CONNECTIONS 1",
        "CREATE OR REPLACE USER crowded@localhost IDENTIFIED BY 'of-a-test' WITH MAX_USER_CONNECTIONS 1",
        f"GRANT SELECT ON {schema}.* TO crowded@'127.0.0.1'",
        f"GRANT SELECT ON {schema}.* TO crowded@localhost",
    )
    crowded = connector(
        host=mariadb_server.host,
        port=mariadb_server.port,
        name=str(schema),
        user="crowded",
        password="of-a-test",
        ca_file=None,
    )
    with crowded(), pytest.raises(DatabaseUnavailable):
        Database(crowded).query("SELECT 1")


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("SELECT SLEEP(5) FROM information_schema.tables LIMIT 1", "1969"),
        ("KILL QUERY CONNECTION_ID()", "1317"),
    ],
    ids=["a-time-limit-of-the-server", "an-operator"],
)
def test_a_statement_that_the_server_ends_is_an_outage(connect: Connect, statement: str, number: str) -> None:
    own = Counted(connect, "SET SESSION max_statement_time = 0.05")
    with pytest.raises(DatabaseUnavailable) as caught:
        own.database.query(statement)
    assert number in str(caught.value.__cause__)
    assert own.opened == 2, "once more on a new connection"
    own.database.close()


def test_what_does_not_fit_its_column_is_refused_whatever_the_servers_mode(
    connect: Connect, database: Database, mariadb_server: MariaDbServer
) -> None:
    [[before]] = mariadb_server.execute("SELECT @@GLOBAL.sql_mode")
    mariadb_server.execute("SET GLOBAL sql_mode = ''")
    try:
        own = Database(connect)
        with pytest.raises(pymysql.err.DataError, match="Data too long"):
            own.transaction(lambda cursor: add_lane(cursor, "x" * 17))
        own.close()
    finally:
        mariadb_server.execute(f"SET GLOBAL sql_mode = '{before}'")
    assert lanes_of(database) == []


def test_a_commit_on_a_connection_that_is_gone_is_no_success(
    connect: Connect, database: Database, reports: Reports, mariadb_server: MariaDbServer
) -> None:
    """Case E03: no reconnect goes on in the middle and commits nothing."""
    report = accept(reports).report
    own = Counted(connect)

    def work(cursor: Any) -> None:
        cursor.execute("UPDATE reports SET phase = 'lost' WHERE id = %s", (report.id,))
        cursor.execute("SELECT CONNECTION_ID()")
        [number] = cursor.fetchone()
        mariadb_server.execute(f"KILL CONNECTION {number}")
        eventually(lambda: is_gone(mariadb_server, number), what="the end of the killed connection")

    with pytest.raises(CommitUnknown):
        own.database.transaction(work)
    assert reports.get(report.id).phase is None
    assert own.opened == 1


def test_threads_share_a_database_and_no_connection(connect: Connect) -> None:
    """Case E04: each gets the answers to its own questions."""
    shared, threads = Database(connect), 8
    start = threading.Barrier(threads)

    def ask(thread: int) -> set[int]:
        start.wait(timeout=30)
        used = set()
        for number in range(200):
            [[found, own]] = shared.query("SELECT %s, CONNECTION_ID()", (thread * 1000 + number,))
            assert found == thread * 1000 + number
            used.add(int(str(own)))
        shared.close()
        return used

    with ThreadPoolExecutor(threads) as pool:
        connections = list(pool.map(ask, range(threads)))
    assert [len(used) for used in connections] == [1] * threads
    assert len(set.union(*connections)) == threads


def test_after_a_lock_wait_the_whole_transaction_is_rolled_back_and_repeated(
    connect: Connect, database: Database, reports: Reports
) -> None:
    """Case E13: the server itself undoes no more than the statement that waited."""
    report = accept(reports).report
    database.execute("DELETE FROM tenant_lanes")
    holder, own = connect(), Counted(connect, "SET SESSION innodb_lock_wait_timeout = 1")
    holder.begin()
    with holder.cursor() as cursor:
        cursor.execute("UPDATE reports SET phase = 'held' WHERE id = %s", (report.id,))
    seen: list[int] = []

    def work(cursor: Any) -> None:
        seen.append(cursor.execute("SELECT 1 FROM tenant_lanes FOR UPDATE"))
        add_lane(cursor, "once")
        if len(seen) == 2:
            holder.rollback()
        cursor.execute("UPDATE reports SET rows_done = rows_done + 1 WHERE id = %s", (report.id,))

    own.database.transaction(work)
    assert seen == [0, 0], "the second time began on a clean state"
    assert lanes_of(database) == ["once"]
    assert (reports.get(report.id).rows_done, own.opened) == (1, 1)
    holder.close()
    own.database.close()


def test_a_lock_that_stays_is_given_up_after_three_repetitions_and_leaves_nothing(
    connect: Connect, database: Database, reports: Reports
) -> None:
    """Case E13."""
    report = accept(reports).report
    database.execute("DELETE FROM tenant_lanes")
    # MariaDB waits for no lock at all with 0.
    holder, own = connect(), Counted(connect, "SET SESSION innodb_lock_wait_timeout = 0")
    holder.begin()
    with holder.cursor() as cursor:
        cursor.execute("UPDATE reports SET phase = 'held' WHERE id = %s", (report.id,))
    runs: list[None] = []

    def work(cursor: Any) -> None:
        runs.append(None)
        add_lane(cursor, "never")
        cursor.execute("UPDATE reports SET rows_done = 9 WHERE id = %s", (report.id,))

    with pytest.raises(DatabaseUnavailable):
        own.database.transaction(work)
    holder.rollback()
    assert len(runs) == 4
    own.database.transaction(lambda cursor: add_lane(cursor, "later"))
    assert lanes_of(database) == ["later"], "a later commit on the connection brings nothing of it along"
    holder.close()
    own.database.close()


@pytest.fixture
def small_packets(mariadb_server: MariaDbServer) -> Iterator[None]:
    """New connections take 1 MiB at once."""
    [[before]] = mariadb_server.execute("SELECT @@GLOBAL.max_allowed_packet")
    mariadb_server.execute(f"SET GLOBAL max_allowed_packet = {MIB}")
    yield
    mariadb_server.execute(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.usefixtures("small_packets")
def test_a_statement_that_the_server_does_not_take_is_refused_and_not_sent_again(
    connect: Connect, database: Database
) -> None:
    """Case E15: the server would end the connection, which looks like a fault that passes."""
    counted = Counted(connect)
    database.execute("DELETE FROM tenant_lanes")
    runs: list[None] = []

    def work(cursor: Any) -> None:
        runs.append(None)
        add_lane(cursor, "never")
        cursor.execute("SELECT LENGTH(%s)", ("x" * 2 * MIB,))

    with pytest.raises(StatementTooLarge, match=f"the database takes {MIB - 1}"):
        counted.database.transaction(work)
    with pytest.raises(StatementTooLarge):
        counted.database.query("SELECT LENGTH(%s)", ("'" * (MIB // 2),))
    assert (len(runs), counted.opened, lanes_of(database)) == (1, 1, [])
    counted.database.close()


@pytest.mark.usefixtures("small_packets")
def test_the_largest_statement_that_the_server_takes_is_sent(connect: Connect) -> None:
    own, text = Database(connect), "SELECT LENGTH('{}')"
    room = MIB - 1 - len(text.format(""))
    with pytest.raises(StatementTooLarge):
        own.query(text.format("x" * room))
    assert own.query(text.format("x" * (room - 1))) == ((room - 1,),)
    own.close()


@pytest.mark.usefixtures("small_packets")
def test_a_request_that_the_database_does_not_take_leaves_nothing(
    connect: Connect, database: Database
) -> None:
    """Case E15: a very long list of parameters; rows of this size go to the bucket."""
    own = Database(connect)
    with pytest.raises(StatementTooLarge):
        accept(Reports(own), request={"parameters": {"ids": list(range(400_000))}})
    assert own.query("SELECT COUNT(*) FROM reports") == ((0,),)
    own.close()
