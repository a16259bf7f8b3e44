"""Accepting a request: checked, stored with its first message, sent, answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reporting.dataset_uploads import DatasetUploads
from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.errors import (
    CommitUnknown,
    IdempotencyConflict,
    InputGone,
    InvalidIdempotencyKey,
    InvalidRequest,
    NotDone,
    Problem,
    QuotaExceeded,
    Rate,
    RowQuota,
)
from reporting.idempotency import IdempotencyKey, body_hash, key_problems
from reporting.identifiers import new_report_id
from reporting.lanes import Lanes, Place
from reporting.messages import ReportMessage
from reporting.observability import count, log_report, logger
from reporting.outbox import OutboxMessage
from reporting.quotas import Quotas
from reporting.report import Report, dump_document, load_document
from reporting.report_types import Catalogue
from reporting.repository import Accepted, NewReport, Reports
from reporting.requests import ReportRequest, parse_request
from reporting.snapshots import Snapshot, Snapshots
from reporting.storage import ObjectNotFound, ResultStore

#: Inline rows up to this size stay in the database, larger ones go to the bucket.
INLINE_BYTES = 32_000
#: Rows of a dataset seldom have fewer bytes. What this makes of a file's size decides on its lane only.
_DATASET_ROW_BYTES = 50


class Estimator(Protocol):
    """Tells about how many rows a report type will have for some parameters."""

    def estimate(self, report_type: str, parameters: Mapping[str, Any]) -> int | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What a request gets when it does not say."""

    locale: str
    timezone: str
    max_attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Generated:
    """The answer to an accepted request."""

    snapshot: Snapshot
    replayed: bool
    rate: Rate | None = None


