"""The service under test: any base address with a token, or a local platform that is started for it.

Against a deployed stack: ``PRENSA_API=https://... PRENSA_TOKEN=... pytest tests/e2e``. Tests that need to
look behind the API (``platform``) are left out then, and say so.
"""

import os
from collections.abc import Iterator

import pytest

from local.testing import PlatformHandle
from tests.e2e.client import Client

SCOPES = ("reports/read", "reports/write")


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of a tenant that may read and write."""
    if base := os.environ.get("PRENSA_API"):
        yield Client(base, os.environ["PRENSA_TOKEN"])
    else:
        platform: PlatformHandle = request.getfixturevalue("local_platform")
        yield Client(platform.endpoints["api"], platform.token("acme", SCOPES))


@pytest.fixture(scope="session")
def everything(service: Client, request: pytest.FixtureRequest) -> Client:
    """A client with every scope; of a deployed service, the one whose token was given."""
    if os.environ.get("PRENSA_API"):
        return service
    platform: PlatformHandle = request.getfixturevalue("local_platform")
    return service.with_token(platform.token("acme", (*SCOPES, "reports/admin")))


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> PlatformHandle:
    """The local platform, for tests that compare with its database or need other tokens."""
    if os.environ.get("PRENSA_API"):
        pytest.skip("needs the local platform: PRENSA_API points to a deployed service")
    handle: PlatformHandle = request.getfixturevalue("local_platform")
    return handle
