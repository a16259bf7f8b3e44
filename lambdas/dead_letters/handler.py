"""The Lambda handler of the dead letter queues."""

from aws_lambda_powertools.utilities.data_classes import event_source
from aws_lambda_powertools.utilities.data_classes.active_mq_event import ActiveMQEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from dead_letters.bootstrap import Consumer, bootstrap
from reporting.deliveries import Delivery, deliveries
from reporting.observability import logger, metrics, tracer
from reporting.waiting import wait_for_database


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
@event_source(data_class=ActiveMQEvent)
def handler(event: ActiveMQEvent, context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Keep the dead letters and fail their reports."""
    consumer = bootstrap()
    for delivery in deliveries(event):
        _take(consumer, delivery)


def _take(consumer: Consumer, delivery: Delivery) -> None:
    wait_for_database(
        lambda: consumer.dead_letters.take(
            message_id=delivery.message_id, queue=delivery.queue, body=delivery.body
        ),
        seconds=consumer.settings.database_wait_seconds,
    )
