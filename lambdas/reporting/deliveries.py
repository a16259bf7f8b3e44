"""Messages as Lambda's event source mapping for ActiveMQ hands them over."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent

#: What the table of dead letters takes, far beyond what a broker gives.
_MAX_ID = 255
_MAX_QUEUE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One delivered message. ``body`` is the text of a text message or of a bytes message alike."""

    message_id: str
    queue: str
    body: str


def deliveries(event: ActiveMQEvent) -> Iterator[Delivery]:
    """The event's messages, in order. A body that is not base64 or not UTF-8 is kept as readable text.

    So is a message that lacks what a mapping sends: an error here would bring the whole batch again.
    """
    for message in event["messages"]:
        yield _delivery(message)


def _delivery(message: object) -> Delivery:
    body = _body(message["data"]) if isinstance(message, Mapping) and "data" in message else _as_text(message)
    return Delivery(message_id=_message_id(message), queue=_queue(message), body=body)


def _message_id(message: object) -> str:
    """The broker's id or, without one, what the message itself makes: the same for each delivery of it."""
    found = message.get("messageID") if isinstance(message, Mapping) else None
    if isinstance(found, str) and 0 < len(found) <= _MAX_ID:
        return _storable(found)
    return f"sha256:{hashlib.sha256(_as_text(message).encode()).hexdigest()}"


def _as_text(message: object) -> str:
    return json.dumps(message, sort_keys=True, default=str)


def _queue(message: object) -> str:
    destination = message.get("destination") if isinstance(message, Mapping) else None
    if not isinstance(destination, Mapping):
        return "unknown"
    # AWS's own documents spell this key in two ways.
    name = destination.get("physicalName") or destination.get("physicalname") or "unknown"
    return _storable(str(name))[:_MAX_QUEUE]


def _body(data: Any) -> str:
    if not isinstance(data, str):
        return json.dumps(data, default=str)
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "backslashreplace")
    except (binascii.Error, ValueError):
        return _storable(data)


def _storable(text: str) -> str:
    """``text`` with halves of surrogate pairs written out: no column takes them."""
    return text.encode("utf-8", "backslashreplace").decode()
