"""Download links: CloudFront URLs with a canned policy, signed per read.

The format is AWS's "Create a signed URL using a canned policy":
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html

It is written out here on ``cryptography`` alone, since importing botocore's signer for it would add more
to a cold start than the rest of this module.
"""

import re
import threading
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MAX_TTL_SECONDS = 604_800

_KEY_BITS = 2048
#: RFC 3986's characters without ``*``, a wildcard in policies, and ``#``, which never reaches a server.
_URL = re.compile(r"https?://(?:[A-Za-z0-9._~:/?\[\]@!$&'()+,;=-]|%[0-9A-Fa-f]{2})+")
#: Characters of base64 that mean something in a query string, and CloudFront's names for them.
_URL_SAFE = str.maketrans("+=/", "-_~")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedLink:
    """A URL that works until ``expires_at``, an aware UTC time in whole seconds."""

    url: str
    expires_at: datetime


class Links(Protocol):
    """Makes links to stored results."""

    def sign(self, key: str, *, now: datetime, latest: datetime | None = None) -> SignedLink:
        """A link to the object ``key``, valid from ``now`` and not after ``latest``."""


class LinkSigner:
    """Signs URLs below ``base_url`` for CloudFront with an RSA-2048 key.

    ``private_key_pem`` is read once, at the first link: a cold start that makes none does not wait for
    it. The object can be shared between threads. Raises ``ValueError`` for a ``base_url`` that is not
    HTTPS (plain HTTP is taken for loopback addresses only) and for a ``ttl_seconds`` outside 1 to
    :data:`MAX_TTL_SECONDS`; the first link raises it for anything but an unencrypted PEM of an RSA-2048
    key.
    """

    def __init__(self, *, base_url: str, key_pair_id: str, private_key_pem: str, ttl_seconds: int) -> None:
        if isinstance(ttl_seconds, bool) or not 1 <= ttl_seconds <= MAX_TTL_SECONDS:
            raise ValueError(f"A link's life of {ttl_seconds!r} s is not between 1 and {MAX_TTL_SECONDS}.")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", key_pair_id):
            raise ValueError(f"{key_pair_id!r} is not the id of a CloudFront public key.")
        self._base_url = _checked_base(base_url)
        self._key_pair_id = key_pair_id
        self._private_key_pem = private_key_pem
        self._ttl_seconds = ttl_seconds
        self._key: RSAPrivateKey | None = None
        self._lock = threading.Lock()

    def sign(self, key: str, *, now: datetime, latest: datetime | None = None) -> SignedLink:
        """A link to the object ``key``, percent-encoded once. It ends at ``latest`` if that is sooner.

        Raises ``ValueError`` for a naive ``now`` (its zone would be guessed, and links of a process west
        of Greenwich would be dead on arrival) and for keys whose path a browser would rewrite.
        """
        if any(segment in {"", ".", ".."} for segment in key.split("/")):
            raise ValueError("An object key can't have empty, '.' or '..' segments.")
        return self.sign_url(f"{self._base_url}/{quote(key, safe='/')}", now=now, latest=latest)

    def sign_url(self, url: str, *, now: datetime, latest: datetime | None = None) -> SignedLink:
        """Sign ``url`` as it is: the link starts with exactly these characters, its query included.

        Raises ``ValueError`` for a naive ``now`` and for a URL that is not fully percent-encoded or holds
        the wildcard ``*``.
        """
        if now.tzinfo is None:
            raise ValueError("The time of signing needs a time zone.")
        if not _URL.fullmatch(url):
            raise ValueError("Only a percent-encoded URL without '*' and '#' can be signed.")
        expires = int(now.timestamp()) + self._ttl_seconds
        if latest is not None:
            if latest.tzinfo is None:
                raise ValueError("The latest end of a link needs a time zone.")
            expires = min(expires, int(latest.timestamp()))
        separator = "&" if "?" in url else "?"
        query = f"Expires={expires}&Signature={self._signature(url, expires)}&Key-Pair-Id={self._key_pair_id}"
        return SignedLink(url=f"{url}{separator}{query}", expires_at=datetime.fromtimestamp(expires, UTC))

    def _signature(self, url: str, expires: int) -> str:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415

        # CloudFront rebuilds this text from the request: not one blank more, and in this order.
        policy = (
            f'{{"Statement":[{{"Resource":"{url}",'
            f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}'
        )
        # SHA-1 is what CloudFront verifies unless the URL names another algorithm.
        signature = self._private_key().sign(policy.encode("ascii"), PKCS1v15(), SHA1())  # noqa: S303
        return b64encode(signature).decode().translate(_URL_SAFE)

    def _private_key(self) -> "RSAPrivateKey":
        with self._lock:
            if self._key is None:
                self._key = _rsa_key(self._private_key_pem)
            return self._key


def _rsa_key(pem: str) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        # Without the cause: a parser's message may repeat what it read.
        raise ValueError("The link key is not an unencrypted PEM private key.") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size != _KEY_BITS:
        raise ValueError(f"The link key is not an RSA key of {_KEY_BITS} bits.")
    return key


def _checked_base(base_url: str) -> str:
    parts = urlsplit(base_url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{base_url!r} is not the https:// address that links start with.")
    return base_url.rstrip("/")
