"""The messages that follow from an attempt: another attempt, or a dead letter."""

from reporting.lanes import dead_letter_queue, message_priority
from reporting.messages import ReportMessage
from reporting.outbox import OutboxMessage
from reporting.report import Report


def first_attempt(report: Report) -> OutboxMessage:
    """The message that asks for a report's attempts from the first one on."""
    return OutboxMessage(
        queue=report.queue,
        priority=message_priority(report.priority),
        message=ReportMessage(report_id=report.id, attempt=1, traceparent=report.traceparent),
    )


def next_attempt(report: Report, *, delay_seconds: float) -> OutboxMessage:
    """The message that asks for the attempt after the report's current one."""
    return OutboxMessage(
        queue=report.queue,
        priority=message_priority(report.priority),
        message=ReportMessage(
            report_id=report.id, attempt=report.attempt + 1, traceparent=report.traceparent
        ),
        delay_seconds=delay_seconds,
    )


def dead_letter(report: Report) -> OutboxMessage:
    """A copy of the report's last message for the dead letter queue."""
    return OutboxMessage(
        queue=dead_letter_queue(report.queue),
        priority=message_priority(report.priority),
        message=ReportMessage(report_id=report.id, attempt=report.attempt, traceparent=report.traceparent),
    )
