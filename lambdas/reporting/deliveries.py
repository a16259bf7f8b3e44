"""Messages as Lambda's event source mapping for ActiveMQ hands them over."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent, ActiveMQMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One delivered message. ``body`` is the text of a text message or of a bytes message alike."""

    message_id: str
    queue: str
    body: str


def deliveries(event: ActiveMQEvent) -> Iterator[Delivery]:
    """The event's messages, in order. A body that is not base64 or not UTF-8 is kept as readable text."""
    for message in event.messages:
        yield Delivery(
            message_id=str(message["messageID"]), queue=_queue(message), body=_body(str(message["data"]))
        )


def _queue(message: ActiveMQMessage) -> str:
    # AWS's own documents spell this key in two ways.
    destination = message["destination"]
    return str(destination.get("physicalName") or destination.get("physicalname"))


def _body(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "backslashreplace")
    except (binascii.Error, ValueError):
        return data
