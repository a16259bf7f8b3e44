"""What can go wrong, by name. Handlers turn these into HTTP or into a report's status in one place each."""

from collections.abc import Sequence
from dataclasses import dataclass


class PrensaError(Exception):
    """Base of the domain's errors.

    ``code`` is stable and machine-readable. ``str(error)`` is safe to show to a client: it never holds
    SQL, hosts, paths, secrets or another tenant's data.
    """

    code = "internal"
    title = "Internal error"


class TransientError(PrensaError):
    """The same work may succeed later: it is retried with backoff."""

    code = "unavailable"
    title = "A part of the service did not answer"


class PermanentError(PrensaError):
    """The same work will fail again: the report is failed at once."""


class DatabaseUnavailable(TransientError):
    """The database did not answer, or ended the connection before the work was committed."""

    code = "database_unavailable"
    title = "The database did not answer"


class CommitUnknown(DatabaseUnavailable):
    """The connection was lost during COMMIT: the work may or may not have been done."""


class StatementTooLarge(PermanentError):
    """What is to be stored, or asked, is more than the server takes at once. Nothing was sent of it."""

    code = "too_large_to_store"
    title = "The request is more than the database takes at once"

    def __init__(self, *, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(
            f"About {size} bytes would be stored at once besides the rows, the database takes {limit}. "
            "Use fewer or shorter parameters and columns."
        )


class ReportNotFound(PrensaError):
    """No report with this id belongs to the caller's tenant."""

    code = "not_found"
    title = "No such report"

    def __init__(self, report_id: str) -> None:
        super().__init__(f"There is no report {report_id!r}.")


class ForbiddenTransition(PrensaError):
    """The report's status does not allow this step."""

    code = "forbidden_transition"
    title = "The report's status does not allow this"

    def __init__(self, *, status: str, event: str, allowed: Sequence[str]) -> None:
        self.status = status
        self.event = event
        super().__init__(
            f"A report that is {status} can't take the step {event}; it is possible from: "
            f"{', '.join(allowed)}."
        )


class NotDone(PrensaError):
    """The step needs a report that has ended."""

    code = "not_done"
    title = "The report has not ended yet"


class InputGone(PrensaError):
    """The rows that came with a request are not kept any more."""

    code = "input_gone"
    title = "The report's rows are not kept any more"

    def __init__(self) -> None:
        super().__init__(
            "The rows that came with the request are not kept any more; send them in a new request."
        )


class LeaseLost(PrensaError):
    """Another claim has the report, or its lease could not be renewed in time: stop and write nothing."""

    code = "lease_lost"
    title = "The lease was lost"


class Cancelled(PrensaError):
    """The client asked to cancel the report while it was being made."""

    code = "cancelled"
    title = "The report was cancelled"


class TimeLimit(PermanentError):
    """The report can't be finished in the time that a worker has."""

    code = "time_limit"
    title = "The report takes longer than a worker may run"


class RowCountChanged(PermanentError):
    """Rows read and rows written differ: the file would not be the data."""

    code = "incomplete"
    title = "The report would have been incomplete"


class BadDefinition(PermanentError):
    """The report type or the stored request can't be carried out any more."""

    code = "bad_definition"
    title = "The report's definition can't be carried out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """What is left of a tenant's requests, and after how many seconds none of them is used."""

    limit: int
    remaining: int
    reset_seconds: int


class QuotaExceeded(PrensaError):
    """The tenant has used what it may; the same request is fine later. Nothing was stored."""

    def __init__(self, detail: str, *, retry_after_seconds: int, rate: Rate | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        self.rate = rate
        super().__init__(detail)


class TooManyRequests(QuotaExceeded):
    """The tenant asks for reports faster than it may."""

    code = "too_many_requests"
    title = "Too many requests"


class TooManyReports(QuotaExceeded):
    """The tenant has as many reports under way as it may."""

    code = "too_many_reports"
    title = "Too many reports have not ended"


class RowQuota(PermanentError):
    """The report has more rows than the tenant's reports may have."""

    code = "row_quota"
    title = "The report has more rows than this tenant may have"


class IdempotencyConflict(PrensaError):
    """The Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key belongs to another request"


#: As many problems of one request are told.
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request. ``pointer`` is an RFC 6901 JSON Pointer into the body."""

    pointer: str
    detail: str
    code: str


class InvalidRequest(PrensaError):
    """The body is JSON but does not describe a report; carries the problems found, up to ``MAX_PROBLEMS``."""

    code = "invalid_request"
    title = "The request does not describe a report"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        shown = (f"{p.pointer}: {p.detail}" if p.pointer else p.detail for p in self.problems[:5])
        super().__init__("; ".join(shown))


class InvalidIdempotencyKey(InvalidRequest):
    """The header is there and no key; what is wrong with the body is told beside that."""

    code = "invalid_idempotency_key"
    title = "The Idempotency-Key can't be one"


class DatasetNotUploaded(PrensaError):
    """The dataset is there and its file is not (yet)."""

    code = "dataset_not_uploaded"
    title = "The dataset has no file yet"


class MalformedBody(PrensaError):
    """The body is not a JSON object that everyone reads the same way (RFC 8259, RFC 7493)."""

    title = "The body is not valid JSON"

    def __init__(self, code: str, detail: str, *, pointer: str = "") -> None:
        self.code = code
        self.pointer = pointer
        super().__init__(detail)


class BodyTooLarge(PrensaError):
    """The body is larger than the documented limit."""

    code = "body_too_large"
    title = "The body is too large: upload its rows as a dataset"

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(
            f"The body has {size} bytes, the limit is {limit}. Upload the rows as a dataset (POST /datasets) "
            "or use a report type, whose rows are read from a database."
        )


class UnsupportedBody(PrensaError):
    """The body's media type, charset or encoding is not one that is read here."""

    code = "unsupported_media_type"
    title = "The body's media type is not supported"
