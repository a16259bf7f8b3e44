"""The cache of report statuses: always optional, never older than what it was told."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import simplejson

from reporting.errors import PrensaError, TransientError

if TYPE_CHECKING:
    from valkey import Valkey
    from valkey.commands.core import Script

_logger = logging.getLogger(__name__)

# An entry is a hash of the row's version ``v`` and the status ``s``; an entry without ``s`` is a tombstone.
# Scripts run atomically, so that two writers can't both read an old version and then both write.
_PUT = """
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_INVALIDATE = """
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
#: Longer than any reader can hold a row before it puts it: the gateway ends a request after 29 s.
_TOMBSTONE_SECONDS = 60
#: Scripts compare versions as doubles, which are exact up to here.
_MAX_VERSION = 2**53


class CacheUnavailable(TransientError):
    """The cache did not answer; everything works without it."""

    code = "cache_unavailable"
    title = "The cache did not answer"


class Login(NamedTuple):
    """What a server is told of who connects; ``None`` where it asks for nothing."""

    username: str | None
    password: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedStatus:
    """What was put: a status at the version of its row. It holds its tenant, for the reader to check."""

    version: int
    status: dict[str, Any]


class StatusCache(Protocol):
    """Statuses by report id. No method but :meth:`check` raises when the cache does not answer.

    ``version`` is the one of the database row: it grows with each change.
    """

    def get(self, report_id: str) -> CachedStatus | None:
        """The status, or ``None`` if it is not known here."""

    def put(self, report_id: str, version: int, status: Mapping[str, Any]) -> None:
        """Keep ``status`` unless a higher version is known."""

    def invalidate(self, report_id: str, version: int) -> bool:
        """Forget the status at ``version`` and below, and take none below ``version`` any more.

        Whether it is certain that nobody is given one of those from here.
        """

    def check(self) -> None:
        """Ask the cache whether it answers. Raises :class:`CacheUnavailable`."""


class NoCache:
    """Remembers nothing; for environments without a cache."""

    def get(self, report_id: str) -> CachedStatus | None:  # noqa: ARG002
        return None

    def put(self, report_id: str, version: int, status: Mapping[str, Any]) -> None: ...

    def invalidate(self, report_id: str, version: int) -> bool:  # noqa: ARG002
        return True

    def check(self) -> None: ...


class ValkeyCache:
    """Valkey or Redis. Safe to share between threads; connects at the first call.

    A call waits at most ``timeout`` seconds for an answer, and as long for a connection. After a failure
    the cache is left alone for ``retry_after`` seconds, so that an outage does not slow down each call; it
    is logged once when it begins and once when it ends.

    An entry lives ``ttl_seconds``: this is how long an old status could be seen, if the write of a newer one
    met an outage. So only what does not change any more belongs here.

    ``refresh_login`` is asked once per call for a new login when the server refuses the one at hand, as after
    a rotation.

    The user needs the commands ``HGET``, ``HMGET``, ``HSET``, ``DEL``, ``PEXPIRE``, ``EVALSHA``,
    ``SCRIPT LOAD`` and ``PING`` on ``status:*``.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: bool = True,
        ca_file: str | None = None,
        username: str | None = None,
        password: str | None = None,
        ttl_seconds: float = 60.0,
        timeout: float = 0.1,
        retry_after: float = 5.0,
        refresh_login: Callable[[], Login] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._ca_file = ca_file
        self._login = Login(username, password)
        self._refresh_login = refresh_login
        self._lifetime_ms = int(ttl_seconds * 1000)
        self._timeout = timeout
        self._scripts: _Scripts | None = None
        self._lock = threading.Lock()
        self._breaker = _Breaker(retry_after=retry_after)

    def get(self, report_id: str) -> CachedStatus | None:
        found = self._attempt(lambda scripts: scripts.client.hmget(_key(report_id), ["v", "s"]))
        if found is None or found[0] is None or found[1] is None:
            return None
        try:
            return CachedStatus(
                version=int(found[0]), status=simplejson.loads(found[1].decode(), use_decimal=True)
            )
        except ValueError:
            _logger.exception("the cache holds something that is no status")
            return None

    def put(self, report_id: str, version: int, status: Mapping[str, Any]) -> None:
        _check_version(version)
        # Decimals keep their digits, so that a number reads the same from the cache and the database.
        text = simplejson.dumps(status, use_decimal=True, separators=(",", ":"))
        self._attempt(
            lambda scripts: scripts.put(keys=[_key(report_id)], args=[version, text, self._lifetime_ms])
        )

    def invalidate(self, report_id: str, version: int) -> bool:
        _check_version(version)
        lifetime = _TOMBSTONE_SECONDS * 1000
        answer = self._attempt(
            lambda scripts: scripts.invalidate(keys=[_key(report_id)], args=[version, lifetime])
        )
        return answer is not None

    def check(self) -> None:
        from valkey.exceptions import ValkeyError  # noqa: PLC0415

        try:
            self._call(lambda scripts: scripts.client.ping())
        except (ValkeyError, OSError, PrensaError) as error:
            raise CacheUnavailable("The cache did not answer.") from error

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        with self._lock:
            scripts, self._scripts = self._scripts, None
        if scripts is not None:
            scripts.client.close()  # type: ignore[no-untyped-call] # valkey-py leaves it without

    def _attempt(self, call: "Callable[[_Scripts], Any]") -> Any:
        """The answer, or ``None`` if there is none."""
        from valkey.exceptions import ValkeyError  # noqa: PLC0415

        if self._breaker.is_open():
            return None
        try:
            answer = self._call(call)
        except (ValkeyError, OSError, PrensaError) as error:
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        return answer

    def _call(self, call: "Callable[[_Scripts], Any]") -> Any:
        from valkey.exceptions import AuthenticationError  # noqa: PLC0415

        scripts = self._connected()
        try:
            return call(scripts)
        except AuthenticationError:
            if self._refresh_login is None:
                raise
            # The password may have been rotated since this environment read it.
            return call(self._connected_anew(scripts, self._refresh_login))

    def _connected_anew(self, refused: "_Scripts", refresh_login: Callable[[], Login]) -> "_Scripts":
        with self._lock:
            # Another thread may have been here meanwhile.
            if self._scripts is None or self._scripts is refused:
                self._login = refresh_login()
                self._scripts = _Scripts(self._client())
            return self._scripts

    def _connected(self) -> "_Scripts":
        with self._lock:
            if self._scripts is None:
                self._scripts = _Scripts(self._client())
            return self._scripts

    def _client(self) -> "Valkey":
        from valkey import Valkey  # noqa: PLC0415
        from valkey.backoff import NoBackoff  # noqa: PLC0415
        from valkey.retry import Retry  # noqa: PLC0415

        tls: dict[str, Any] = (
            {"ssl": True, "ssl_ca_certs": self._ca_file, "ssl_check_hostname": True} if self._tls else {}
        )
        return Valkey(
            host=self._host,
            port=self._port,
            username=self._login.username,
            password=self._login.password,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 0),
            # Two round trips less for each new connection.
            lib_name=None,
            lib_version=None,
            **tls,
        )


