"""Ids and the W3C trace context."""

import re
import secrets
import time
import uuid

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_XRAY_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")


def new_report_id() -> str:
    """A UUID version 7 (RFC 9562 section 5.7): ordered by time, so that the primary key grows at its
    end, with 74 random bits, so that it can't be guessed."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def new_dataset_id() -> str:
    """An id of the same kind as a report's."""
    return new_report_id()


def is_report_id(text: str) -> bool:
    """Whether ``text`` has the one spelling that ids are given out in."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def new_object_token() -> str:
    """128 random bits for an object key, so that a key can't be derived from a report's id."""
    return secrets.token_hex(16)


def traceparent(*, header: str | None, xray: str | None) -> str:
    """The caller's trace context, the one of X-Ray, or a new one (W3C Trace Context, section 3.2)."""
    if header and is_traceparent(header):
        return header
    if xray and (root := _XRAY_ROOT.search(xray)):
        return f"00-{root[1]}{root[2]}-{secrets.token_hex(8)}-01"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def is_traceparent(text: str) -> bool:
    """Whether ``text`` is a trace context of version 00."""
    return _TRACEPARENT.fullmatch(text) is not None


def trace_id(parent: str) -> str:
    return parent.split("-")[1]
