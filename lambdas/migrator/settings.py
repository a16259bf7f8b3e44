"""What the migrator function needs."""

from reporting.settings import DatabaseSettings


class MigratorSettings(DatabaseSettings):
    """Settings of the migrator function.

    ``database_secret_arn`` is an administrator's: it makes the users of ``application_secret_arn`` and
    ``reader_secret_arn``, and the schema ``source_name``; ``database_name`` exists.
    """

    application_secret_arn: str
    reader_secret_arn: str
    source_name: str
