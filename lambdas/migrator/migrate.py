"""Applies the schema's revisions. Two runs at once wait for each other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from pymysql.connections import Connection as MySqlConnection
from pymysql.cursors import Cursor
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = "prensa.migrations"
_LOCK_SECONDS = 240


class MigrationsBusy(Exception):
    """Another run holds the lock for longer than a run may take."""


def migrate(
    connect: Callable[[], "MySqlConnection[Cursor]"], *, prepare: Callable[[Cursor], None] | None = None
) -> str:
    """Bring the schema to its newest revision and return that revision's name.

    ``prepare`` comes first, under the same lock, with a cursor of its own connection.
    Raises :class:`MigrationsBusy` when another run does not end within four minutes.
    """
    engine = create_engine("mysql+pymysql://", creator=lambda: _unshared(connect), poolclass=NullPool)
    with engine.connect() as connection, _locked(connection):
        if prepare is not None:
            with connect() as own, own.cursor() as cursor:
                prepare(cursor)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise RuntimeError(f"no revision was applied: {_MIGRATIONS} holds none")
    return revision


def _unshared(connect: Callable[[], "MySqlConnection[Cursor]"]) -> pymysql.Connection:
    connection = connect()
    # SQLAlchemy brackets its work with commits of its own.
    connection.autocommit(False)
    return connection


@contextmanager
def _locked(connection: Connection) -> Iterator[None]:
    name, seconds = {"name": _LOCK}, _LOCK_SECONDS
    if connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), {**name, "seconds": seconds}) != 1:
        raise MigrationsBusy(f"Another migration has held the lock for {seconds} seconds.")
    connection.commit()
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), name)
