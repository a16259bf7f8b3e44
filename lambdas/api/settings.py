"""What the API function needs."""

from typing import Annotated

from pydantic import AfterValidator, Field

from rendering.formats import check_locale, check_timezone
from reporting.settings import (
    BrokerSettings,
    CacheSettings,
    DatabaseSettings,
    DatasetSettings,
    LinkSettings,
    QuotaSettings,
    SourceSettings,
    StorageSettings,
    WindowSettings,
)


class ApiSettings(
    DatabaseSettings,
    SourceSettings,
    BrokerSettings,
    CacheSettings,
    StorageSettings,
    DatasetSettings,
    LinkSettings,
    QuotaSettings,
    WindowSettings,
):
    """Settings of the API function."""

    default_locale: Annotated[str, AfterValidator(check_locale)] = "en"
    default_timezone: Annotated[str, AfterValidator(check_timezone)] = "UTC"
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    bulk_rows: Annotated[int, Field(ge=0)] = 20_000
    max_body_bytes: Annotated[int, Field(gt=0, le=6_000_000)] = 5_000_000
    dataset_days: Annotated[int, Field(ge=1, le=365)] = 7
    tenant_claim: str = "tenant"
