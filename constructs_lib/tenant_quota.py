"""What a tenant may ask for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from constructs_lib.props import Checks

#: Stands for every tenant without a quota of its own.
EVERYONE = "*"
_RANGES = {"requests_per_minute": 60_000_000, "queued_reports": 10**9, "rows_per_report": 10**12}


@dataclass(frozen=True, kw_only=True)
class TenantQuota:
    """Reports asked for in a minute, reports that have not ended, rows of a report. ``None`` is no limit."""

    requests_per_minute: int | None = 600
    queued_reports: int | None = 10_000
    rows_per_report: int | None = None


def verify(quotas: Mapping[str, TenantQuota], check: Checks) -> None:
    """Raises ``TypeError`` or ``ValueError`` that names the first limit which is wrong."""
    for tenant, quota in quotas.items():
        for name, high in _RANGES.items():
            if getattr(quota, name) is not None:
                check.number(f"quotas.{tenant}.{name}", getattr(quota, name), low=1, high=high)


def setting(quotas: Mapping[str, TenantQuota]) -> dict[str, dict[str, int]]:
    """The functions' setting: limits by tenant, without those that are none."""
    everyone = {EVERYONE: TenantQuota(), **quotas}
    return {
        tenant: {name: value for name, value in asdict(quota).items() if value is not None}
        for tenant, quota in everyone.items()
    }
