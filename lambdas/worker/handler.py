"""The Lambda handler of the worker: messages of a lane's queue, from Amazon MQ."""

import time

from aws_lambda_powertools.utilities.data_classes import event_source
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from reporting.deliveries import Delivery, deliveries
from reporting.errors import ReportNotFound
from reporting.messages import MalformedMessage, ReportMessage
from reporting.observability import logger, metrics, tracer
from reporting.waiting import wait_for_database
from worker.bootstrap import Worker, bootstrap

#: No function of Lambda runs for longer. A call that has less than the least, or more, at its beginning says
#: that the clock of its environment is wrong: the end of a call is given as a time of day.
_MOST_SECONDS = 900.0
_LEAST_SECONDS = 60.0


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
@event_source(data_class=ActiveMQEvent)
def handler(event: ActiveMQEvent, context: LambdaContext) -> None:
    """Make the reports that the messages ask for.

    Returns once each report's new state is stored: an error would bring the whole batch again. Raises
    ``DatabaseUnavailable`` when nothing could be stored: the broker then delivers the messages again.
    """
    worker = bootstrap()
    give_up_at = time.monotonic() + seconds_left(context)
    for delivery in deliveries(event):
        _process(worker, delivery, give_up_at)


def seconds_left(context: LambdaContext) -> float:
    """How long a call that begins now may run, whatever the clock says."""
    seconds = context.get_remaining_time_in_millis() / 1000
    if _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        return seconds
    logger.warning("the clock of this environment is wrong", seconds_left=seconds)
    return _MOST_SECONDS


def _process(worker: Worker, delivery: Delivery, give_up_at: float) -> None:
    try:
        message = ReportMessage.from_json(delivery.body)
    except MalformedMessage as error:
        _put_aside(worker, delivery, reason=str(error), report_id=None)
        return
    try:
        wait_for_database(
            lambda: worker.execution.process(message, seconds_left=give_up_at - time.monotonic()),
            seconds=worker.settings.database_wait_seconds,
        )
    except ReportNotFound:
        # A message is sent after its report was stored: this one is of a row that was deleted, or of other
        # tables. More deliveries would not change it, and would bring the rest of the batch with them.
        _put_aside(worker, delivery, reason="There is no such report.", report_id=message.report_id)


def _put_aside(worker: Worker, delivery: Delivery, *, reason: str, report_id: str | None) -> None:
    """Keep a message among the dead letters, where an operator finds it, and let its queue go on."""
    logger.error("message dropped", message_id=delivery.message_id, reason=reason)
    wait_for_database(
        lambda: worker.dead_letters.keep(
            message_id=delivery.message_id, queue=delivery.queue, body=delivery.body, report_id=report_id
        ),
        seconds=worker.settings.database_wait_seconds,
    )
