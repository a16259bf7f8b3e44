"""Stand-ins where a test is not about the broker: it confirms each message and delivers none."""

from collections.abc import Sequence

from reporting.broker import OutgoingMessage, PublishFailed


class ConfirmingBroker:
    """Remembers what it was given, in order."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []

    def publish(self, message: OutgoingMessage) -> None:
        self.publish_many([message])

    def publish_many(self, messages: Sequence[OutgoingMessage]) -> list[PublishFailed | None]:
        self.messages += messages
        return [None for _ in messages]

    def check(self) -> None:
        """It is there."""
