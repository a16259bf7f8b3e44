"""Puts the relay's parts together, once per environment."""

import os
from functools import cache

from relay.settings import RelaySettings
from reporting import adapters
from reporting.database import Database
from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.outbox import Outbox
from reporting.recovery import Recovery
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.secrets import SecretsManager
from reporting.snapshots import Snapshots
from reporting.storage import S3ResultStore
from reporting.window import Window


@cache
def bootstrap() -> Recovery:
    """Build the relay from the process environment. Raises what is wrong with the settings."""
    return build(RelaySettings.from_environment(os.environ))


def build(settings: RelaySettings) -> Recovery:
    """Build the relay from ``settings``."""
    secrets = SecretsManager()
    database = Database(adapters.database_connector(settings, secrets))
    reports = Reports(database, tenant_window=Window(settings.tenant_window))
    outbox = Outbox(database)
    return Recovery(
        reports=reports,
        outbox=outbox,
        dispatcher=Dispatcher(broker=adapters.broker(settings, secrets), outbox=outbox),
        snapshots=Snapshots(reports=reports, cache=adapters.cache(settings, secrets)),
        store=S3ResultStore(bucket=settings.results_bucket),
        discards=Discards(database),
        backoff=Backoff(base_seconds=settings.retry_base_seconds, cap_seconds=settings.retry_cap_seconds),
        resend_seconds=settings.resend_seconds,
    )
