"""What the migrator function needs."""

from reporting.settings import DatabaseSettings


class MigratorSettings(DatabaseSettings):
    """Settings of the migrator function. Its database user may change the schema."""
