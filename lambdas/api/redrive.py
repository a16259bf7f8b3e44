"""The body of ``POST /dead-letters/redrive``."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reporting.redrive import MAX_REDRIVE
from reporting.requests import validated


class RedriveRequest(BaseModel):
    """Dead letters by their ids, or all of one report."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ids: (
        Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=MAX_REDRIVE)]
        | None
    ) = None
    report_id: Annotated[str, Field(min_length=36, max_length=36)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.report_id is None):
            raise ValueError("give either ids or report_id")
        return self


def parse_redrive(body: Mapping[str, Any]) -> RedriveRequest:
    """Check a body. Raises :class:`reporting.errors.InvalidRequest` with all problems found."""
    return validated(RedriveRequest, body)
