"""JSON Schemas of the answers, for the OpenAPI document."""

from typing import Any

from rendering.model import Format
from reporting.states import Status


def _object(properties: dict[str, Any], *, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _nullable(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **more}


_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}
_TIME = {"type": "string", "format": "date-time"}
_MAYBE_TIME = _nullable("string", format="date-time")

_STATUS = {"type": "string", "enum": [status.value for status in Status]}

_WARNING = _object(
    {"column": _STRING, "kind": _STRING, "count": _INTEGER, "row": _INTEGER, "detail": _STRING}
)
_RESULT = _object(
    {
        "filename": _STRING,
        "content_type": _STRING,
        "size_bytes": _INTEGER,
        "sha256": _STRING,
        "row_count": _INTEGER,
        "pages": _INTEGER,
        "sheets": _INTEGER,
        "totals": {"type": "object", "additionalProperties": _STRING},
        "warnings": {"type": "array", "items": _WARNING},
        "download": _object({"url": {"type": "string", "format": "uri"}, "expires_at": _TIME}),
    },
    optional=frozenset({"pages", "sheets", "download"}),
)
_TIMELINE = _object(
    {
        "attempts": {
            "type": "array",
            "items": _object(
                {
                    "attempt": _INTEGER,
                    "started_at": _TIME,
                    "last_heartbeat_at": _TIME,
                    "finished_at": _MAYBE_TIME,
                    "outcome": _nullable("string"),
                    "cause": _nullable("string"),
                }
            ),
        },
        "waiting": {
            "anyOf": [
                _object(
                    {
                        "lane": _STRING,
                        "position": _nullable("integer"),
                        "for": {"type": "string", "enum": ["worker", "broker", "retry", "own_reports"]},
                        "until": _MAYBE_TIME,
                    }
                ),
                {"type": "null"},
            ]
        },
    }
)
_REPORT = _object(
    {
        "id": {"type": "string", "format": "uuid"},
        "status": _STATUS,
        "done": {"type": "boolean"},
        "report_type": _nullable("string"),
        "format": {"type": "string", "enum": [format_.value for format_ in Format]},
        "priority": {"type": "string", "enum": ["low", "normal", "high"]},
        "parameters": {"type": "object"},
        "created_at": _TIME,
        "started_at": _MAYBE_TIME,
        "finished_at": _MAYBE_TIME,
        "expires_at": _MAYBE_TIME,
        "version": _INTEGER,
        "progress": _object(
            {
                "phase": _STRING,
                "rows_done": _INTEGER,
                "rows_total": _nullable("integer"),
                "percent": _nullable("integer"),
            }
        ),
        "attempt": _INTEGER,
        "max_attempts": _INTEGER,
        "next_retry_at": _MAYBE_TIME,
        "result": {"anyOf": [_RESULT, {"type": "null"}]},
        "error": {
            "anyOf": [
                _object(
                    {"code": _STRING, "title": _STRING, "detail": _STRING, "retryable": {"type": "boolean"}}
                ),
                {"type": "null"},
            ]
        },
        "timeline": _TIMELINE,
    },
    optional=frozenset({"timeline"}),
)
_PROBLEM = _object(
    {
        "type": {"type": "string", "format": "uri"},
        "title": _STRING,
        "status": _INTEGER,
        "detail": _STRING,
        "code": _STRING,
        "request_id": _STRING,
        "retryable": {"type": "boolean"},
        "errors": {
            "type": "array",
            "items": _object({"pointer": _STRING, "detail": _STRING, "code": _STRING}),
        },
    }
)
_DATASET = _object(
    {
        "id": {"type": "string", "format": "uuid"},
        "format": {"type": "string", "enum": ["csv", "jsonl"]},
        "upload": _object(
            {
                "url": {"type": "string", "format": "uri"},
                "method": {"type": "string", "enum": ["POST"]},
                "fields": {"type": "object", "additionalProperties": _STRING},
                "expires_at": _TIME,
            }
        ),
        "max_bytes": _INTEGER,
        "expires_at": _TIME,
    }
)
_ESTIMATE = _object(
    {
        "valid": {"type": "boolean"},
        "report_type": _nullable("string"),
        "format": _STRING,
        "parameters": {"type": "object"},
        "estimate": _object({"rows": _nullable("integer"), "lane": _STRING}),
    }
)
_REPORT_TYPE = _object(
    {
        "name": _STRING,
        "title": _STRING,
        "description": _STRING,
        "default_format": _STRING,
        "formats": {"type": "array", "items": _STRING},
        "parameters": {"type": "object", "description": "JSON Schema of the type's parameters"},
        "columns": {"type": "array", "items": {"type": "object"}},
    },
    optional=frozenset({"parameters", "columns"}),
)
_HEALTH = _object(
    {
        "status": {"type": "string", "enum": ["ok", "degraded", "unavailable"]},
        "parts": {
            "type": "object",
            "additionalProperties": _object(
                {"status": _STRING, "milliseconds": {"type": "number"}}, optional=frozenset({"milliseconds"})
            ),
        },
    }
)

#: By the name that ``$ref`` uses.
SCHEMAS: dict[str, dict[str, Any]] = {
    "Report": _REPORT,
    # The listing's filter refers to it by this name.
    "Status": _STATUS,
    "Reports": _object({"reports": {"type": "array", "items": _REPORT}, "next": _nullable("string")}),
    "Problem": _PROBLEM,
    "Dataset": _DATASET,
    "Estimate": _ESTIMATE,
    "ReportType": _REPORT_TYPE,
    "ReportTypes": _object({"report_types": {"type": "array", "items": _REPORT_TYPE}}),
    "Health": _HEALTH,
    "DeadLetters": _object(
        {
            "dead_letters": {
                "type": "array",
                "items": _object(
                    {
                        "id": _INTEGER,
                        "queue": _STRING,
                        "report_id": _nullable("string"),
                        "tenant": _nullable("string"),
                        "report_status": _nullable("string"),
                        "body": _STRING,
                        "received_at": _TIME,
                        "redriven_at": _MAYBE_TIME,
                    }
                ),
            },
            "next": _nullable("string"),
        }
    ),
    "Redriven": _object(
        {
            "results": {
                "type": "array",
                "items": _object(
                    {
                        "id": _INTEGER,
                        "report_id": _nullable("string"),
                        "outcome": {"type": "string", "enum": ["redriven", "already_redriven", "refused"]},
                        "code": _nullable("string"),
                        "detail": _nullable("string"),
                    }
                ),
            }
        }
    ),
}
