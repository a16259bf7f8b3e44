"""Real parts, started once for all tests of this folder that need them."""

from collections.abc import Iterator

import pytest

from tests.parts.activemq import ActiveMq
from tests.parts.certificates import CertificateAuthority
from tests.parts.object_store import ACCESS_KEY, REGION, SECRET_KEY, ObjectStore
from tests.parts.processes import refusing_port
from tests.parts.valkey_server import ValkeyServer


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """What clients are told to trust."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def activemq(tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority) -> Iterator[ActiveMq]:
    """A running ActiveMQ. A test that stops it starts it again."""
    broker = ActiveMq(
        folder=tmp_path_factory.mktemp("activemq"), certificate=authority.issue("localhost", "127.0.0.1")
    )
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A running Valkey. A test that stops it starts it again."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _running_object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    store = ObjectStore(tmp_path_factory.mktemp("object-store"))
    store.start()
    yield store
    store.stop()


@pytest.fixture
def object_store(_running_object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A running object store, whose keys are those that clients find in their environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return _running_object_store


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port on which nothing listens, to the end of the test."""
    with refusing_port() as port:
        yield port


@pytest.fixture
def ca_file(authority: CertificateAuthority) -> str:
    return str(authority.path)
