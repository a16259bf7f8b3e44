"""Settings for every test of the project."""

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


#: Tests of these folders start no part of the service: `make test` runs them beside the others.
_WITHOUT_PARTS = ("constructs_lib", "rendering", "stacks", "tools")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what judges the logs and the calls of all other tests, and keep together what shares parts."""
    items.sort(key=lambda item: item.path.name in ("test_logs.py", "test_permissions.py"))
    for item in items:
        if item.path.relative_to(item.config.rootpath).parts[1] not in _WITHOUT_PARTS:
            item.add_marker(pytest.mark.xdist_group("parts"))
