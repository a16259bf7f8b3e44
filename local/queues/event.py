"""The event that Lambda's event source mapping for ActiveMQ sends.

https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
"""

import base64
import time
from typing import Any

from local.queues.stomp import Frame

ARN = "arn:aws:mq:us-east-1:000000000000:broker:prensa:b-00000000-0000-0000-0000-000000000000"
#: What STOMP itself uses; every other header is a property of the message.
_STANDARD = frozenset(
    [
        "ack",
        "content-length",
        "content-type",
        "correlation-id",
        "destination",
        "expires",
        "message-id",
        "persistent",
        "priority",
        "redelivered",
        "reply-to",
        "subscription",
        "timestamp",
        "type",
    ]
)


def mapping_event(message: Frame, *, redelivered: bool) -> dict[str, Any]:
    """An event with one message, as a mapping with a batch of 1 sends it."""
    headers = message.headers
    kind = "jms/bytes-message" if "content-length" in headers else "jms/text-message"
    now = int(time.time() * 1000)
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": ARN,
        "messages": [
            {
                "messageID": headers["message-id"],
                "messageType": kind,
                "deliveryMode": 2 if headers.get("persistent") == "true" else 1,
                "replyTo": headers.get("reply-to"),
                "type": headers.get("type"),
                "expiration": headers.get("expires", "0"),
                "priority": int(headers.get("priority", "4")),
                "correlationId": headers.get("correlation-id"),
                "redelivered": redelivered,
                "destination": {"physicalName": headers["destination"].removeprefix("/queue/")},
                "data": base64.b64encode(message.body).decode(),
                "timestamp": int(headers.get("timestamp", now)),
                "brokerInTime": int(headers.get("timestamp", now)),
                "brokerOutTime": now,
                "properties": {name: value for name, value in headers.items() if name not in _STANDARD},
            }
        ],
    }
