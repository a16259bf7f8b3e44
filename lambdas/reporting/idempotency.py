"""Idempotency-Key: one key of a tenant stands for one request for 24 hours.

The insert of the unique key decides between parallel requests: the others wait for its transaction and
then find its report.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

import pymysql
from pymysql.cursors import Cursor

from reporting.errors import IdempotencyConflict, Problem
from reporting.report import dump_document
from reporting.wording import as_json

RETENTION_HOURS = 24
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
_DUPLICATE_ENTRY = 1062


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyKey:
    """A tenant's key and the hash of the body that it came with."""

    tenant: str
    key: str
    body_hash: str


def key_problems(text: str | None) -> list[Problem]:
    """What is wrong with a key: it has 1 to 255 printable ASCII characters, no blank at either end."""
    if text is None or _KEY.fullmatch(text):
        return []
    detail = (
        "Idempotency-Key: must have 1 to 255 printable ASCII characters without a blank at either end, "
        f"got {as_json(text)} ({len(text)} characters)"
    )
    return [Problem(pointer="", detail=detail, code="invalid_idempotency_key")]


def body_hash(body: object) -> str:
    """SHA-256 of the canonical body: member order and white space do not count, digits do (1 is not 1.0)."""
    return hashlib.sha256(dump_document(body).encode()).hexdigest()


def reserve(cursor: Cursor, key: IdempotencyKey, report_id: str) -> str:
    """Bind ``key`` to ``report_id`` in the caller's transaction, or find the report that has it.

    Returns the id of the report that the key stands for. Raises :class:`IdempotencyConflict` when the
    key belongs to another body.
    """
    try:
        cursor.execute(
            "INSERT INTO idempotency_keys (tenant, idempotency_key, body_hash, report_id, expires_at)"
            " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6) + INTERVAL %s HOUR)",
            (key.tenant, key.key, key.body_hash, report_id, RETENTION_HOURS),
        )
    except pymysql.err.IntegrityError as error:
        if error.args[0] != _DUPLICATE_ENTRY:
            raise
    else:
        return report_id
    # The failed insert holds this lock already, and fifty sessions that each wanted more would end one
    # another as deadlocks. A plain read would begin the transaction's snapshot before the locks to come.
    known = _read(cursor, key, lock=" LOCK IN SHARE MODE")
    if known.expired:
        # Free again: whoever changes the row first has the key, and the others see what it became.
        if cursor.execute(
            "UPDATE idempotency_keys SET body_hash = %s, report_id = %s,"
            " expires_at = UTC_TIMESTAMP(6) + INTERVAL %s HOUR"
            " WHERE tenant = %s AND idempotency_key = %s AND expires_at <= UTC_TIMESTAMP(6)",
            (key.body_hash, report_id, RETENTION_HOURS, key.tenant, key.key),
        ):
            return report_id
        known = _read(cursor, key, lock=" FOR UPDATE")
    if known.body_hash != key.body_hash:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another body; use a new key for a new request."
        )
    return known.report_id


class _Known(NamedTuple):
    report_id: str
    body_hash: str
    expired: bool


def _read(cursor: Cursor, key: IdempotencyKey, *, lock: str) -> _Known:
    cursor.execute(
        "SELECT report_id, body_hash, expires_at <= UTC_TIMESTAMP(6) FROM idempotency_keys"  # noqa: S608 - constants
        f" WHERE tenant = %s AND idempotency_key = %s{lock}",
        (key.tenant, key.key),
    )
    row = cursor.fetchone()
    assert row is not None, "the key was there a statement ago and keys are not deleted before their time"  # noqa: S101
    return _Known(report_id=row[0], body_hash=row[1], expired=bool(row[2]))


def purge_expired(cursor: Cursor, *, limit: int) -> int:
    """Delete keys whose time is over; returns how many."""
    return cursor.execute(
        "DELETE FROM idempotency_keys WHERE expires_at < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR LIMIT %s",
        (limit,),
    )
