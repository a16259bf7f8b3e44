"""One attempt at a report: claim, read, render, upload, commit."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from decimal import Decimal
from typing import Any, Protocol

from rendering.convert import decimal_text
from rendering.engine import render
from rendering.errors import RenderError, SheetFull
from rendering.model import Batch, Format, Options, Page, RenderResult, Table, TotalValue, ValueWarning
from rendering.warnings import WarningKind
from reporting.database import Database
from reporting.dataset_source import DatasetRows
from reporting.dispatch import Dispatcher
from reporting.errors import (
    BadDefinition,
    Cancelled,
    CommitUnknown,
    ForbiddenTransition,
    LeaseLost,
    RowCountChanged,
    TimeLimit,
)
from reporting.filenames import safe_filename
from reporting.followups import dead_letter, next_attempt
from reporting.heartbeat import Heartbeat
from reporting.identifiers import new_object_token
from reporting.messages import ReportMessage
from reporting.observability import count, duration, log_report, logger
from reporting.quotas import Quotas
from reporting.report import Report, load_document
from reporting.report_types import Catalogue, InvalidParameters
from reporting.repository import Changed, Reports
from reporting.requests import PageModel, stored_dataset, stored_table
from reporting.retries import Backoff, error_document, is_transient
from reporting.snapshots import Snapshots
from reporting.storage import ObjectWriter, ResultStore, StorageRefused, StorageUnavailable, StoredObject
from reporting.tabular_text import ReadLimits
from reporting.waiting import wait_for_database

#: What is kept free of a worker's time for the commit.
MARGIN_SECONDS = 15.0
_INLINE_BATCH = 1000
#: A status is a function's answer, of 6 MB at most, and a table may have 16,384 columns.
_MOST_WARNINGS = 1000


class RowSource(Protocol):
    """Rows in batches. An end of the iteration means that every row was read."""

    def __iter__(self) -> Iterator[Batch]: ...

    def interrupt(self) -> None:
        """End a blocked read; called from another thread."""

    def close(self) -> None: ...


class OpenSource(Protocol):
    """Opens the source of a report type."""

    def __call__(
        self, report_type: str, parameters: Mapping[str, Any], *, seconds_left: float
    ) -> RowSource: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Times and counts of a worker."""

    lease_seconds: int
    result_days: int
    backoff: Backoff
    datasets: ReadLimits = field(default_factory=ReadLimits)
    quotas: Quotas = field(default_factory=lambda: Quotas({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    table: Table
    source: RowSource
    options: Options


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rendered:
    format: Format
    result: RenderResult
    stored: StoredObject
    object_key: str
    filename: str


class InlineRows:
    """Rows that came with the request."""

    def __init__(self, rows: Sequence[Sequence[object]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self._rows), _INLINE_BATCH):
            yield self._rows[start : start + _INLINE_BATCH]

    def interrupt(self) -> None:
        """Nothing here blocks."""

    def close(self) -> None:
        """Nothing here is open."""


class Execution:
    """Makes reports that messages ask for.

    ``heartbeat_database`` gives the heartbeat's thread a database of its own; ``abandon`` ends the
    process when the lease can't be kept and the work can't be stopped otherwise.
    """

    def __init__(
        self,
        *,
        reports: Reports,
        dispatcher: Dispatcher,
        snapshots: Snapshots,
        store: ResultStore,
        catalogue: Catalogue,
        open_source: OpenSource,
        heartbeat_database: Callable[[], Database],
        abandon: Callable[[], object],
        limits: Limits,
    ) -> None:
        self._reports = reports
        self._dispatcher = dispatcher
        self._snapshots = snapshots
        self._store = store
        self._catalogue = catalogue
        self._open_source = open_source
        self._heartbeat_database = heartbeat_database
        self._abandon = abandon
        self._limits = limits

    def process(self, message: ReportMessage, *, seconds_left: float) -> None:
        """Make one attempt, unless there is nothing to do for the message.

        Returns when the report's new state is stored, whatever it is. Raises ``DatabaseUnavailable``
        when it could not be stored: the message must come again.
        """
        log_report(report_id=message.report_id, traceparent=message.traceparent)
        claim = self._claim(message)
        if claim is None:
            logger.info("nothing to do for this message", attempt=message.attempt)
            return
        log_report(report_id=claim.id, tenant=claim.tenant, traceparent=claim.traceparent)
        logger.info("report claimed", attempt=claim.attempt, fencing_token=claim.fencing_token)
        self._snapshots.publish(claim)
        started = time.monotonic()
        give_up_at = started + seconds_left - MARGIN_SECONDS
        try:
            rendered = self._make(claim, give_up_at)
        except LeaseLost:
            logger.warning("lease lost, nothing was published")
            return
        except Cancelled:
            self._stop(claim)
        except Exception as error:  # noqa: BLE001 - the boundary where any failure becomes a status
            self._give_up(claim, error)
        else:
            self._publish(claim, rendered)
        duration("ReportDuration", (time.monotonic() - started) * 1000)

    def _claim(self, message: ReportMessage) -> Report | None:
        def claim(*, again: bool) -> Report | None:
            return self._reports.claim(
                message.report_id,
                attempt=message.attempt,
                object_token=token,
                lease_seconds=self._limits.lease_seconds,
                again=again,
            )

        token = new_object_token()
        try:
            return claim(again=False)
        except CommitUnknown:
            # The report may be this worker's already, and nobody else's until the lease ends: its attempt
            # would be counted and not made.
            return wait_for_database(lambda: claim(again=True), seconds=self._limits.lease_seconds * 0.5)

    def _make(self, claim: Report, give_up_at: float) -> _Rendered:
        heartbeat = Heartbeat(
            claim,
            database=self._heartbeat_database(),
            snapshots=self._snapshots,
            lease_seconds=self._limits.lease_seconds,
            deadline=give_up_at,
            abandon=self._abandon,
        )
        with heartbeat:
            wanted = Format(claim.format)
            try:
                return self._attempt(claim, wanted, heartbeat, give_up_at)
            except SheetFull as full:
                # The rows are read again, as a file that holds any number of them.
                logger.info("more rows than a sheet holds, the report becomes CSV")
                assert claim.object_key is not None  # noqa: S101 - a claim sets it
                key = f"{claim.object_key.removesuffix(wanted.value)}{Format.CSV.value}"
                moved = self._reports.move(claim, key)
                made = self._attempt(moved, Format.CSV, heartbeat, give_up_at)
                return replace(made, result=_as_overflow(made.result, full))

    def _attempt(self, claim: Report, wanted: Format, heartbeat: Heartbeat, give_up_at: float) -> _Rendered:
        heartbeat.check()
        work = self._open(claim, give_up_at)
        heartbeat.on_interrupt(work.source.interrupt)
        try:
            return self._render(claim, work, wanted, heartbeat)
        except Exception:
            # A call that was interrupted fails in its own way: the reason to stop is what counts.
            heartbeat.check()
            raise
        finally:
            heartbeat.on_interrupt(None)
            work.source.close()

    def _open(self, claim: Report, give_up_at: float) -> _Work:
        if claim.report_type is None:
            table = stored_table(claim.request).to_table()
            source = self._table_rows(claim, table)
            return _Work(table=table, source=source, options=_options(claim, page=Page()))
        report_type = self._catalogue.get(claim.report_type)
        if report_type is None:
            raise BadDefinition(f"The report type {claim.report_type!r} does not exist any more.")
        try:
            parameters = report_type.validate_parameters(claim.request["parameters"])
        except InvalidParameters as error:
            raise BadDefinition(
                f"The report type {claim.report_type!r} has changed and no longer takes these parameters."
            ) from error
        options = _options(
            claim,
            page=report_type.page,
            parameters=report_type.shown_parameters(parameters),
            logo=report_type.logo,
            about=report_type.about,
        )
        rows = self._open_source(claim.report_type, parameters, seconds_left=give_up_at - time.monotonic())
        return _Work(table=report_type.table(parameters), source=rows, options=options)

    def _table_rows(self, claim: Report, table: Table) -> RowSource:
        reference = stored_dataset(claim.request)
        if reference is None:
            return InlineRows(self._inline_rows(claim))
        return DatasetRows(
            store=self._store,
            dataset=claim.request["dataset"],
            reference=reference,
            columns=table.columns,
            on_bad_value=claim.request["on_bad_value"],
            limits=self._limits.datasets,
        )

    def _inline_rows(self, claim: Report) -> list[list[object]]:
        if claim.input_key is None:
            rows: list[list[object]] = self._reports.inline_rows(claim.id)
        else:
            rows = load_document(self._store.get_input(claim.input_key).decode())
        return rows

    def _render(self, claim: Report, work: _Work, wanted: Format, heartbeat: Heartbeat) -> _Rendered:
        filename = safe_filename(claim.request.get("filename") or work.table.title, wanted.value)
        assert claim.object_key is not None  # noqa: S101 - a claim sets it
        read = 0

        def counted() -> Iterator[Batch]:
            nonlocal read
            for batch in work.source:
                read += len(batch)
                self._limits.quotas.check_rows(read, tenant=claim.tenant)
                yield batch

        with self._store.open_writer(
            claim.object_key, content_type=wanted.content_type, filename=filename
        ) as writer:
            result = render(
                table=work.table,
                batches=counted(),
                format=wanted,
                options=work.options,
                sink=_GuardedSink(writer, heartbeat),
                on_progress=heartbeat.progress,
            )
            if result.row_count != read:
                raise RowCountChanged(f"{read} rows were read and {result.row_count} were written.")
            heartbeat.progress(result.row_count, phase="uploading")
            stored = writer.commit()
        if (stored.size_bytes, stored.sha256) != (result.size_bytes, result.sha256):
            raise StorageUnavailable("The stored object is not the file that was rendered.")
        return _Rendered(
            format=wanted, result=result, stored=stored, object_key=claim.object_key, filename=filename
        )

    def _publish(self, claim: Report, rendered: _Rendered) -> None:
        document = _result_document(rendered)
        rows = rendered.result.row_count
        try:
            changed = self._persist(
                lambda: self._reports.succeed(
                    claim, result=document, row_count=rows, keep_days=self._limits.result_days
                )
            )
        except LeaseLost:
            # Whoever ended the claim has noted the key, but does not look for it for ever.
            self._discard(rendered.object_key)
            logger.warning("lease lost before the commit, the object was deleted")
            return
        except ForbiddenTransition:
            # A cancel came between the last look and the commit: it wins.
            self._stop(claim)
            return
        self._snapshots.publish(changed.report)
        self._dispatcher.send(changed.outgoing)
        count("ReportsSucceeded")
        count("RowsRendered", rows)
        logger.info("report succeeded", rows=rows, size_bytes=rendered.stored.size_bytes)

    def _stop(self, claim: Report) -> None:
        try:
            changed = self._persist(lambda: self._reports.stop(claim.id, fencing_token=claim.fencing_token))
        except (LeaseLost, ForbiddenTransition):
            logger.warning("the report was taken from this worker before it could be stopped")
            return
        self._snapshots.publish(changed.report)
        self._dispatcher.send(changed.outgoing)
        count("ReportsCancelled")
        logger.info("report cancelled")

    def _give_up(self, claim: Report, error: Exception) -> None:
        transient = is_transient(error)
        again = transient and claim.attempt < claim.max_attempts
        document = error_document(
            error, retryable=transient or isinstance(error, TimeLimit), traceparent=claim.traceparent
        )
        # The trace of a value that does not fit would carry the value: data does not belong into a log.
        logger.error(
            "attempt failed",
            exc_info=not isinstance(error, RenderError),
            code=document["code"],
            attempt=claim.attempt,
            will_retry=again,
        )
        try:
            if again:
                changed = self._persist(lambda: self._retry(claim, document))
            else:
                changed = self._persist(lambda: self._fail(claim, document, exhausted=transient))
        except LeaseLost:
            logger.warning("lease lost, the failure of this attempt is not recorded")
            return
        except ForbiddenTransition:
            self._stop(claim)
            return
        self._snapshots.publish(changed.report)
        self._dispatcher.send(changed.outgoing)
        count("ReportsRetried" if again else "ReportsFailed")

    def _retry(self, claim: Report, document: dict[str, Any]) -> Changed:
        delay = self._limits.backoff.delay(claim.attempt)
        message = next_attempt(claim, delay_seconds=delay)
        return self._reports.retry(
            claim.id, fencing_token=claim.fencing_token, error=document, delay_seconds=delay, message=message
        )

    def _fail(self, claim: Report, document: dict[str, Any], *, exhausted: bool) -> Changed:
        outgoing = [dead_letter(claim)] if exhausted else []
        return self._reports.fail(
            claim.id, error=document, fencing_token=claim.fencing_token, outgoing=outgoing
        )

    def _discard(self, object_key: str) -> None:
        try:
            self._store.delete(object_key)
        except (StorageUnavailable, StorageRefused):
            logger.warning("an unpublished object could not be deleted", object_key=object_key)

    def _persist(self, change: Callable[[], Changed]) -> Changed:
        """Store an outcome, waiting for the database as long as the lease can hold."""
        return wait_for_database(change, seconds=self._limits.lease_seconds * 0.5)


class _GuardedSink:
    """Passes bytes on and stops the work when there is a reason to, also where no batch ends."""

    def __init__(self, writer: ObjectWriter, heartbeat: Heartbeat) -> None:
        self._writer = writer
        self._heartbeat = heartbeat

    def write(self, data: bytes, /) -> None:
        self._heartbeat.check()
        self._writer.write(data)


def _options(
    claim: Report,
    *,
    page: Page,
    parameters: tuple[tuple[str, str], ...] = (),
    logo: bytes | None = None,
    about: bool = False,
) -> Options:
    """The request's options; ``page`` is the report type's, unless the request brings its own."""
    request = claim.request
    if request.get("page"):
        page = PageModel.model_validate(request["page"]).to_page()
    return Options(
        created_at=claim.created_at.replace(tzinfo=UTC),
        locale=request["locale"],
        timezone=request["timezone"],
        page=page,
        on_bad_value=request["on_bad_value"],
        on_overflow=request["on_overflow"],
        parameters=parameters,
        logo=logo,
        about=request.get("about", about),
    )


def _result_document(rendered: _Rendered) -> dict[str, Any]:
    result = rendered.result
    document: dict[str, Any] = {
        "filename": rendered.filename,
        "content_type": rendered.format.content_type,
        "size_bytes": result.size_bytes,
        "sha256": result.sha256,
        "row_count": result.row_count,
        "totals": {key: _total(value) for key, value in result.totals.items()},
        "warnings": _warnings(result.warnings),
    }
    if result.sheets is not None:
        document["sheets"] = result.sheets
    if result.pages is not None:
        document["pages"] = result.pages
    return document


def _as_overflow(result: RenderResult, full: SheetFull) -> RenderResult:
    """The result of a CSV that takes the place of a workbook."""
    warning = ValueWarning(
        column="",
        kind=WarningKind.OVERFLOW_CSV.value,
        count=result.row_count,
        row=full.row,
        detail=f"{full.detail}: the file is CSV",
    )
    return replace(result, warnings=(warning, *result.warnings))


def _total(value: TotalValue) -> str:
    """A decimal with all its digits, or ISO 8601."""
    return decimal_text(value) if isinstance(value, Decimal) else value.isoformat()


def _warnings(found: Sequence[ValueWarning]) -> list[dict[str, Any]]:
    """One entry for each of the first; what is beyond them is counted in one more."""
    told, rest = found[:_MOST_WARNINGS], found[_MOST_WARNINGS:]
    entries = [_warning(warning) for warning in told]
    if rest:
        further = ValueWarning(
            column="",
            kind="further",
            count=sum(warning.count for warning in rest),
            row=min(warning.row for warning in rest),
            detail=f"{len(rest)} more columns and kinds",
        )
        entries.append(_warning(further))
    return entries


def _warning(warning: ValueWarning) -> dict[str, Any]:
    return {
        "column": warning.column,
        "kind": warning.kind,
        "count": warning.count,
        "row": warning.row,
        "detail": warning.detail,
    }
