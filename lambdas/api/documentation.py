"""What the OpenAPI document says beyond the routes' own signatures."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi import swagger_ui
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from api import schemas
from api.access import ADMIN, READ, WRITE
from api.redrive import RedriveRequest
from reporting.dataset_models import DatasetRequest
from reporting.requests import GenerateRequest

TITLE = "Prensa"
VERSION = "1"
DESCRIPTION = (
    "Ask for a report, get an id at once, follow its status and download a complete XLSX, PDF or CSV file "
    "through a signed link."
)
_SCHEME = "token"
_COMPONENT = "#/components/schemas/"
_WITHOUT_BODY = frozenset({"204", "302", "304"})
#: The body of each route that has one, by its schema's name.
_BODIES = {"/generate": "GenerateRequest", "/datasets": "DatasetRequest"}


def _problem(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": f"{_COMPONENT}Problem"}}}
    return {"description": description, "content": content}


def _answer(description: str, schema: str, **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENT}{schema}"}}},
    }
    if headers:
        answer["headers"] = _headers(**headers)
    return answer


def _headers(**headers: str) -> dict[str, Any]:
    return {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    }


_UNAUTHORIZED = _problem("No valid access token")
_FORBIDDEN = _problem("The token lacks the scope")
_NOT_FOUND = _problem("No such report or report type for this tenant")
_QUERY = _problem("The query has a parameter that there is not, or that can't be read; every one is listed")
_REFUSED = _problem("The tenant's quota is used; try again after Retry-After seconds")
_UNAVAILABLE = _problem("A part of the service did not answer; try again after Retry-After seconds")

_RATE = {
    "RateLimit_Policy": "The reports that the tenant may ask for in so many seconds, where they are limited",
    "RateLimit": "Those that are left, and the seconds until all are there again",
}

GENERATE: dict[str, Any] = {
    "summary": "Ask for a report",
    "description": (
        "Answers 202 as soon as the report is stored, also when an Idempotency-Key is replayed. With "
        "validate_only=true nothing is stored and 200 carries an estimate."
    ),
    "operation_id": "generate",
    "security": [{_SCHEME: [WRITE]}],
    "responses": {
        202: _answer(
            "Accepted",
            "Report",
            Location="Path of the report's status",
            Retry_After="Seconds until the first look makes sense",
            Idempotency_Replayed="true when an earlier request had made the report",
            **_RATE,
        ),
        200: _answer("Valid (validate_only)", "Estimate"),
        400: _problem("The body is not JSON that everyone reads the same way, or Idempotency-Key is no key"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        409: _problem("The dataset that the table names has no file yet"),
        413: _problem("The body is too large"),
        415: _problem("The body's media type, charset or encoding is not supported"),
        422: _problem("The request does not describe a report; every problem is listed"),
        429: _REFUSED,
        503: _UNAVAILABLE,
    },
}
DATASETS: dict[str, Any] = {
    "summary": "Make a dataset",
    "description": (
        "Answers with a form to upload one file to: post its fields as multipart/form-data, and the file as "
        "the last of them, named file. The id is then the dataset of a table in place of its rows."
    ),
    "operation_id": "datasets",
    "security": [{_SCHEME: [WRITE]}],
    "responses": {
        201: _answer("Made; nothing is uploaded yet", "Dataset"),
        400: _problem("The body is not JSON that everyone reads the same way"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        413: _problem("The body is too large"),
        415: _problem("The body's media type, charset or encoding is not supported"),
        422: _problem("The request does not describe a dataset; every problem is listed"),
        503: _UNAVAILABLE,
    },
}
STATUS: dict[str, Any] = {
    "summary": "Follow a report",
    "description": (
        "With timeline=true also each attempt and, for a report that waits, its place and what it waits for. "
        "That is read from the database at each call: it has no ETag and is no call to poll with."
    ),
    "operation_id": "status",
    "security": [{_SCHEME: [READ]}],
    "responses": {
        200: _answer(
            "The report's status",
            "Report",
            ETag="Weak; send it back as If-None-Match",
            Retry_After="Seconds until the next look makes sense; absent once the report is done",
        ),
        304: {"description": "Nothing has changed since If-None-Match"},
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
REPORTS: dict[str, Any] = {
    "summary": "List reports",
    "description": (
        "The tenant's own, newest first. Each is its status object without result.download: links are "
        "signed when one report is read. status may be repeated; the time created_after counts and "
        "created_before does not."
    ),
    "operation_id": "reports",
    "security": [{_SCHEME: [READ]}],
    "responses": {
        200: _answer(
            "A page; next is the cursor of the one that follows",
            "Reports",
            Link='The page that follows, rel="next"; absent on the last',
        ),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
DOWNLOAD: dict[str, Any] = {
    "summary": "Download a report's file",
    "description": "A stable address for e-mails and webhooks: each call redirects to a fresh signed link.",
    "operation_id": "download",
    "security": [{_SCHEME: [READ]}],
    "responses": {
        302: {
            "description": "To the file",
            "headers": _headers(Location="A signed link, valid for a short time"),
        },
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        409: _problem("The report has no file (yet)"),
        410: _problem("The report has expired"),
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
CANCEL: dict[str, Any] = {
    "summary": "Cancel a report",
    "description": (
        "A report that waits is cancelled at once. One that is being made becomes cancelling, and cancelled "
        "when its worker has stopped. A second cancel gives what the first has led to."
    ),
    "operation_id": "cancel",
    "security": [{_SCHEME: [WRITE]}],
    "responses": {
        200: _answer("Cancelled", "Report"),
        202: _answer(
            "Cancelling",
            "Report",
            Location="Path of the report's status",
            Retry_After="Seconds until the next look makes sense",
        ),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        409: _problem("The report has succeeded, failed or expired"),
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
DELETE: dict[str, Any] = {
    "summary": "Delete a report's file",
    "description": (
        "An ended report expires now: its file and the rows that came with the request are deleted within a "
        "minute or so. What is left says that there was a report. A second call changes nothing."
    ),
    "operation_id": "delete",
    "security": [{_SCHEME: [WRITE]}],
    "responses": {
        200: _answer("Expired", "Report"),
        202: _answer("It expires at expires_at, at most ten minutes from now", "Report"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        409: _problem("The report has not ended yet"),
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
RERUN: dict[str, Any] = {
    "summary": "Run a report again",
    "description": (
        "A new report of the same request, with rows of its own. The request is checked anew. An "
        "Idempotency-Key works as it does for POST /generate."
    ),
    "operation_id": "rerun",
    "security": [{_SCHEME: [WRITE]}],
    "responses": {
        202: _answer(
            "Accepted",
            "Report",
            Location="Path of the new report's status",
            Retry_After="Seconds until the first look makes sense",
            Idempotency_Replayed="true when an earlier request had made the report",
            **_RATE,
        ),
        400: _problem("Idempotency-Key is no key"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        409: _problem("The report has not ended yet"),
        410: _problem("The rows of the request are not kept any more"),
        422: _problem("The report type does not take the request any more, or its dataset has expired"),
        429: _REFUSED,
        503: _UNAVAILABLE,
    },
}
DEAD_LETTERS: dict[str, Any] = {
    "summary": "List dead letters",
    "description": "Of all tenants, the newest first.",
    "operation_id": "dead_letters",
    "security": [{_SCHEME: [ADMIN]}],
    "responses": {
        200: _answer(
            "A page; next is the cursor of the one that follows",
            "DeadLetters",
            Link='The page that follows, rel="next"; absent on the last',
        ),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        422: _QUERY,
        503: _UNAVAILABLE,
    },
}
REDRIVE: dict[str, Any] = {
    "summary": "Send dead letters again",
    "description": (
        "Puts failed reports back to queued with all of their attempts. A dead letter is sent again once, "
        "however often this is called."
    ),
    "operation_id": "redrive",
    "security": [{_SCHEME: [ADMIN]}],
    "responses": {
        200: _answer("What became of each", "Redriven"),
        400: _problem("The body is not JSON that everyone reads the same way"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        409: _problem("None of them can be sent again; errors has the reason for each"),
        422: _problem("The body does not name dead letters; every problem is listed"),
        503: _UNAVAILABLE,
    },
}
REPORT_TYPES: dict[str, Any] = {
    "summary": "List the report types",
    "operation_id": "report_types",
    "security": [{_SCHEME: [READ]}],
    "responses": {
        200: _answer("The catalogue", "ReportTypes"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        422: _QUERY,
    },
}
REPORT_TYPE: dict[str, Any] = {
    "summary": "Describe a report type",
    "operation_id": "report_type",
    "security": [{_SCHEME: [READ]}],
    "responses": {
        200: _answer("The type with the JSON Schema of its parameters", "ReportType"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _NOT_FOUND,
        422: _QUERY,
    },
}
HEALTH: dict[str, Any] = {
    "summary": "Health of each part",
    "operation_id": "health",
    "security": [],
    "responses": {
        200: _answer("Healthy, or degraded by a part that reports can do without", "Health"),
        503: _answer("A part that reports need does not answer", "Health"),
    },
}


@cache
def openapi_json(app: APIGatewayRestResolver) -> str:
    """The OpenAPI 3.1 document as JSON."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title=TITLE,
            version=VERSION,
            description=DESCRIPTION,
            security_schemes={_SCHEME: HTTPBearer(bearerFormat="JWT", description="An access token")},
        )
    )
    # Relative to the document's own address: below a stage's path, or at the root of a domain of one's own.
    document["servers"] = [{"url": "./"}]
    components = document.setdefault("components", {})
    models = {
        model.__name__: model.model_json_schema(ref_template=f"{_COMPONENT}{{model}}")
        for model in (GenerateRequest, DatasetRequest)
    }
    named = {name: schema for model in models.values() for name, schema in model.pop("$defs", {}).items()}
    components["schemas"] = {
        **schemas.SCHEMAS,
        **named,
        **models,
        "RedriveRequest": RedriveRequest.model_json_schema(ref_template=f"{_COMPONENT}{{model}}"),
    }
    document["paths"]["/dead-letters/redrive"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"{_COMPONENT}RedriveRequest"}}},
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            # Powertools adds its own 422 where there is none, and operations without a token have none.
            responses = operation["responses"]
            if not operation.get("security"):
                responses.pop("422", None)
            # It also gives each answer a body.
            for status in _WITHOUT_BODY & responses.keys():
                responses[status].pop("content", None)
    for path, model in _BODIES.items():
        document["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"{_COMPONENT}{model}"}}},
        }
    for path in ("/generate", "/reports/{report_id}/rerun"):
        document["paths"][path]["post"].setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key and body give the same report for 24 hours",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


@cache
def swagger_page(app: APIGatewayRestResolver) -> str:
    """The page that shows the document, with the Swagger UI that Powertools brings: it loads nothing else."""
    assets = Path(swagger_ui.__file__).parent
    return swagger_ui.generate_swagger_html(
        openapi_json(app).replace("</", "<\\/"),
        (assets / "swagger-ui-bundle.min.js").read_text(encoding="utf-8"),
        (assets / "swagger-ui.min.css").read_text(encoding="utf-8"),
        "",
        None,
    )
