"""The Lambda handler of the API."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.routes import app
from reporting.observability import logger, metrics, tracer


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
