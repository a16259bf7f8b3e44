"""The status cache on a real Valkey: versions never go back, and an outage costs next to nothing."""

import logging
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reporting.cache import CachedStatus, CacheUnavailable, Login, NoCache, ValkeyCache
from reporting.secrets import SecretsUnavailable
from tests.parts.certificates import CertificateAuthority, self_signed
from tests.parts.processes import eventually, once_below
from tests.parts.tcp_proxy import TcpProxy
from tests.parts.valkey_server import PASSWORD, ValkeyServer

type Connect = Callable[..., ValkeyCache]

RUNNING = {"tenant": "t1", "status": {"status": "running", "done": False}}
SUCCEEDED = {"tenant": "t1", "status": {"status": "succeeded", "done": True}}


@pytest.fixture
def connect(valkey_server: ValkeyServer) -> Iterator[Connect]:
    """Makes adapters, by default for the running server, and closes them at the end."""
    caches: list[ValkeyCache] = []

    def start(**settings: Any) -> ValkeyCache:
        usual: dict[str, Any] = {
            "host": valkey_server.host,
            "port": valkey_server.port,
            "tls": False,
            "password": PASSWORD,
            # Long enough for a busy machine; the tests of time-outs set their own.
            "timeout": 60.0,
        }
        caches.append(ValkeyCache(**(usual | settings)))
        return caches[-1]

    yield start
    for cache in caches:
        cache.close()


@pytest.fixture
def cache(connect: Connect) -> ValkeyCache:
    return connect()


@pytest.fixture
def report_id() -> str:
    return str(uuid4())


