"""Datasets in MySQL: whose each is, and where its file goes. The file itself is in the bucket.

An id that is unknown, expired or another tenant's is the same to a caller.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymysql.cursors import Cursor

from reporting.database import Database

_COLUMNS = "id, format, object_key, sha256, expires_at"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """A dataset that a file was, or may be, uploaded for. ``expires_at`` is naive and UTC."""

    id: str
    format: str
    object_key: str
    sha256: str | None
    expires_at: datetime


class Datasets:
    """The datasets table. Methods raise ``DatabaseUnavailable`` when MySQL does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, *, dataset_id: str, tenant: str, kind: str, object_key: str, sha256: str | None, days: int
    ) -> Dataset:
        """Store a dataset of the format ``kind`` that lives for ``days``."""

        def store(cursor: Cursor) -> Dataset:
            cursor.execute(
                "INSERT INTO datasets (id, tenant, format, object_key, sha256, created_at, expires_at)"
                " VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s DAY)",
                (dataset_id, tenant, kind, object_key, sha256, days),
            )
            cursor.execute(f"SELECT {_COLUMNS} FROM datasets WHERE id = %s", (dataset_id,))  # noqa: S608 - constants
            row = cursor.fetchone()
            assert row is not None, "it was inserted in this transaction"  # noqa: S101
            return _dataset(row)

        return self._database.transaction(store)

    def find(self, dataset_id: str, *, tenant: str) -> Dataset | None:
        """The tenant's live dataset of this id."""
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM datasets WHERE id = %s AND tenant = %s"  # noqa: S608 - constants
            " AND expires_at > UTC_TIMESTAMP(6)",
            (dataset_id, tenant),
        )
        return _dataset(rows[0]) if rows else None


def purge_expired(cursor: Cursor, *, limit: int) -> int:
    """Delete datasets whose time is over; returns how many. The bucket's lifecycle deletes their files."""
    return cursor.execute("DELETE FROM datasets WHERE expires_at <= UTC_TIMESTAMP(6) LIMIT %s", (limit,))


def _dataset(row: tuple[Any, ...]) -> Dataset:
    return Dataset(**dict(zip(_COLUMNS.split(", "), row, strict=True)))