class Generation:
    """Takes requests for reports."""

    def __init__(
        self,
        *,
        reports: Reports,
        dispatcher: Dispatcher,
        snapshots: Snapshots,
        store: ResultStore,
        discards: Discards,
        datasets: DatasetUploads,
        catalogue: Catalogue,
        estimator: Estimator,
        lanes: Lanes,
        defaults: Defaults,
        quotas: Quotas,
    ) -> None:
        self._reports = reports
        self._dispatcher = dispatcher
        self._snapshots = snapshots
        self._store = store
        self._discards = discards
        self._datasets = datasets
        self._catalogue = catalogue
        self._estimator = estimator
        self._lanes = lanes
        self._defaults = defaults
        self._quotas = quotas

    def validate(self, body: Mapping[str, Any], *, tenant: str, key: str | None) -> dict[str, Any]:
        """Check a request without storing anything, and tell what it would become.

        Raises :class:`reporting.errors.InvalidRequest` and :class:`reporting.errors.DatasetNotUploaded`.
        """
        request = self._parse(body, tenant=tenant, key=key)
        rows = self._estimate(request)
        place = self._place("", request, rows)
        return {
            "valid": True,
            "report_type": request.report_type,
            "format": request.format.value,
            "parameters": request.parameters,
            "estimate": {"rows": rows, "lane": place.lane},
        }

    def generate(
        self, body: Mapping[str, Any], *, tenant: str, key: str | None, traceparent: str
    ) -> Generated:
        """Accept a request. A ``key`` that can't be one is told beside what is wrong with the body.

        Raises :class:`reporting.errors.InvalidRequest`, :class:`reporting.errors.DatasetNotUploaded`,
        :class:`reporting.errors.QuotaExceeded` (nothing is stored),
        :class:`reporting.errors.IdempotencyConflict`, and ``DatabaseUnavailable`` or ``StorageUnavailable``
        when the request could not be stored.
        """
        idempotency = None
        if key is not None and not key_problems(key):
            idempotency = IdempotencyKey(tenant=tenant, key=key, body_hash=body_hash(body))
            if (known := self._replay(idempotency)) is not None:
                return known
        request = self._parse(body, tenant=tenant, key=key)
        return self._store_and_send(request, tenant=tenant, idempotency=idempotency, traceparent=traceparent)

    def rerun(self, report_id: str, *, tenant: str, key: str | None, traceparent: str) -> Generated:
        """Ask once more for what an ended report was asked for, as a report of its own.

        The request is checked anew: a report type may have changed. Raises what :meth:`generate` raises,
        :class:`ReportNotFound`, :class:`NotDone`, and :class:`InputGone` when its rows are not there any
        more.
        """
        if problems := key_problems(key):
            raise InvalidIdempotencyKey(problems)
        idempotency = None
        if key is not None:
            # A list, which no body of another call is.
            same = body_hash(["rerun", report_id])
            idempotency = IdempotencyKey(tenant=tenant, key=key, body_hash=same)
            if (known := self._replay(idempotency)) is not None:
                return known
        report = self._reports.get_of(report_id, tenant=tenant)
        if not report.status.done:
            raise NotDone(f"The report is {report.status.value}; it can be run again once it has ended.")
        return self._store_and_send(
            self._parse(self._body_of(report), tenant=tenant),
            tenant=tenant,
            idempotency=idempotency,
            traceparent=traceparent,
        )

    def _body_of(self, report: Report) -> dict[str, Any]:
        """The request that a report was made from. Its rows are read, so that the new report has its own."""
        # What is kept of a dataset's file is found anew.
        request = {name: value for name, value in report.request.items() if name != "dataset"}
        if report.report_type is not None or "dataset" in request["table"]:
            return request
        if report.input_key is None:
            rows = self._reports.inline_rows(report.id)
        else:
            try:
                rows = load_document(self._store.get_input(report.input_key).decode())
            except ObjectNotFound as error:
                raise InputGone from error
        return {**request, "table": {**request["table"], "rows": rows}}

    def _store_and_send(
        self, request: ReportRequest, *, tenant: str, idempotency: IdempotencyKey | None, traceparent: str
    ) -> Generated:
        report_id = new_report_id()
        rows = self._estimate(request)
        place = self._place(report_id, request, rows)
        inline, input_key = self._keep_rows(report_id, request)
        new = NewReport(
            id=report_id,
            tenant=tenant,
            report_type=request.report_type,
            format=request.format.value,
            priority=request.priority,
            lane=place.lane,
            queue=place.queue,
            request=request.document,
            inline_rows=inline,
            input_key=input_key,
            rows_total=rows,
            max_attempts=self._defaults.max_attempts,
            traceparent=traceparent,
        )
        try:
            accepted = self._accept(new, place, idempotency)
        except QuotaExceeded:
            count("RequestsRefused")
            raise
        log_report(report_id=accepted.report.id, tenant=tenant, traceparent=accepted.report.traceparent)
        if accepted.replayed:
            # Another request with this key was first.
            return self._replayed(accepted.report)
        snapshot = self._snapshots.publish(accepted.report)
        self._dispatcher.send(accepted.outgoing)
        count("ReportsAccepted")
        logger.info("report accepted", lane=place.lane, format=new.format, report_type=new.report_type)
        return Generated(snapshot=snapshot, replayed=False, rate=accepted.rate)

    def _parse(self, body: Mapping[str, Any], *, tenant: str, key: str | None = None) -> ReportRequest:
        wrong_key = key_problems(key)
        try:
            request = parse_request(
                body,
                catalogue=self._catalogue,
                locale=self._defaults.locale,
                timezone=self._defaults.timezone,
                others=[*wrong_key, *self._row_problems(body, tenant=tenant)],
            )
        except InvalidRequest as error:
            if wrong_key:
                raise InvalidIdempotencyKey(error.problems) from error
            raise
        if (reference := request.dataset) is not None:
            request.document["dataset"] = self._datasets.bind(reference, tenant=tenant)
        return request

    def _row_problems(self, body: Mapping[str, Any], *, tenant: str) -> list[Problem]:
        table = body.get("table")
        rows = table.get("rows") if isinstance(table, Mapping) else None
        if isinstance(rows, list):
            try:
                self._quotas.check_rows(len(rows), tenant=tenant)
            except RowQuota as error:
                return [Problem(pointer="/table/rows", detail=str(error), code=error.code)]
        return []

    def _place(self, report_id: str, request: ReportRequest, rows: int | None) -> Place:
        if (dataset := request.document.get("dataset")) is not None:
            rows = dataset["size_bytes"] // _DATASET_ROW_BYTES
        return self._lanes.place(report_id=report_id, priority=request.priority, rows=rows)

    def _replay(self, key: IdempotencyKey) -> Generated | None:
        found = self._reports.find_by_key(tenant=key.tenant, key=key.key)
        if found is None:
            return None
        report_id, known_hash = found
        if known_hash != key.body_hash:
            raise IdempotencyConflict(
                "This Idempotency-Key was used with another body; use a new key for a new request."
            )
        return self._replayed(self._reports.get(report_id))

    def _replayed(self, report: Report) -> Generated:
        count("ReportsReplayed")
        return Generated(snapshot=self._snapshots.publish(report), replayed=True)

    def _estimate(self, request: ReportRequest) -> int | None:
        if request.rows is not None:
            return len(request.rows)
        if request.report_type is None:
            # Nobody has counted the rows of a dataset yet.
            return None
        return self._estimator.estimate(request.report_type, request.parameters)

    def _keep_rows(self, report_id: str, request: ReportRequest) -> tuple[str | None, str | None]:
        """Where the rows are kept: (text for the database, key in the bucket), at most one of them."""
        if request.rows is None:
            return None, None
        text = dump_document(request.rows)
        data = text.encode()
        if len(data) <= INLINE_BYTES:
            return text, None
        input_key = f"inputs/{report_id}.json"
        # Rows that no report comes to have, for whatever reason, are deleted by the relay.
        self._discards.expect_input(input_key)
        self._store.put_input(input_key, data)
        return None, input_key

    def _accept(self, new: NewReport, place: Place, key: IdempotencyKey | None) -> Accepted:
        first = OutboxMessage(
            queue=place.queue,
            priority=place.priority,
            message=ReportMessage(report_id=new.id, attempt=1, traceparent=new.traceparent),
        )
        try:
            return self._reports.accept(new, first, key=key)
        except CommitUnknown:
            # A report that was committed, or is about to be, must not be told as refused. The lock that both
            # calls take first makes this one wait for what has become of the other.
            return self._reports.accept(new, first, key=key, again=True)
