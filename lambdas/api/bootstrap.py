"""Puts the API's parts together, once per environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from api.documents import StatusDocuments
from api.settings import ApiSettings
from reporting import adapters
from reporting.database import Database
from reporting.dataset_uploads import DatasetLimits, DatasetUploads
from reporting.datasets import Datasets
from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.generation import Defaults, Generation
from reporting.lifecycle import Lifecycle
from reporting.listing import Listing
from reporting.outbox import Outbox
from reporting.redrive import Redrive
from reporting.report_types import Catalogue, load_report_types
from reporting.repository import Reports
from reporting.secrets import SecretsManager
from reporting.snapshots import Snapshots
from reporting.sources import SourceEstimator
from reporting.storage import S3ResultStore
from reporting.timeline import Timelines
from reporting.window import Window

#: Two tries of MySQL, each with a connection, end before the gateway gives up, after 29 s: the client gets a
#: problem that says what did not answer.
_ANSWER_SECONDS = 8
#: The rows of a request are stored in two tries of this and 2 s for a connection: also where the bucket and
#: then MySQL are silent, the answer comes before the gateway's.
_STORE_SECONDS = 4
_STORE_TRIES = 2
#: How long a read of a status waits for the bucket to say that an old file is still there.
_LOOK_SECONDS = 2
#: While the broker does not answer, few requests wait for it: the relay sends their messages.
_HURRY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """What the routes call. ``checks`` asks each part for a sign of life and raises if there is none."""

    settings: ApiSettings
    generation: Generation
    datasets: DatasetUploads
    snapshots: Snapshots
    lifecycle: Lifecycle
    listing: Listing
    redrive: Redrive
    reports: Reports
    timelines: Timelines
    documents: StatusDocuments
    catalogue: Catalogue
    checks: Mapping[str, Callable[[], object]]


@cache
def bootstrap() -> Api:
    """Build the API from the process environment. Raises what is wrong with the settings."""
    return build(ApiSettings.from_environment(os.environ))


def build(settings: ApiSettings) -> Api:
    """Build the API from ``settings``."""
    secrets = SecretsManager()
    connect = adapters.database_connector(settings, secrets, answer_seconds=_ANSWER_SECONDS)
    database = Database(connect)
    quotas = settings.quotas()
    tenant_window = Window(settings.tenant_window)
    reports = Reports(database, tenant_window=tenant_window, quotas=quotas)
    broker = adapters.broker(settings, secrets, hurry_seconds=_HURRY_SECONDS)
    cache_ = adapters.cache(settings, secrets)
    store = S3ResultStore(
        bucket=settings.results_bucket, answer_seconds=_STORE_SECONDS, attempts=_STORE_TRIES
    )
    snapshots = Snapshots(reports=reports, cache=cache_)
    dispatcher = Dispatcher(broker=broker, outbox=Outbox(database))
    catalogue = load_report_types(Path(settings.report_types_path))
    datasets = DatasetUploads(
        datasets=Datasets(database),
        store=store,
        limits=DatasetLimits(max_bytes=settings.dataset_max_bytes, days=settings.dataset_days),
    )
    generation = Generation(
        reports=reports,
        dispatcher=dispatcher,
        snapshots=snapshots,
        store=store,
        discards=Discards(database),
        datasets=datasets,
        catalogue=catalogue,
        estimator=SourceEstimator(settings=settings, secrets=secrets, catalogue=catalogue),
        lanes=adapters.lanes(settings, bulk_rows=settings.bulk_rows),
        defaults=Defaults(
            locale=settings.default_locale,
            timezone=settings.default_timezone,
            max_attempts=settings.max_attempts,
        ),
        quotas=quotas,
    )
    documents = StatusDocuments(
        signer=adapters.link_signer(settings, secrets),
        link_ttl_seconds=settings.link_ttl_seconds,
        # A status is read whatever the bucket does, and soon.
        store=S3ResultStore(bucket=settings.results_bucket, answer_seconds=_LOOK_SECONDS, attempts=1),
    )
    return Api(
        settings=settings,
        generation=generation,
        datasets=datasets,
        snapshots=snapshots,
        lifecycle=Lifecycle(reports=reports, dispatcher=dispatcher, snapshots=snapshots),
        listing=Listing(database),
        redrive=Redrive(
            database=database, dispatcher=dispatcher, snapshots=snapshots, tenant_window=tenant_window
        ),
        reports=reports,
        timelines=Timelines(database),
        documents=documents,
        catalogue=catalogue,
        checks={
            "database": reports.check,
            "broker": broker.check,
            "cache": cache_.check,
            "storage": store.check,
        },
    )
