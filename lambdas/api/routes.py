"""The routes. Each reads its request, calls one service and words the answer."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, BeforeValidator

from api import documentation
from api.access import ADMIN, READ, WRITE, require_tenant
from api.body import body_bytes
from api.bootstrap import bootstrap
from api.catalogue import description, summary
from api.documents import matches, retry_after
from api.health import health_document
from api.problems import Gone, NotReady, problem, problem_response, rate_headers
from api.query import Limit, known_query, unknown_parameters
from api.redrive import parse_redrive
from reporting.errors import InvalidRequest, PrensaError, Problem
from reporting.generation import Generated
from reporting.identifiers import traceparent
from reporting.listing import Wanted, parse_moment, read_cursor
from reporting.observability import logger, tracer
from reporting.phrases import phrase
from reporting.redrive import NotRedrivable, read_letter_cursor
from reporting.report import dump_document
from reporting.snapshots import Snapshot
from reporting.states import Status
from reporting.status import status_document
from reporting.strict_json import parse_object

app = APIGatewayRestResolver(enable_validation=True)
app.use([known_query])


def _readable(read: Callable[[str], object]) -> AfterValidator:
    """Refuses what ``read`` can't read, along with what else is wrong in the query, and keeps the text."""

    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


_Moment = Annotated[datetime, BeforeValidator(parse_moment)]
_ReportCursor = Annotated[str, _readable(read_cursor)]
_LetterCursor = Annotated[str, _readable(read_letter_cursor)]


@app.post("/generate", **documentation.GENERATE)
@tracer.capture_method(capture_response=False)
def generate(validate_only: Annotated[bool, Query()] = False) -> Response[str]:
    api = bootstrap()
    event = app.current_event
    tenant = _tenant(WRITE)
    body = parse_object(body_bytes(event, limit=api.settings.max_body_bytes))
    key = _idempotency_key()
    if validate_only:
        return _json(200, api.generation.validate(body, tenant=tenant, key=key))
    accepted = api.generation.generate(
        body,
        tenant=tenant,
        key=key,
        traceparent=traceparent(header=_header("traceparent"), xray=_header("x-amzn-trace-id")),
    )
    return _accepted(accepted)


@app.post("/datasets", **documentation.DATASETS)
@tracer.capture_method(capture_response=False)
def datasets() -> Response[str]:
    api = bootstrap()
    tenant = _tenant(WRITE)
    body = parse_object(body_bytes(app.current_event, limit=api.settings.max_body_bytes))
    return _json(201, api.datasets.create(body, tenant=tenant))


@app.get("/status/<report_id>", **documentation.STATUS)
@tracer.capture_method(capture_response=False)
def status(report_id: str, timeline: Annotated[bool, Query()] = False) -> Response[str]:
    api = bootstrap()
    tenant = _tenant(READ)
    if timeline:
        report = api.reports.get_of(report_id, tenant=tenant)
        document = api.documents.document(api.documents.checked(api.snapshots.publish(report)))
        return _json(200, {**document, "timeline": api.timelines.of(report)})
    snapshot = api.documents.checked(api.snapshots.read(report_id, tenant=tenant))
    etag = api.documents.etag(snapshot)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if (wait := retry_after(snapshot)) is not None:
        headers["Retry-After"] = wait
    if matches(_header("if-none-match"), etag):
        return Response(status_code=304, headers=dict(headers), body="")
    return _json(200, api.documents.document(snapshot), headers)


