"""What the worker function needs."""

from typing import Annotated

from pydantic import Field

from reporting.settings import (
    BrokerSettings,
    CacheSettings,
    DatabaseSettings,
    DatasetSettings,
    QuotaSettings,
    SourceSettings,
    StorageSettings,
    WindowSettings,
)


class WorkerSettings(
    DatabaseSettings,
    SourceSettings,
    BrokerSettings,
    CacheSettings,
    StorageSettings,
    DatasetSettings,
    WindowSettings,
    QuotaSettings,
):
    """Settings of the worker function."""

    lease_seconds: Annotated[int, Field(ge=5, le=900)] = 60
    result_days: Annotated[int, Field(ge=1, le=3650)] = 7
    dataset_line_characters: Annotated[int, Field(ge=1000, le=10_000_000)] = 1_000_000
    dataset_field_characters: Annotated[int, Field(ge=100, le=131_072)] = 131_072
    retry_base_seconds: Annotated[float, Field(gt=0)] = 5
    retry_cap_seconds: Annotated[float, Field(gt=0)] = 300
    database_wait_seconds: Annotated[float, Field(ge=0, le=300)] = 30
