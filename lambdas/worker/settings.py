"""What the worker function needs."""

from typing import Annotated

from pydantic import Field

from reporting.settings import (
    BrokerSettings,
    CacheSettings,
    DatabaseSettings,
    SourceSettings,
    StorageSettings,
)


class WorkerSettings(DatabaseSettings, SourceSettings, BrokerSettings, CacheSettings, StorageSettings):
    """Settings of the worker function."""

    lease_seconds: Annotated[int, Field(ge=5, le=900)] = 60
    result_days: Annotated[int, Field(ge=1, le=3650)] = 7
    retry_base_seconds: Annotated[float, Field(gt=0)] = 5
    retry_cap_seconds: Annotated[float, Field(gt=0)] = 300
    database_wait_seconds: Annotated[float, Field(ge=0, le=300)] = 30
