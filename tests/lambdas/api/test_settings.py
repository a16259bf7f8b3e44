"""The API's environment variables."""

import pytest
from pydantic import ValidationError

from api.settings import ApiSettings

REQUIRED = {
    name.upper(): "arn"
    for name, field in ApiSettings.model_fields.items()
    if field.is_required() and name not in ("lane_queues", "tenant_window")
} | {"LANE_QUEUES": "{}", "TENANT_WINDOW": "{}"}


def test_a_default_that_no_report_could_be_made_with_stops_the_function() -> None:
    with pytest.raises(ValidationError) as refused:
        ApiSettings.from_environment(
            {**REQUIRED, "DEFAULT_LOCALE": "pt_BR", "DEFAULT_TIMEZONE": "America/Sao_paulo"}
        )
    assert {(error["loc"], error["msg"].partition(", got ")[2]) for error in refused.value.errors()} == {
        (("default_locale",), '"pt_BR"'),
        (("default_timezone",), '"America/Sao_paulo"'),
    }


def test_the_defaults_of_an_environment_are_taken_as_they_are() -> None:
    settings = ApiSettings.from_environment(
        {**REQUIRED, "DEFAULT_LOCALE": "pt-BR", "DEFAULT_TIMEZONE": "America/Sao_Paulo"}
    )
    assert (settings.default_locale, settings.default_timezone) == ("pt-BR", "America/Sao_Paulo")
