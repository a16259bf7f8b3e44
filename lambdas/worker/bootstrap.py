"""Puts the worker's parts together, once per environment."""

import logging
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reporting import adapters
from reporting.database import ANSWER_SECONDS, Database
from reporting.dead_letters import DeadLetters
from reporting.dispatch import Dispatcher
from reporting.execution import Execution, Limits
from reporting.outbox import Outbox
from reporting.report_types import load_report_types
from reporting.repository import Reports
from reporting.retries import Backoff
from reporting.secrets import SecretsManager
from reporting.snapshots import Snapshots
from reporting.sources import SourceOpener
from reporting.storage import S3ResultStore
from reporting.tabular_text import ReadLimits
from reporting.window import Window
from worker.settings import WorkerSettings

#: What a process that gives up its lease exits with (EX_TEMPFAIL of sysexits.h).
_EXIT_TEMPORARY_FAILURE = 75
#: A database that is only busy answers within it.
_LEAST_BEAT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    settings: WorkerSettings
    execution: Execution
    dead_letters: DeadLetters


@cache
def bootstrap() -> Worker:
    """Build the worker from the process environment. Raises what is wrong with the settings."""
    return build(WorkerSettings.from_environment(os.environ))


def build(settings: WorkerSettings) -> Worker:
    """Build the worker from ``settings``."""
    secrets = SecretsManager()
    connect = adapters.database_connector(settings, secrets)
    # A beat that is not answered is tried twice, and then the work is stopped within its lease.
    beat_seconds = min(ANSWER_SECONDS, max(_LEAST_BEAT_SECONDS, settings.lease_seconds / 6))
    heartbeat_connect = adapters.database_connector(settings, secrets, answer_seconds=beat_seconds)
    database = Database(connect)
    reports = Reports(database, tenant_window=Window(settings.tenant_window))
    snapshots = Snapshots(reports=reports, cache=adapters.cache(settings, secrets))
    catalogue = load_report_types(Path(settings.report_types_path))
    execution = Execution(
        reports=reports,
        dispatcher=Dispatcher(broker=adapters.broker(settings, secrets), outbox=Outbox(database)),
        snapshots=snapshots,
        store=S3ResultStore(bucket=settings.results_bucket),
        catalogue=catalogue,
        open_source=SourceOpener(settings=settings, secrets=secrets, catalogue=catalogue),
        heartbeat_database=lambda: Database(heartbeat_connect),
        abandon=_end_process,
        limits=Limits(
            lease_seconds=settings.lease_seconds,
            result_days=settings.result_days,
            backoff=Backoff(base_seconds=settings.retry_base_seconds, cap_seconds=settings.retry_cap_seconds),
            datasets=ReadLimits(
                total_bytes=settings.dataset_max_bytes,
                line_characters=settings.dataset_line_characters,
                field_characters=settings.dataset_field_characters,
            ),
            quotas=settings.quotas(),
        ),
    )
    dead_letters = DeadLetters(database=database, reports=reports, snapshots=snapshots)
    return Worker(settings=settings, execution=execution, dead_letters=dead_letters)


def _end_process() -> None:
    logging.shutdown()
    os._exit(_EXIT_TEMPORARY_FAILURE)
