"""The Lambda handler of the relay, called each minute."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import bootstrap
from reporting.observability import logger, metrics, tracer

#: Kept free at the end, so that a run ends by itself.
_MARGIN_SECONDS = 10


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - the schedule says nothing
    """Recover what got stuck; returns how much."""
    seconds_left = context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    return asdict(bootstrap().run(seconds_left=seconds_left))
