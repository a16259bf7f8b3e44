"""Checks CloudFront's signed URLs, canned and custom policies alike.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
"""

import base64
import binascii
import fnmatch
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_SIGNING = ("Expires", "Policy", "Signature", "Key-Pair-Id")
_ALPHABET = re.compile(r"[A-Za-z0-9\-_~]+")
_TO_BASE64 = str.maketrans("-_~", "+=/")


class Refused(Exception):
    """The link does not allow this request."""


class LinkVerifier:
    """Knows the public keys of the key group, PEM by key id."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {key_id: _public_key(pem) for key_id, pem in keys.items()}

    def check(self, url: str, *, now: float, client: str) -> None:
        """Check ``url``, as the client sent it, at the epoch second ``now``. Raises :class:`Refused`."""
        if not url.isascii():
            raise Refused("the address is not percent-encoded")
        base, _, query = url.partition("?")
        pairs = [pair.partition("=")[::2] for pair in query.split("&")] if query else []
        signing = {name: value for name, value in pairs if name in _SIGNING}
        if len(signing) != sum(name in _SIGNING for name, _ in pairs):
            raise Refused("a parameter of the signature stands twice")
        rest = "&".join(f"{name}={value}" for name, value in pairs if name not in _SIGNING)
        resource = f"{base}?{rest}" if rest else base
        key = self._keys.get(signing.get("Key-Pair-Id", ""))
        if key is None or "Signature" not in signing:
            raise Refused("the link is not signed with a known key")
        if ("Policy" in signing) == ("Expires" in signing):
            raise Refused("a link has either Policy or Expires")
        text = _decode(signing["Policy"]) if "Policy" in signing else _canned(resource, signing["Expires"])
        try:
            key.verify(_decode(signing["Signature"]), text, padding.PKCS1v15(), SHA1())  # noqa: S303 - CloudFront's
        except InvalidSignature as error:
            raise Refused("the signature does not fit") from error
        _check_policy(text, resource=resource, now=now, client=client)


def _canned(resource: str, expires: str) -> bytes:
    if not expires.isascii() or not expires.isdigit():
        raise Refused("Expires is not a number")
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}'
    return f'{{"Statement":[{{"Resource":"{resource}","Condition":{condition}}}]}}'.encode()


def _check_policy(text: bytes, *, resource: str, now: float, client: str) -> None:
    try:
        [statement] = json.loads(text)["Statement"]
        allowed: object = statement["Resource"]
        condition: Mapping[str, Any] = statement["Condition"]
        before = int(condition["DateLessThan"]["AWS:EpochTime"])
        after = int(condition.get("DateGreaterThan", {}).get("AWS:EpochTime", 0))
        source = condition.get("IpAddress", {}).get("AWS:SourceIp")
        network = None if source is None else ipaddress.ip_network(source)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused("the policy can't be read") from error
    if not isinstance(allowed, str):
        raise Refused("the policy names no resource")
    # Only * and ? are wildcards: brackets, which fnmatch knows too, stand for themselves.
    pattern = allowed.replace("[", "[[]")
    if resource != allowed and not fnmatch.fnmatchcase(resource, pattern):
        raise Refused("the policy is for another resource")
    if not after <= now < before:
        raise Refused("the link is not valid now")
    if network is not None and ipaddress.ip_address(client) not in network:
        raise Refused("the policy is for other addresses")


def _decode(text: str) -> bytes:
    """CloudFront's own alphabet: ``-_~`` in place of ``+=/``."""
    if _ALPHABET.fullmatch(text) is None:
        raise Refused("a parameter has characters that it can't have")
    try:
        return base64.b64decode(text.translate(_TO_BASE64), validate=True)
    except binascii.Error as error:
        raise Refused("a parameter is not base64") from error


def _public_key(pem: str) -> rsa.RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("CloudFront's links are checked with RSA keys here.")
    return key
