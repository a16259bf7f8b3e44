"""Errors as RFC 9457 problem details: the one place where a domain error becomes HTTP."""

from collections.abc import Mapping, Sequence

from aws_lambda_powertools.event_handler import Response

from api.access import NotAuthenticated, ScopeMissing, UnusableTenant
from reporting.errors import (
    BodyTooLarge,
    DatasetNotUploaded,
    ForbiddenTransition,
    IdempotencyConflict,
    InputGone,
    InvalidIdempotencyKey,
    InvalidRequest,
    MalformedBody,
    NotDone,
    PrensaError,
    Problem,
    QuotaExceeded,
    Rate,
    ReportNotFound,
    StatementTooLarge,
    TransientError,
    UnsupportedBody,
)
from reporting.quotas import WINDOW_SECONDS
from reporting.redrive import NotRedrivable
from reporting.report import dump_document

CONTENT_TYPE = "application/problem+json"
_UNAVAILABLE_RETRY_SECONDS = 5
#: Problems repeat names that the body has, and a function's answer has 6 MB at most (AWS Lambda, "Quotas").
_MOST_CHARACTERS = 1000


class NotReady(PrensaError):
    """The report has no file to download (yet)."""

    code = "not_ready"
    title = "The report has no file to download"


class Gone(PrensaError):
    """The report's file was deleted after its time."""

    code = "expired"
    title = "The report has expired"


_STATUS: Mapping[type[PrensaError], int] = {
    MalformedBody: 400,
    InvalidIdempotencyKey: 400,
    NotAuthenticated: 401,
    ScopeMissing: 403,
    UnusableTenant: 403,
    ReportNotFound: 404,
    ForbiddenTransition: 409,
    DatasetNotUploaded: 409,
    BodyTooLarge: 413,
    StatementTooLarge: 413,
    UnsupportedBody: 415,
    InvalidRequest: 422,
    IdempotencyConflict: 422,
    QuotaExceeded: 429,
    TransientError: 503,
    NotDone: 409,
    NotReady: 409,
    NotRedrivable: 409,
    Gone: 410,
    InputGone: 410,
}


def problem_response(error: PrensaError, *, request_id: str) -> Response[str]:
    """The answer to a domain error. An error without a status of its own is a 500."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)
    problems: Sequence[Problem] = ()
    if isinstance(error, InvalidRequest | NotRedrivable):
        problems = error.problems
    elif isinstance(error, MalformedBody) and error.pointer:
        problems = [Problem(pointer=error.pointer, detail=str(error), code=error.code)]
    headers: dict[str, str | list[str]] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = str(_UNAVAILABLE_RETRY_SECONDS)
    if isinstance(error, QuotaExceeded):
        headers |= {"Retry-After": str(error.retry_after_seconds), **rate_headers(error.rate)}
    return problem(
        status=status,
        code=error.code,
        title=error.title,
        detail=str(error),
        request_id=request_id,
        retryable=isinstance(error, TransientError | QuotaExceeded),
        problems=problems,
        headers=headers,
    )


def rate_headers(rate: Rate | None) -> dict[str, str]:
    """What is left of a tenant's requests (draft-ietf-httpapi-ratelimit-headers-10); none without a limit."""
    if rate is None:
        return {}
    return {
        "RateLimit-Policy": f'"reports";q={rate.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"reports";r={rate.remaining};t={rate.reset_seconds}',
    }


def problem(
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    request_id: str,
    retryable: bool = False,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str | list[str]] | None = None,
) -> Response[str]:
    """A problem details response. ``type`` is a URN: it names the kind and needs no page of its own."""
    document = {
        "type": f"urn:prensa:problem:{code}",
        "title": title,
        "status": status,
        "detail": _short(detail),
        "code": code,
        "request_id": request_id,
        "retryable": retryable,
        "errors": [
            {"pointer": _holder(p.pointer), "detail": _short(p.detail), "code": p.code} for p in problems
        ],
    }
    return Response(
        status_code=status,
        content_type=CONTENT_TYPE,
        body=dump_document(document),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def _holder(pointer: str) -> str:
    """``pointer``, or the one to what holds the field if the field's name is too long."""
    while len(pointer) > _MOST_CHARACTERS:
        pointer = pointer.rpartition("/")[0]
    return pointer


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
