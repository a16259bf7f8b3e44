"""The Lambda handler of the migrator, called by each deployment before new code takes traffic."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from migrator.migrate import migrate
from migrator.settings import MigratorSettings
from migrator.users import application, ensure_schemas, ensure_users, reader
from reporting import adapters
from reporting.observability import logger, tracer
from reporting.secrets import Secrets, SecretsManager


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:  # noqa: ARG001 - Lambda's signature
    """Make the users, apply the revisions. Safe to call at any time, also twice at once.

    An error fails the deployment.
    """
    settings = MigratorSettings.from_environment(os.environ)
    secrets = SecretsManager()
    connect = adapters.database_connector(settings, secrets)
    revision = migrate(connect, prepare=lambda cursor: _prepare(cursor, settings, secrets))
    logger.info("schema is up to date", revision=revision)
    return {"revision": revision}


def _prepare(cursor: Any, settings: MigratorSettings, secrets: Secrets) -> None:
    own = secrets.json(settings.application_secret_arn)
    source = secrets.json(settings.reader_secret_arn)
    # The connection is to `database_name`, which is therefore there.
    ensure_schemas(cursor, [settings.source_name])
    ensure_users(
        cursor,
        [
            application(own["username"], own["password"], schema=settings.database_name),
            reader(source["username"], source["password"], schema=settings.source_name),
        ],
    )
