"""The Lambda handler of the worker: messages of a lane's queue, from Amazon MQ."""

from aws_lambda_powertools.utilities.data_classes import event_source
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from reporting.deliveries import Delivery, deliveries
from reporting.messages import MalformedMessage, ReportMessage
from reporting.observability import logger, metrics, tracer
from reporting.waiting import wait_for_database
from worker.bootstrap import Worker, bootstrap


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
    for delivery in deliveries(event):
        _process(worker, delivery, context)


def _process(worker: Worker, delivery: Delivery, context: LambdaContext) -> None:
    try:
        message = ReportMessage.from_json(delivery.body)
    except MalformedMessage as error:
        logger.error("message dropped", message_id=delivery.message_id, reason=str(error))
        worker.dead_letters.keep(
            message_id=delivery.message_id, queue=delivery.queue, body=delivery.body, report_id=None
        )
        return
    wait_for_database(
        lambda: worker.execution.process(message, seconds_left=context.get_remaining_time_in_millis() / 1000),
        seconds=worker.settings.database_wait_seconds,
    )