@app.get("/reports", **documentation.REPORTS)
@tracer.capture_method(capture_response=False)
def reports(
    *,
    status: Annotated[list[Status] | None, Query()] = None,
    report_type: Annotated[str | None, Query(max_length=100)] = None,
    created_after: Annotated[_Moment | None, Query()] = None,
    created_before: Annotated[_Moment | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 20,
    cursor: Annotated[_ReportCursor | None, Query()] = None,
) -> Response[str]:
    tenant = _tenant(READ)
    wanted = Wanted(
        statuses=frozenset(status or ()),
        report_type=report_type,
        created_after=created_after,
        created_before=created_before,
    )
    page = bootstrap().listing.page(wanted, tenant=tenant, limit=limit, cursor=cursor)
    document = {"reports": [status_document(report) for report in page.reports], "next": page.next}
    return _json(200, document, _next_link(page.next))


@app.get("/reports/<report_id>/download", **documentation.DOWNLOAD)
@tracer.capture_method(capture_response=False)
def download(report_id: str) -> Response[str]:
    api = bootstrap()
    snapshot = api.snapshots.read(report_id, tenant=_tenant(READ))
    found = Status(snapshot.status["status"])
    if found is Status.EXPIRED:
        raise Gone("The file was deleted when the report expired; ask for the report again.")
    if found is not Status.SUCCEEDED:
        raise NotReady(f"The report is {found.value}; it can be downloaded once it has succeeded.")
    if not api.documents.has_file(snapshot):
        raise Gone("The report's time is over and its file is being deleted; ask for the report again.")
    # Its time may have ended while the bucket was asked.
    link = api.documents.document(api.documents.checked(snapshot, always=True))["result"].get("download")
    if link is None:
        raise Gone("The report's file is not there any more; ask for the report again.")
    return Response(status_code=302, headers={"Location": link["url"], "Cache-Control": "no-store"}, body="")


@app.post("/reports/<report_id>/cancel", **documentation.CANCEL)
@tracer.capture_method(capture_response=False)
def cancel(report_id: str) -> Response[str]:
    api = bootstrap()
    snapshot = api.lifecycle.cancel(report_id, tenant=_tenant(WRITE))
    if snapshot.done:
        return _json(200, snapshot.status)
    headers = {"Location": _status_path(snapshot), "Retry-After": retry_after(snapshot) or "0"}
    return _json(202, snapshot.status, headers)


@app.delete("/reports/<report_id>", **documentation.DELETE)
@tracer.capture_method(capture_response=False)
def delete(report_id: str) -> Response[str]:
    snapshot = bootstrap().lifecycle.delete(report_id, tenant=_tenant(WRITE))
    expired = snapshot.status["status"] == Status.EXPIRED
    return _json(200 if expired else 202, snapshot.status)


@app.post("/reports/<report_id>/rerun", **documentation.RERUN)
@tracer.capture_method(capture_response=False)
def rerun(report_id: str) -> Response[str]:
    tenant = _tenant(WRITE)
    accepted = bootstrap().generation.rerun(
        report_id,
        tenant=tenant,
        key=_idempotency_key(),
        traceparent=traceparent(header=_header("traceparent"), xray=_header("x-amzn-trace-id")),
    )
    return _accepted(accepted)


@app.get("/report-types", **documentation.REPORT_TYPES)
def report_types() -> Response[str]:
    _tenant(READ)
    catalogue = bootstrap().catalogue
    return _json(200, {"report_types": [summary(catalogue[name]) for name in sorted(catalogue)]})


@app.get("/report-types/<name>", **documentation.REPORT_TYPE)
def report_type(name: str) -> Response[str]:
    _tenant(READ)
    found = bootstrap().catalogue.get(name)
    if found is None:
        raise NotFoundError
    return _json(200, description(found))


@app.get("/dead-letters", **documentation.DEAD_LETTERS)
@tracer.capture_method(capture_response=False)
def dead_letters(
    *,
    limit: Annotated[Limit, Query()] = 20,
    cursor: Annotated[_LetterCursor | None, Query()] = None,
) -> Response[str]:
    _tenant(ADMIN)
    page = bootstrap().redrive.page(limit=limit, cursor=cursor)
    return _json(200, {"dead_letters": page.letters, "next": page.next}, _next_link(page.next))


@app.post("/dead-letters/redrive", **documentation.REDRIVE)
@tracer.capture_method(capture_response=False)
def redrive() -> Response[str]:
    api = bootstrap()
    _tenant(ADMIN)
    request = parse_redrive(parse_object(body_bytes(app.current_event, limit=api.settings.max_body_bytes)))
    if request.report_id is not None:
        pointer = "/report_id"
        ids = api.redrive.of_report(request.report_id)
        if not ids:
            detail = "the report has no dead letter"
            raise NotRedrivable([Problem(pointer=pointer, detail=detail, code="not_found")])
        results = api.redrive.redrive(ids, pointer=pointer)
    else:
        results = api.redrive.redrive(request.ids or [])
    return _json(200, {"results": [asdict(one) for one in results]})


@app.get("/health", **documentation.HEALTH)
def health() -> Response[str]:
    healthy, document = health_document(bootstrap().checks)
    return _json(200 if healthy else 503, document, {"Cache-Control": "no-store"})


@app.get("/openapi.json", include_in_schema=False)
def openapi() -> Response[str]:
    return Response(status_code=200, content_type="application/json", body=documentation.openapi_json(app))


@app.get("/docs", include_in_schema=False)
def docs() -> Response[str]:
    return Response(status_code=200, content_type="text/html", body=documentation.swagger_page(app))


@app.exception_handler(PrensaError)  # type: ignore[untyped-decorator]
def on_domain_error(error: PrensaError) -> Response[str]:
    answer = problem_response(error, request_id=_request_id())
    if answer.status_code >= 500:
        logger.exception("request failed", code=error.code)
    return answer


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def on_invalid_parameter(error: RequestValidationError) -> Response[str]:
    problems = [*map(_parameter_problem, error.errors()), *unknown_parameters(app)]
    return problem_response(InvalidRequest(problems), request_id=_request_id())


def _parameter_problem(details: Any) -> Problem:
    name = details["loc"][1]
    code = "invalid_cursor" if name == "cursor" else "invalid_parameter"
    return Problem(pointer="", detail=f"{name}: {phrase(details)}", code=code)


@app.not_found
def on_not_found(_error: NotFoundError) -> Response[str]:
    return problem(
        status=404,
        code="not_found",
        title="Not found",
        detail=f"There is nothing at {app.current_event.http_method} {app.current_event.path}.",
        request_id=_request_id(),
    )


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def on_unexpected_error(_error: Exception) -> Response[str]:
    logger.exception("unexpected error")
    return problem(
        status=500,
        code="internal",
        title="Internal error",
        detail=f"An unexpected error ended the request. Quote its id {_request_id()} when asking about it.",
        request_id=_request_id(),
        retryable=True,
    )


def _tenant(scope: str) -> str:
    return require_tenant(app.current_event, scope=scope, tenant_claim=bootstrap().settings.tenant_claim)


def _header(name: str) -> str | None:
    for found, value in (app.current_event.headers or {}).items():
        if found.lower() == name:
            return str(value)
    return None


def _idempotency_key() -> str | None:
    """The header's value. Two that differ are no key: they come joined by what no key has."""
    values = {
        str(value): None
        for name, found in (app.current_event.get("multiValueHeaders") or {}).items()
        if name.lower() == "idempotency-key"
        for value in found
    }
    return "\n".join(values) if values else _header("idempotency-key")


def _request_id() -> str:
    return str(app.current_event.request_context.request_id)


def _stage_path() -> str:
    """The stage's part of the path where clients see it: '/v1' on the default endpoint, else ''."""
    context_path = app.current_event.request_context.path or ""
    return context_path.removesuffix(app.current_event.path)


def _status_path(snapshot: Snapshot) -> str:
    return f"{_stage_path()}/status/{snapshot.status['id']}"


def _accepted(accepted: Generated) -> Response[str]:
    headers = {
        "Location": _status_path(accepted.snapshot),
        "Retry-After": retry_after(accepted.snapshot) or "0",
        "Idempotency-Replayed": str(accepted.replayed).lower(),
        **rate_headers(accepted.rate),
    }
    documents = bootstrap().documents
    return _json(202, documents.document(documents.checked(accepted.snapshot)), headers)


def _next_link(cursor: str | None) -> dict[str, str]:
    """A Link header (RFC 8288) to the page that ``cursor`` begins: the same query, further on."""
    if cursor is None:
        return {}
    query = app.current_event.resolved_query_string_parameters
    pairs = [(name, value) for name, values in query.items() for value in values if name != "cursor"]
    address = f"{_stage_path()}{app.current_event.path}?{urlencode([*pairs, ('cursor', cursor)])}"
    return {"Link": f'<{address}>; rel="next"'}


def _json(status_code: int, document: Any, headers: dict[str, str] | None = None) -> Response[str]:
    return Response(
        status_code=status_code,
        content_type="application/json",
        body=dump_document(document),
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
