"""Sends stored messages to the broker. What can't be sent now stays for the relay."""

from collections.abc import Sequence

from reporting.broker import Broker, OutgoingMessage
from reporting.errors import DatabaseUnavailable
from reporting.observability import count, logger
from reporting.outbox import Outbox, OutboxRow


class Dispatcher:
    """Publishes outbox rows and marks those that the broker confirmed."""

    def __init__(self, *, broker: Broker, outbox: Outbox) -> None:
        self._broker = broker
        self._outbox = outbox

    def send(self, rows: Sequence[OutboxRow]) -> int:
        """Publish ``rows`` and return how many the broker confirmed.

        Never raises for a broker or database that does not answer: the rows are safe where they are,
        and a message that is sent twice is taken up once.
        """
        if not rows:
            return 0
        outcomes = self._broker.publish_many([_message(row) for row in rows])
        sent = [row.id for row, failure in zip(rows, outcomes, strict=True) if failure is None]
        for row, failure in zip(rows, outcomes, strict=True):
            if failure is not None:
                logger.warning(
                    "message stays in the outbox",
                    outbox_id=row.id,
                    report_id=row.report_id,
                    reason=failure.reason,
                )
        count("MessagesSent", len(sent))
        if len(sent) < len(rows):
            count("MessagesDeferred", len(rows) - len(sent))
        unsent = [row.id for row, failure in zip(rows, outcomes, strict=True) if failure is not None]
        try:
            self._outbox.mark_sent(sent)
            self._outbox.give_back(unsent)
        except DatabaseUnavailable:
            logger.warning("sent messages could not be marked and will be sent again", outbox_ids=sent)
        return len(sent)


def _message(row: OutboxRow) -> OutgoingMessage:
    return OutgoingMessage(
        queue=row.queue,
        body=row.body,
        priority=row.priority,
        delay_ms=row.delay_ms,
        correlation_id=row.report_id,
    )
