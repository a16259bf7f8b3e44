"""Opens the sources of report types with the read-only user of the source database."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rendering.column_types import TEXT_TYPES
from reporting.errors import PrensaError, TimeLimit
from reporting.observability import logger
from reporting.report_types import Catalogue
from reporting.secrets import Secrets
from reporting.settings import SourceSettings
from reporting.sql_source import SourceDatabase, SqlSource, estimate


def source_database(settings: SourceSettings, secrets: Secrets) -> SourceDatabase:
    """The source database of an environment."""
    secret = secrets.json(settings.source_secret_arn)
    return SourceDatabase(
        host=settings.source_host,
        port=settings.source_port,
        database=settings.source_name,
        user=secret["username"],
        password=secret["password"],
        ca_file=settings.source_ca_file,
    )


def renewed_database(settings: SourceSettings, secrets: Secrets) -> SourceDatabase:
    """The source database with the password that its secret holds now."""
    secrets.refresh(settings.source_secret_arn)
    return source_database(settings, secrets)


class SourceOpener:
    """Opens the rows of a report type, limited to the time that the worker has left."""

    def __init__(self, *, settings: SourceSettings, secrets: Secrets, catalogue: Catalogue) -> None:
        self._settings = settings
        self._secrets = secrets
        self._catalogue = catalogue

    def __call__(self, report_type: str, parameters: Mapping[str, Any], *, seconds_left: float) -> SqlSource:
        """A source that has not asked anything yet. Raises :class:`TimeLimit` when no time is left."""
        if seconds_left <= 0:
            raise TimeLimit("No time is left to run the query.")
        found = self._catalogue[report_type]
        longest = self._settings.statement_timeout_seconds
        timeout = min(longest, found.timeout_seconds or longest, seconds_left)
        return SqlSource(
            database=source_database(self._settings, self._secrets),
            statement=found.statement(parameters),
            columns=[column.key for column in found.columns],
            texts=[column.key for column in found.columns if column.type in TEXT_TYPES],
            statement_timeout_seconds=timeout,
            renew=partial(renewed_database, self._settings, self._secrets),
        )


class SourceEstimator:
    """Asks a report type's own estimate, and does without when it does not answer."""

    def __init__(self, *, settings: SourceSettings, secrets: Secrets, catalogue: Catalogue) -> None:
        self._settings = settings
        self._secrets = secrets
        self._catalogue = catalogue

    def estimate(self, report_type: str, parameters: Mapping[str, Any]) -> int | None:
        """About how many rows there will be, or ``None``. A source that is down never refuses a request."""
        statement = self._catalogue[report_type].estimate_statement(parameters)
        if statement is None:
            return None
        try:
            return estimate(
                database=source_database(self._settings, self._secrets),
                statement=statement,
                renew=partial(renewed_database, self._settings, self._secrets),
            )
        except PrensaError as error:
            logger.warning("no estimate", report_type=report_type, reason=error.code)
            return None
