"""Puts the dead letter function's parts together, once per environment."""

import os
from dataclasses import dataclass
from functools import cache

from dead_letters.settings import DeadLetterSettings
from reporting import adapters
from reporting.database import Database
from reporting.dead_letters import DeadLetters
from reporting.repository import Reports
from reporting.secrets import SecretsManager
from reporting.snapshots import Snapshots
from reporting.window import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    settings: DeadLetterSettings
    dead_letters: DeadLetters


@cache
def bootstrap() -> Consumer:
    """Build the consumer from the process environment. Raises what is wrong with the settings."""
    return build(DeadLetterSettings.from_environment(os.environ))


def build(settings: DeadLetterSettings) -> Consumer:
    """Build the consumer from ``settings``."""
    secrets = SecretsManager()
    database = Database(adapters.database_connector(settings, secrets))
    reports = Reports(database, tenant_window=Window(settings.tenant_window))
    snapshots = Snapshots(reports=reports, cache=adapters.cache(settings, secrets))
    return Consumer(
        settings=settings,
        dead_letters=DeadLetters(database=database, reports=reports, snapshots=snapshots),
    )
