"""The Lambda handler of the migrator, called by each deployment before new code takes traffic."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from migrator.migrate import migrate
from migrator.settings import MigratorSettings
from reporting import adapters
from reporting.observability import logger, metrics, tracer
from reporting.secrets import SecretsManager


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:  # noqa: ARG001 - Lambda's signature
    """Apply the revisions. Safe to call at any time, also twice at once. An error fails the deployment."""
    settings = MigratorSettings.from_environment(os.environ)
    revision = migrate(adapters.database_connector(settings, SecretsManager()))
    logger.info("schema is up to date", revision=revision)
    return {"revision": revision}
