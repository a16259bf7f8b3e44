"""One local platform for the whole test run, with a home and ports of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import LAMBDAS
from local.testing import PlatformHandle, start_platform

_RECORDING = Path(__file__).parent.parent / "contract" / "recording"


@pytest.fixture(scope="session", name="local_platform")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """Every part for real, with the sample data; the relay runs every second."""
    home: Path = tmp_path_factory.mktemp("platform")
    # A short lease, so that a killed worker's report is taken up while a test waits.
    settings = {"LEASE_SECONDS": "6", "RETRY_BASE_SECONDS": "0.5"}
    # The other tenants of the tests have no limits.
    settings["TENANT_QUOTAS"] = json.dumps(
        {"limited": {"requests_per_minute": 3}, "small": {"rows_per_report": 2}}
    )
    # Every AWS call is written down, for tests/contract/test_permissions.py.
    settings["PYTHONPATH"] = f"{_RECORDING}:{LAMBDAS}"
    settings["PRENSA_CALLS_FILE"] = str(home / "calls.jsonl")
    handle = start_platform(home, sample=True, relay_interval=1.0, overrides=settings)
    try:
        yield handle
    finally:
        handle.stop()
