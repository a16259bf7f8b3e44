"""Forged access tokens: each is a valid one with a single thing wrong."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.credentials import Credentials, public_key_pem
from local.gateway.tokens import Authorizer, Unauthorized, issue_token

KEYS = Credentials.generate()


@pytest.fixture
def valid() -> str:
    return issue_token(KEYS.token_private_key, tenant="acme", scopes=["reports/read"], ttl_seconds=60)


def check(token: str) -> dict[str, Any]:
    return Authorizer(KEYS.token_private_key).claims(f"Bearer {token}")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rewritten(part: str, **changes: object) -> str:
    """A part of a token with some of its fields replaced."""
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return encoded(json.dumps({**value, **changes}).encode())


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_the_public_key_is_no_secret_to_sign_with(form: str, valid: str) -> None:
    """Algorithm confusion, RFC 8725 section 2.1: a verifier that trusts ``alg`` takes the key as HMAC's."""
    pem = public_key_pem(KEYS.token_private_key).encode()
    secret = pem
    if form == "DER":
        secret = serialization.load_pem_public_key(pem).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    header, payload, _ = valid.split(".")
    signed = f"{rewritten(header, alg='HS256')}.{payload}"
    forged = f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
    with pytest.raises(Unauthorized):
        check(forged)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer "])
def test_a_call_without_a_token_is_told_so(header: str | None) -> None:
    with pytest.raises(Unauthorized, match="There is no access token"):
        Authorizer(KEYS.token_private_key).claims(header)


def test_a_payload_of_another_tenant_does_not_fit_the_signature(valid: str) -> None:
    assert check(valid)["tenant"] == "acme"
    header, payload, signature = valid.split(".")
    with pytest.raises(Unauthorized):
        check(f"{header}.{rewritten(payload, tenant='other')}.{signature}")


def test_a_key_that_a_token_brings_along_is_not_used() -> None:
    """RFC 8725 section 3.10: ``jwk`` and ``jku`` in a header are the attacker's."""
    own = Credentials.generate()
    claims = jwt.decode(
        issue_token(own.token_private_key, tenant="acme", scopes=["reports/read"], ttl_seconds=60),
        options={"verify_signature": False},
    )
    public = serialization.load_pem_public_key(public_key_pem(own.token_private_key).encode())
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))  # type: ignore[arg-type]
    forged = jwt.encode(claims, own.token_private_key, algorithm="RS256", headers={"jwk": key})
    with pytest.raises(Unauthorized):
        check(forged)


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "sub", "token_use"])
def test_every_claim_that_is_checked_must_be_there(missing: str, valid: str) -> None:
    claims = jwt.decode(valid, options={"verify_signature": False})
    del claims[missing]
    with pytest.raises(Unauthorized):
        check(jwt.encode(claims, KEYS.token_private_key, algorithm="RS256"))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"iss": ["https://cognito-idp.us-east-1.amazonaws.com/us-east-1_local"]},
        # A token of this API is for no audience: one that names an audience was made for something else.
        {"aud": "another-service"},
        {"aud": ["another-service", "prensa"]},
        {"token_use": "id"},
        {"exp": 0},
        {"exp": "never"},
    ],
    ids=str,
)
def test_a_token_of_another_issuer_audience_use_or_time_is_refused(
    changed: dict[str, Any], valid: str
) -> None:
    claims = jwt.decode(valid, options={"verify_signature": False})
    check(jwt.encode(claims, KEYS.token_private_key, algorithm="RS256"))
    # By hand, since PyJWT refuses to write some of them.
    body = f"{valid.partition('.')[0]}.{encoded(json.dumps({**claims, **changed}).encode())}"
    with pytest.raises(Unauthorized):
        check(f"{body}.{encoded(_signature(body))}")


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "HS256", "HS512", "RS512", "PS256", "ES256", ""]
)
def test_a_token_is_signed_with_the_one_algorithm(algorithm: str, valid: str) -> None:
    header, payload, signature = valid.split(".")
    body = f"{rewritten(header, alg=algorithm)}.{payload}"
    for signed in ("", signature, encoded(_signature(body))):
        with pytest.raises(Unauthorized):
            check(f"{body}.{signed}")


def _signature(text: str) -> bytes:
    """RS256 with the right key, whatever the header says."""
    key = serialization.load_pem_private_key(KEYS.token_private_key.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_token_of_the_future_is_refused(valid: str) -> None:
    claims = jwt.decode(valid, options={"verify_signature": False})
    for early in ({"nbf": int(time.time()) + 60}, {"iat": int(time.time()) + 60}):
        with pytest.raises(Unauthorized):
            check(jwt.encode(claims | early, KEYS.token_private_key, algorithm="RS256"))


def test_a_refusal_never_repeats_the_token(valid: str) -> None:
    header, payload, signature = valid.split(".")
    with pytest.raises(Unauthorized) as refusal:
        check(f"{header}.{payload}.{signature[::-1]}")
    for part in (payload, signature[::-1]):
        assert part not in str(refusal.value)


def test_more_tokens_than_are_remembered_are_all_checked() -> None:
    authorizer = Authorizer(KEYS.token_private_key)
    made = [
        issue_token(KEYS.token_private_key, tenant=f"t{n}", scopes=["s"], ttl_seconds=60) for n in range(3)
    ]
    for _ in range(2):
        assert [authorizer.claims(token)["tenant"] for token in made] == ["t0", "t1", "t2"]
    with pytest.raises(Unauthorized):
        authorizer.claims(made[0] + "x")
