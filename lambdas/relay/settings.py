"""What the relay function needs."""

from typing import Annotated

from pydantic import Field

from reporting.settings import (
    BrokerSettings,
    CacheSettings,
    DatabaseSettings,
    StorageSettings,
    WindowSettings,
)


class RelaySettings(DatabaseSettings, BrokerSettings, CacheSettings, StorageSettings, WindowSettings):
    """Settings of the relay function."""

    resend_seconds: Annotated[int, Field(ge=60)] = 900
    retry_base_seconds: Annotated[float, Field(gt=0)] = 5
    retry_cap_seconds: Annotated[float, Field(gt=0)] = 300
