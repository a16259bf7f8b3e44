"""Access tokens like those of a Cognito user pool's client credentials, and the authorizer's check.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
"""

import secrets
import time
from collections.abc import Sequence
from typing import Any

import jwt

from local.credentials import public_key_pem

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_local"
_ALGORITHM = "RS256"
_KNOWN_TOKENS = 1000


class Unauthorized(Exception):
    """The token is missing, broken, expired or not an access token of this issuer."""


def issue_token(private_key_pem: str, *, tenant: str, scopes: Sequence[str], ttl_seconds: int) -> str:
    """A signed access token for ``tenant``."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": tenant,
        "client_id": tenant,
        "tenant": tenant,
        "token_use": "access",
        "scope": " ".join(scopes),
        "iat": now,
        "auth_time": now,
        "exp": now + ttl_seconds,
        "jti": secrets.token_hex(16),
        "version": 2,
    }
    return jwt.encode(claims, private_key_pem, algorithm=_ALGORITHM)


class Authorizer:
    """Checks signature, algorithm, issuer, use and expiry. A token that was checked is remembered."""

    def __init__(self, private_key_pem: str) -> None:
        self._key = public_key_pem(private_key_pem)
        self._known: dict[str, dict[str, Any]] = {}

    def claims(self, authorization: str | None) -> dict[str, Any]:
        """The claims of an ``Authorization`` header, ``Bearer`` or bare. Raises :class:`Unauthorized`."""
        token = (authorization or "").removeprefix("Bearer ").strip()
        if token in ("", "Bearer"):
            raise Unauthorized("There is no access token; send it as `Authorization: Bearer TOKEN`.")
        claims = self._known.get(token)
        if claims is None:
            claims = self._checked(token)
            if len(self._known) >= _KNOWN_TOKENS:
                self._known.clear()
            self._known[token] = claims
        if claims["exp"] <= time.time():
            raise Unauthorized("The token has expired.")
        return claims

    def _checked(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iat", "iss", "sub", "token_use"]},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthorized(f"The token is not valid: {error}") from error
        if claims["token_use"] != "access":  # noqa: S105 - a kind of token, no secret
            raise Unauthorized("The token is not an access token.")
        return claims
