"""Polls one queue and calls its function, the way an event source mapping of Amazon MQ does.

At most five calls at once, a batch of one message, the acknowledgement after the call. A call that failed
is repeated six times, a second apart, as ActiveMQ's default redelivery policy has it; then the broker
moves the message to ``DLQ.<queue>``.
"""

import asyncio
import json
import logging
import ssl
from dataclasses import dataclass

from local.deployment import Mapping
from local.functions import Functions
from local.queues.event import mapping_event
from local.queues.stomp import Frame, StompConnection, StompError

_log = logging.getLogger(__name__)
_REDELIVERIES = 6
_REDELIVERY_SECONDS = 1.0
_RECONNECT_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    host: str
    port: int
    username: str
    password: str
    context: ssl.SSLContext


class Poller:
    """Takes messages of one mapping's queue until it is cancelled."""

    def __init__(self, mapping: Mapping, *, broker: BrokerAddress, functions: Functions) -> None:
        self._mapping = mapping
        self._broker = broker
        self._functions = functions

    async def run(self) -> None:
        """Poll, and connect again whenever the broker was away."""
        while True:
            try:
                await self._poll()
            except (OSError, TimeoutError) as error:
                _log.warning("queue %s: %s", self._mapping.queue, error or "the broker does not answer")
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _poll(self) -> None:
        broker = self._broker
        connection = await StompConnection.open(
            host=broker.host,
            port=broker.port,
            username=broker.username,
            password=broker.password,
            context=broker.context,
        )
        calls: set[asyncio.Task[None]] = set()
        try:
            # The prefetch is the bound on calls: the broker sends no more until one is acknowledged.
            connection.subscribe(self._mapping.queue, prefetch=self._mapping.concurrency)
            while True:
                frame = await connection.receive()
                if frame.command == "ERROR":
                    raise StompError(f"The broker ended the session: {frame.headers.get('message')}")
                if frame.command != "MESSAGE":
                    continue
                call = asyncio.create_task(self._deliver(connection, frame))
                calls.add(call)
                call.add_done_callback(calls.discard)
        finally:
            await connection.close()

    async def _deliver(self, connection: StompConnection, message: Frame) -> None:
        redelivered = message.headers.get("redelivered") == "true"
        for delivery in range(1 + _REDELIVERIES):
            if delivery:
                await asyncio.sleep(_REDELIVERY_SECONDS)
            event = mapping_event(message, redelivered=redelivered or delivery > 0)
            answer = await self._functions.invoke(self._mapping.function, json.dumps(event).encode())
            if not answer.failed:
                connection.acknowledge(message)
                return
            _log.warning(
                "queue %s: delivery %d failed: %.300s", self._mapping.queue, delivery + 1, answer.payload
            )
        connection.refuse(message)
