"""One local platform for the whole test run, with a home and ports of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.testing import PlatformHandle, start_platform


@pytest.fixture(scope="session", name="local_platform")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """Every part for real, with the sample data; the relay runs every second."""
    home: Path = tmp_path_factory.mktemp("platform")
    handle = start_platform(home, sample=True, relay_interval=1.0)
    try:
        yield handle
    finally:
        handle.stop()
