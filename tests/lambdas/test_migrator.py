"""Migrations on a real server: once, again, and twice at the same time."""

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from migrator.migrate import migrate
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
    schema, connect = empty_schema
    migrate(connect)
    rows = mariadb_server.execute(
        "SELECT CONCAT(table_name, '.', column_name), character_set_name, collation_name"
        " FROM information_schema.columns"
        f" WHERE table_schema = '{schema}' AND character_set_name IS NOT NULL"
        " AND table_name <> 'alembic_version'"
    )
    assert {(row[1], row[2]) for row in rows} == {("utf8mb4", "utf8mb4_bin"), ("ascii", "ascii_bin")}
