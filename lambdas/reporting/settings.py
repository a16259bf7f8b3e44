"""Settings as frozen models, read from a mapping of environment variables and never at import.

Each function composes the groups that it needs into one model of its own; a field's name in upper
case is the variable's name, so that templates and models can be compared field by field.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Json

from reporting.quotas import Quota, Quotas


class Settings(BaseModel):
    """Base of every function's settings."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the fields from ``environment``.

        Raises pydantic's ``ValidationError`` with every missing or malformed variable at once.
        """
        names = {name.upper(): name for name in cls.model_fields}
        return cls.model_validate(
            {names[key]: value for key, value in environment.items() if key in names and value != ""}
        )


class DatabaseSettings(Settings):
    """Where Prensa's own tables are. The secret holds ``username`` and ``password``."""

    database_host: str
    database_port: int = 3306
    database_name: str = "prensa"
    database_secret_arn: str
    database_ca_file: str | None = None


class SourceSettings(Settings):
    """The database that report types read, through a user that can only read."""

    source_host: str
    source_port: int = 3306
    source_name: str
    source_secret_arn: str
    source_ca_file: str | None = None
    statement_timeout_seconds: Annotated[int, Field(gt=0, le=840)] = 600
    report_types_path: str


class BrokerSettings(Settings):
    """``broker_endpoints`` is a comma separated list as Amazon MQ prints it: ``stomp+ssl://host:61614``.

    ``lane_queues`` is JSON: ``{"interactive": ["reports-interactive-0"], "bulk": ["reports-bulk-0"]}``.
    """

    broker_endpoints: str
    broker_secret_arn: str
    broker_ca_file: str | None = None
    lane_queues: Json[dict[str, list[str]]]


class WindowSettings(Settings):
    """``tenant_window`` is JSON: how many messages of a tenant may be in the broker, by lane."""

    tenant_window: Json[dict[str, Annotated[int, Field(ge=1)]]]


class QuotaSettings(Settings):
    """``tenant_quotas`` is JSON: quotas by tenant, ``*`` for all others; a limit that is missing is none."""

    tenant_quotas: Json[dict[str, Quota]] = {}

    def quotas(self) -> Quotas:
        return Quotas(self.tenant_quotas)


class CacheSettings(Settings):
    """``cache_endpoint`` is ``host:port``; the optional secret holds ``username`` and ``password``."""

    cache_endpoint: str
    cache_tls: bool = True
    cache_ca_file: str | None = None
    cache_secret_arn: str | None = None


class StorageSettings(Settings):
    """One private bucket: results under ``results/``, inline rows under ``inputs/``, files of clients under
    ``datasets/``.
    """

    results_bucket: str


class DatasetSettings(Settings):
    """How large the file of a dataset may be. One form takes 5 GB at most, as S3 says."""

    dataset_max_bytes: Annotated[int, Field(ge=1, le=5_000_000_000)] = 500_000_000


class LinkSettings(Settings):
    """CloudFront signing. The secret is the PEM of an RSA-2048 private key."""

    link_base_url: str
    link_key_pair_id: str
    link_private_key_secret_arn: str
    link_ttl_seconds: Annotated[int, Field(ge=60, le=604_800)] = 3600
