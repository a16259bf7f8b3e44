"""Report types as clients read them."""

from typing import Any

from reporting.report_types import ReportType


def summary(report_type: ReportType) -> dict[str, Any]:
    """One line of the catalogue."""
    return {
        "name": report_type.name,
        "title": report_type.title,
        "description": report_type.description,
        "default_format": report_type.default_format.value,
        "formats": [format_.value for format_ in report_type.formats],
    }


def description(report_type: ReportType) -> dict[str, Any]:
    """One report type with the JSON Schema of its parameters and its columns."""
    return {
        **summary(report_type),
        "parameters": dict(report_type.parameter_schema),
        "columns": [
            {"key": column.key, "label": column.label, "type": column.type.value, "format": column.format}
            for column in report_type.columns
        ],
    }