class _Scripts:
    def __init__(self, client: "Valkey") -> None:
        self.client = client
        self.put: Script = client.register_script(_PUT)
        self.invalidate: Script = client.register_script(_INVALIDATE)


class _Breaker:
    """Keeps calls away from a cache that has just failed; then lets them try again."""

    def __init__(self, *, retry_after: float) -> None:
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._down = False
        self._closed_until = 0.0

    def is_open(self) -> bool:
        with self._lock:
            if not self._down:
                return False
            now = time.monotonic()
            if now < self._closed_until:
                return True
            # This caller finds out how things are; the others wait for its answer elsewhere.
            self._closed_until = now + self._retry_after
            return False

    def failed(self, error: Exception) -> None:
        with self._lock:
            first, self._down = not self._down, True
            self._closed_until = time.monotonic() + self._retry_after
        if first:
            _logger.warning("the cache does not answer and is left out: %s: %s", type(error).__name__, error)

    def succeeded(self) -> None:
        with self._lock:
            recovered, self._down = self._down, False
        if recovered:
            _logger.info("the cache answers again")


def _key(report_id: str) -> str:
    return f"status:{report_id}"


def _check_version(version: int) -> None:
    if not 0 <= version < _MAX_VERSION:
        raise ValueError(f"{version} is not a version.")
