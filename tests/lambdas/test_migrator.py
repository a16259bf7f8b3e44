"""Migrations on a real server: once, again, and twice at the same time."""

import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest

from migrator.migrate import migrate
from migrator.users import BadName, application, ensure_schemas, ensure_users, reader
from reporting.database import Connect, connector
from tests.parts.mariadb import MariaDbServer, mariadb_server

__all__ = ["mariadb_server"]


@pytest.fixture
def empty_schema(mariadb_server: MariaDbServer) -> Iterator[tuple[str, Connect]]:
    """The name of an empty schema and how to connect to it."""
    schema = f"migrations_{secrets.token_hex(4)}"
    mariadb_server.execute(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
    yield (
        schema,
        connector(
            host=mariadb_server.host,
            port=mariadb_server.port,
            name=schema,
            user=mariadb_server.user,
            password=mariadb_server.password,
            ca_file=None,
        ),
    )
    mariadb_server.execute(f"DROP DATABASE {schema}")


def tables(server: MariaDbServer, schema: str) -> set[str]:
    return {row[0] for row in server.execute("SHOW TABLES", database=schema)}


def test_an_empty_schema_gets_every_table_and_a_second_run_changes_nothing(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer
) -> None:
    schema, connect = empty_schema
    first = migrate(connect)
    made = tables(mariadb_server, schema)
    assert made >= {"reports", "outbox", "idempotency_keys", "dead_letters", "alembic_version"}
    assert migrate(connect) == first
    assert tables(mariadb_server, schema) == made


def test_two_runs_at_once_wait_for_each_other(empty_schema: tuple[str, Connect]) -> None:
    _, connect = empty_schema
    start = threading.Barrier(3)

    def run(_: int) -> str:
        start.wait(timeout=30)
        return migrate(connect)

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(run, range(3)))) == 1


def test_every_text_of_the_schema_is_utf8mb4_or_ascii(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer
) -> None:
    """Case E12: four bytes for a character, and texts are equal if their characters are."""
    schema, connect = empty_schema
    migrate(connect)
    rows = mariadb_server.execute(
        "SELECT CONCAT(table_name, '.', column_name), character_set_name, collation_name"
        " FROM information_schema.columns"
        f" WHERE table_schema = '{schema}' AND character_set_name IS NOT NULL"
        " AND table_name <> 'alembic_version'"
    )
    assert {(row[1], row[2]) for row in rows} == {("utf8mb4", "utf8mb4_bin"), ("ascii", "ascii_bin")}


@pytest.fixture
def users(mariadb_server: MariaDbServer) -> Iterator[tuple[str, str]]:
    """Names of two users that are not there yet."""
    suffix = secrets.token_hex(4)
    names = (f"application_{suffix}", f"reader_{suffix}")
    yield names
    for name in names:
        mariadb_server.execute(f"DROP USER IF EXISTS '{name}'@'%'")


def prepare(
    server: MariaDbServer, schema: str, users: tuple[str, str], passwords: tuple[str, str] = ("one", "two")
) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        ensure_schemas(cursor, [schema])
        ensure_users(
            cursor,
            [
                application(users[0], passwords[0], schema=schema),
                reader(users[1], passwords[1], schema=schema),
            ],
        )


def as_user(server: MariaDbServer, name: str, password: str, schema: str) -> Connect:
    return connector(
        host=server.host,
        port=server.port,
        name=schema,
        user=name,
        password=password,
        ca_file=str(server.ca_file),
    )


def test_the_users_have_their_rights_and_no_others(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer, users: tuple[str, str]
) -> None:
    schema, connect = empty_schema
    migrate(connect, prepare=lambda _: prepare(mariadb_server, schema, users))
    with as_user(mariadb_server, users[0], "one", schema)() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("DROP TABLE outbox")
    with as_user(mariadb_server, users[1], "two", schema)() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM outbox")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("DELETE FROM outbox")


def test_a_user_holds_no_right_beside_its_own(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer, users: tuple[str, str]
) -> None:
    schema, _ = empty_schema
    prepare(mariadb_server, schema, users)
    for user, rights in zip(users, ("SELECT, INSERT, UPDATE, DELETE", "SELECT"), strict=True):
        grants = [row[0] for row in mariadb_server.execute(f"SHOW GRANTS FOR '{user}'@'%'")]
        # USAGE is no right; the password and the demand for TLS stand with it.
        assert [re.sub(" IDENTIFIED .*", "", grant) for grant in grants] == [
            f"GRANT USAGE ON *.* TO `{user}`@`%`",
            f"GRANT {rights} ON `{schema}`.* TO `{user}`@`%`",
        ]


def test_a_reader_reaches_no_file_of_the_server(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer, users: tuple[str, str], tmp_path: Path
) -> None:
    schema, connect = empty_schema
    migrate(connect, prepare=lambda _: prepare(mariadb_server, schema, users))
    tmp_path.chmod(0o777)
    with as_user(mariadb_server, users[1], "two", schema)() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT LOAD_FILE('/etc/passwd')")
        assert cursor.fetchone() == (None,)
        for statement in (
            f"SELECT 1 INTO OUTFILE '{tmp_path}/written'",
            "LOAD DATA INFILE '/etc/passwd' INTO TABLE outbox",
        ):
            with pytest.raises(pymysql.err.OperationalError, match="denied"):
                cursor.execute(statement)
    assert list(tmp_path.iterdir()) == []


def test_a_rotated_password_reaches_the_server(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer, users: tuple[str, str]
) -> None:
    schema, _ = empty_schema
    prepare(mariadb_server, schema, users)
    prepare(mariadb_server, schema, users, passwords=("new'%s\\", "two"))
    as_user(mariadb_server, users[0], "new'%s\\", schema)().close()
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        as_user(mariadb_server, users[0], "one", schema)()


def test_a_user_without_tls_is_refused(
    empty_schema: tuple[str, Connect], mariadb_server: MariaDbServer, users: tuple[str, str]
) -> None:
    schema, _ = empty_schema
    prepare(mariadb_server, schema, users)
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        pymysql.connect(
            host=mariadb_server.host,
            port=mariadb_server.port,
            user=users[0],
            password="one",
            ssl_disabled=True,
        )


@pytest.mark.parametrize("name", ["a`b", "x' OR '1", "", "a" * 80, "1a"])
def test_a_name_that_is_none_reaches_no_statement(name: str, mariadb_server: MariaDbServer) -> None:
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        with pytest.raises(BadName):
            ensure_schemas(cursor, [name])
        with pytest.raises(BadName):
            ensure_users(cursor, [reader(name, "x", schema="s")])


def test_a_users_password_is_not_in_its_text() -> None:
    assert "hidden" not in repr(reader("r", "hidden", schema="s"))
