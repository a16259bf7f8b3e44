"""What the dead letter function needs."""

from typing import Annotated

from pydantic import Field

from reporting.settings import CacheSettings, DatabaseSettings, WindowSettings


class DeadLetterSettings(DatabaseSettings, CacheSettings, WindowSettings):
    """Settings of the dead letter function."""

    database_wait_seconds: Annotated[float, Field(ge=0, le=300)] = 30
