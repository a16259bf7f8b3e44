"""What the runner tells the app. By itself, so that the runner needs no CDK."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SmokeSettings:
    """What differs from run to run. ``max_attempts`` is what the update changes."""

    outdir: str
    database_port: int
    admin_secret_arn: str
    authorities: str
    max_attempts: int