def said_of_the_cache(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the adapter has logged, and not what other threads of this process have."""
    return [record.message for record in caplog.records if record.name == "reporting.cache"]


class TestVersions:
    def test_what_was_put_is_found(self, cache: ValkeyCache, report_id: str) -> None:
        assert cache.get(report_id) is None
        cache.put(report_id, 3, RUNNING)
        assert cache.get(report_id) == CachedStatus(version=3, status=RUNNING)

    def test_a_number_keeps_its_digits(self, cache: ValkeyCache, report_id: str) -> None:
        status = {"parameters": {"rate": Decimal("1.10"), "id": 9_007_199_254_740_993, "name": "São 😀"}}
        cache.put(report_id, 1, status)
        found = cache.get(report_id)
        assert found is not None
        assert found.status == status
        assert str(found.status["parameters"]["rate"]) == "1.10"

    def test_a_put_never_replaces_a_higher_version(self, cache: ValkeyCache, report_id: str) -> None:
        cache.put(report_id, 10, SUCCEEDED)
        cache.put(report_id, 9, RUNNING)
        assert cache.get(report_id) == CachedStatus(version=10, status=SUCCEEDED)

    def test_a_slow_readers_old_put_does_not_come_back_after_an_invalidation(
        self, cache: ValkeyCache, report_id: str
    ) -> None:
        cache.put(report_id, 4, RUNNING)
        cache.invalidate(report_id, 5)
        cache.put(report_id, 4, RUNNING)
        assert cache.get(report_id) is None
        cache.put(report_id, 5, SUCCEEDED)
        assert cache.get(report_id) == CachedStatus(version=5, status=SUCCEEDED)

    def test_a_late_invalidation_leaves_a_newer_status_alone(
        self, cache: ValkeyCache, report_id: str
    ) -> None:
        cache.put(report_id, 6, SUCCEEDED)
        cache.invalidate(report_id, 5)
        assert cache.get(report_id) == CachedStatus(version=6, status=SUCCEEDED)

    def test_of_many_writers_at_once_the_highest_version_stays(
        self, cache: ValkeyCache, report_id: str
    ) -> None:
        versions = [n * 37 % 101 for n in range(101)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda version: cache.put(report_id, version, {"at": version}), versions))
        assert cache.get(report_id) == CachedStatus(version=100, status={"at": 100})

    def test_a_version_that_a_script_can_not_compare_is_refused(
        self, cache: ValkeyCache, report_id: str
    ) -> None:
        for version in (-1, 2**53):
            with pytest.raises(ValueError, match="is not a version"):
                cache.put(report_id, version, RUNNING)

    def test_an_entry_lives_a_minute(
        self, cache: ValkeyCache, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        with valkey_server.client() as client:
            cache.put(report_id, 1, SUCCEEDED)
            assert 50_000 < client.pttl(f"status:{report_id}") <= 60_000

    def test_an_entry_ends_with_its_time(self, connect: Connect, report_id: str) -> None:
        cache = connect(ttl_seconds=0.05)
        cache.put(report_id, 1, RUNNING)
        eventually(lambda: cache.get(report_id) is None, what="the end of the entry")

    def test_keys_hold_the_report_id_only(
        self, cache: ValkeyCache, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        cache.put(report_id, 1, RUNNING)
        with valkey_server.client() as client:
            assert client.exists(f"status:{report_id}") == 1

    def test_what_is_no_status_is_a_miss(
        self, cache: ValkeyCache, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        with valkey_server.client() as client:
            client.hset(f"status:{report_id}", mapping={"v": "1", "s": "{broken"})
        assert cache.get(report_id) is None

    def test_scripts_survive_a_restart_of_the_server(
        self, cache: ValkeyCache, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        cache.put(report_id, 1, RUNNING)
        with valkey_server.client() as client:
            client.script_flush()
        cache.put(report_id, 2, SUCCEEDED)
        assert cache.get(report_id) == CachedStatus(version=2, status=SUCCEEDED)


class TestOutages:
    def test_a_cache_that_is_not_there_is_a_miss_and_logged_once(
        self, connect: Connect, report_id: str, caplog: pytest.LogCaptureFixture, dead_port: int
    ) -> None:
        def use() -> float:
            caplog.clear()
            cache = connect(port=dead_port)
            started = time.monotonic()
            for version in range(50):
                cache.put(report_id, version, RUNNING)
                cache.invalidate(report_id, version)
                assert cache.get(report_id) is None
            return time.monotonic() - started

        once_below(0.5, use)
        assert len(said_of_the_cache(caplog)) == 1

    def test_a_cache_that_does_not_answer_costs_one_short_time_out(
        self, connect: Connect, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        def use() -> float:
            cache = connect(timeout=0.1, retry_after=600.0)
            cache.put(report_id, 1, RUNNING)
            if cache.get(report_id) is None:
                return math.inf  # It took longer than the time-out even before.
            os.kill(valkey_server.pid, signal.SIGSTOP)
            try:
                started = time.monotonic()
                for _ in range(20):
                    assert cache.get(report_id) is None
                return time.monotonic() - started
            finally:
                os.kill(valkey_server.pid, signal.SIGCONT)

        once_below(0.5, use)

    def test_a_late_answer_is_never_taken_for_that_of_a_later_call(
        self, connect: Connect, valkey_server: ValkeyServer
    ) -> None:
        straight = connect()
        first, second = str(uuid4()), str(uuid4())
        straight.put(first, 1, {"is": "first"})
        straight.put(second, 1, {"is": "second"})
        expected = CachedStatus(version=1, status={"is": "second"})
        with TcpProxy(valkey_server.port) as proxy:
            cache = connect(port=proxy.port, timeout=0.2, retry_after=0.0)
            eventually(lambda: cache.get(first) is not None, what="a connection that works")
            proxy.hold()
            assert cache.get(first) is None
            proxy.release()

            def answers() -> bool:
                # On a busy machine a call may be too late again, and then is a miss.
                found = cache.get(second)
                assert found in (None, expected)
                return found is not None

            eventually(answers, what="an answer in time")

    def test_the_cache_is_used_again_after_an_outage(
        self, connect: Connect, valkey_server: ValkeyServer, report_id: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        cache = connect(retry_after=0.05)
        cache.put(report_id, 1, RUNNING)
        valkey_server.stop()
        try:
            assert cache.get(report_id) is None
        finally:
            valkey_server.start()

        def answers() -> bool:
            cache.put(report_id, 2, SUCCEEDED)
            return cache.get(report_id) is not None

        eventually(answers, what="an answer of the cache")
        assert [message.split(":")[0] for message in said_of_the_cache(caplog)] == [
            "the cache does not answer and is left out",
            "the cache answers again",
        ]

    def test_an_idle_connection_that_was_cut_does_not_count_as_an_outage(
        self, connect: Connect, valkey_server: ValkeyServer, report_id: str
    ) -> None:
        with TcpProxy(valkey_server.port) as proxy:
            cache = connect(port=proxy.port, retry_after=60.0)
            cache.put(report_id, 1, RUNNING)
            proxy.cut()
            assert cache.get(report_id) == CachedStatus(version=1, status=RUNNING)

    def test_a_wrong_password_is_an_outage_too(self, connect: Connect, report_id: str) -> None:
        cache = connect(password="wrong")
        cache.put(report_id, 1, RUNNING)
        assert cache.get(report_id) is None

    def test_the_check_raises_during_an_outage(
        self, cache: ValkeyCache, connect: Connect, dead_port: int
    ) -> None:
        cache.check()
        with pytest.raises(CacheUnavailable):
            connect(port=dead_port).check()


class TestRotation:
    def test_a_rotated_password_is_fetched_again(
        self, connect: Connect, report_id: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        fetched: list[Login] = []

        def fetch() -> Login:
            fetched.append(Login(None, PASSWORD))
            return fetched[-1]

        cache = connect(password="the-one-before", refresh_login=fetch)
        cache.put(report_id, 1, SUCCEEDED)
        assert cache.get(report_id) == CachedStatus(version=1, status=SUCCEEDED)
        assert len(fetched) == 1
        assert said_of_the_cache(caplog) == [], "a rotation is no outage"
        connect(password="the-one-before", refresh_login=fetch).check()

    def test_many_threads_fetch_a_rotated_password_once(self, connect: Connect, report_id: str) -> None:
        connect().put(report_id, 1, SUCCEEDED)
        fetched: list[Login] = []

        def fetch() -> Login:
            time.sleep(0.1)
            fetched.append(Login(None, PASSWORD))
            return fetched[-1]

        cache = connect(password="the-one-before", refresh_login=fetch)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: cache.get(report_id), range(8)))
        assert found == [CachedStatus(version=1, status=SUCCEEDED)] * 8
        assert len(fetched) == 1

    def test_a_login_that_is_refused_again_or_can_not_be_read_is_an_outage(
        self, connect: Connect, report_id: str
    ) -> None:
        def unreadable() -> Login:
            raise SecretsUnavailable("The store of secrets did not answer.")

        for refresh in (lambda: Login(None, "wrong as well"), unreadable):
            cache = connect(password="the-one-before", refresh_login=refresh)
            cache.put(report_id, 1, RUNNING)
            assert cache.get(report_id) is None
            with pytest.raises(CacheUnavailable):
                cache.check()


class TestTls:
    def test_a_certificate_of_the_authority_is_accepted(
        self,
        connect: Connect,
        valkey_server: ValkeyServer,
        authority: CertificateAuthority,
        report_id: str,
        tmp_path: Path,
    ) -> None:
        certificate = authority.issue("localhost")
        with TcpProxy(valkey_server.port, certificate=certificate, folder=tmp_path) as proxy:
            cache = connect(host="localhost", port=proxy.port, tls=True, ca_file=str(authority.path))
            cache.put(report_id, 1, RUNNING)
            assert cache.get(report_id) == CachedStatus(version=1, status=RUNNING)
            cache.close()

    @pytest.mark.parametrize("kind", ["self-signed", "wrong host name"])
    def test_any_other_certificate_is_refused(
        self,
        kind: str,
        connect: Connect,
        valkey_server: ValkeyServer,
        authority: CertificateAuthority,
        tmp_path: Path,
    ) -> None:
        certificate = self_signed("localhost") if kind == "self-signed" else authority.issue("cache.example")
        with TcpProxy(valkey_server.port, certificate=certificate, folder=tmp_path) as proxy:
            cache = connect(host="localhost", port=proxy.port, tls=True, ca_file=str(authority.path))
            with pytest.raises(CacheUnavailable):
                cache.check()


def test_without_a_cache_nothing_is_remembered(report_id: str) -> None:
    cache = NoCache()
    cache.put(report_id, 1, RUNNING)
    cache.invalidate(report_id, 1)
    cache.check()
    assert cache.get(report_id) is None
