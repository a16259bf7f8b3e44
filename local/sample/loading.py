"""Creates the schema of the sample shop and fills it, once for each version of its generator."""

import hashlib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.converters import escape_string
from pymysql.cursors import Cursor

from local.sample.generator import Row, Shop, Value, make_shop
from local.sample.schema import TABLES, TableDefinition

_ROWS_PER_INSERT = 5_000
_LOCK_SECONDS = 120
_VERSION_TABLE = "sample_version"
_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def ensure(
    *, host: str, port: int, user: str, password: str, ca_file: str | None, schema: str = "sample"
) -> bool:
    """Make sure that ``schema`` holds the sample shop. Returns whether it had to be filled.

    The tables are dropped and filled anew when the generator has changed, or when an earlier filling was
    interrupted: the version is written last. Safe to call from several processes at once. ``user`` needs
    every right on ``schema``. Raises ``ValueError`` for a bad schema name and PyMySQL's errors.
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ValueError(f"schema must match {_SCHEMA_NAME.pattern}, got {schema!r}")
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    connection = pymysql.connect(
        host=host,
        port=port,
        user=user,
        password=password,
        ssl=context,
        ssl_disabled=context is None,
        charset="utf8mb4",
        autocommit=True,
        read_timeout=_LOCK_SECONDS + 30,
    )
    with closing(connection), connection.cursor() as cursor:
        lock = f"prensa-sample-{schema}"
        cursor.execute("SELECT GET_LOCK(%s, %s)", (lock, _LOCK_SECONDS))
        if cursor.fetchone() != (1,):
            raise TimeoutError(f"another process has been filling the schema {schema} for {_LOCK_SECONDS} s")
        cursor.execute(
            f"CREATE DATABASE IF NOT EXISTS `{schema}` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        )
        cursor.execute(f"USE `{schema}`")
        version = generator_version()
        if _loaded_version(cursor) == version:
            return False
        _load(connection, cursor, version)
        return True


def generator_version() -> str:
    """A checksum of this package's sources: any change of the data or the tables changes it."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _loaded_version(cursor: Cursor) -> str | None:
    cursor.execute("SHOW TABLES LIKE %s", (_VERSION_TABLE,))
    if cursor.fetchone() is None:
        return None
    cursor.execute(f"SELECT version FROM {_VERSION_TABLE}")
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def _load(connection: "Connection[Cursor]", cursor: Cursor, version: str) -> None:
    # The rows are consistent by construction, and the keys are checked by a test.
    cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'STRICT_TRANS_TABLES'")
    cursor.execute(f"DROP TABLE IF EXISTS {_VERSION_TABLE}")
    for table in reversed(TABLES):
        cursor.execute(f"DROP TABLE IF EXISTS {table.name}")
    for table in TABLES:
        cursor.execute(f"CREATE TABLE {table.name} ({table.ddl}) ENGINE = InnoDB")
    connection.begin()
    shop = make_shop()
    for table in TABLES:
        for statement in _inserts(table, _rows(shop, table)):
            cursor.execute(statement)
    connection.commit()
    cursor.execute(f"ANALYZE TABLE {', '.join(table.name for table in TABLES)}")
    cursor.fetchall()
    cursor.execute(f"CREATE TABLE {_VERSION_TABLE} (version CHAR(64) NOT NULL PRIMARY KEY) ENGINE = InnoDB")
    cursor.execute(f"INSERT INTO {_VERSION_TABLE} (version) VALUES (%s)", (version,))


def _rows(shop: Shop, table: TableDefinition) -> Sequence[Row]:
    rows: list[Row] = getattr(shop, table.name)
    return rows


def _inserts(table: TableDefinition, rows: Sequence[Row]) -> Iterator[str]:
    """Literals instead of bound values: three times as fast, and every value is the generator's own."""
    head = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES\n"
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        chunk = rows[start : start + _ROWS_PER_INSERT]
        yield head + ",\n".join(f"({','.join(map(_literal, row))})" for row in chunk)


def _literal(value: Value) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return f"'{escape_string(value)}'"
        case _:
            return str(value)
