"""The parameters of a request's query: those of its operation and no others."""

import re
from collections.abc import Iterator
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from pydantic import BeforeValidator, Field

from reporting.errors import InvalidRequest, Problem
from reporting.listing import MAX_PAGE
from reporting.wording import allowed, as_json

_WHOLE = re.compile(r"-?[0-9]+")


def _digits(text: object) -> object:
    """Refuses what pydantic takes for a whole number too: "1_0", "5.0", "+5", " 5"."""
    if isinstance(text, str) and _WHOLE.fullmatch(text) is None:
        raise ValueError(f"must be a whole number, got {as_json(text)}")
    return text


#: How many a page holds. The range stands before the validator: behind it, a schema would not know the range.
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE), BeforeValidator(_digits)]


def known_query(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    """A middleware that raises :class:`InvalidRequest` for what :func:`unknown_parameters` finds.

    A misspelt filter would list everything, and a misspelt ``validate_only`` make a report.
    """
    if problems := list(unknown_parameters(app)):
        raise InvalidRequest(problems)
    return next_middleware(app)


def unknown_parameters(app: APIGatewayRestResolver) -> Iterator[Problem]:
    """A problem for each parameter that the operation does not have.

    Operations that take no token, such as health, take any: caches and monitors add parameters.
    """
    route: Route = app.context["_route"]
    if not route.security:
        return
    known = [field.alias for field in route.dependant.query_params]
    for name in app.current_event.resolved_query_string_parameters:
        if name not in known:
            names = allowed(known, got=name, place="the OpenAPI document")
            detail = f"{as_json(name)}: there is no such parameter; {names}"
            yield Problem(pointer="", detail=detail, code="unknown_parameter")
