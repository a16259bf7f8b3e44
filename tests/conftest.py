"""Settings for every test of the project."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests.parts.platform import platform as local_platform

__all__ = ["local_platform"]

# The first use of Unicode tables is slow and the machine may be busy: neither is a failure. The same
# examples each run, so that a failure is about the change at hand.
settings.register_profile(
    "prensa", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("prensa")


#: What `make test` keeps together in one process, by folder: tests that share parts of the service, and tests
#: with a platform of their own. Those of all other folders start no part and go to whoever is free.
_GROUPS = {
    "contract": "parts",
    "e2e": "parts",
    "lambdas": "parts",
    "local": "parts",
    "benchmarks": "platforms",
    "chaos": "platforms",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what judges the logs and the calls of all other tests, and keep together what shares parts."""
    items.sort(key=lambda item: item.path.name in ("test_logs.py", "test_permissions.py"))
    for item in items:
        if group := _GROUPS.get(item.path.relative_to(item.config.rootpath).parts[1]):
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what is there to stay: a pass over all of it takes a second."""
    gc.collect()
    gc.freeze()
