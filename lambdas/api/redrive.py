"""The body of ``POST /dead-letters/redrive``."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from reporting.errors import InvalidRequest, Problem
from reporting.redrive import MAX_REDRIVE
from reporting.requests import checked


class RedriveRequest(BaseModel):
    """Dead letters by their ids, or all of one report."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ids: (
        Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=MAX_REDRIVE)]
        | None
    ) = None
    report_id: Annotated[str, Field(min_length=36, max_length=36)] | None = None


def parse_redrive(body: Mapping[str, Any]) -> RedriveRequest:
    """Check a body. Raises :class:`reporting.errors.InvalidRequest` with all problems found."""
    problems: list[Problem] = []
    request = checked(RedriveRequest, body, problems)
    ids, report_id = body.get("ids"), body.get("report_id")
    if ids is None and report_id is None:
        problems.append(Problem(pointer="", detail="give ids or a report_id", code="required"))
    if ids is not None and report_id is not None:
        detail = "give either ids or a report_id"
        problems.append(Problem(pointer="/report_id", detail=detail, code="not_allowed"))
    if problems or request is None:
        raise InvalidRequest(problems)
    return request
