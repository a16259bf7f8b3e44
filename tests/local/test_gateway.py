"""The gateway's tokens and events, and the edge's links: pure checks."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from local.credentials import Credentials, public_key_pem
from local.edge.signatures import LinkVerifier, Refused
from local.gateway.proxy import BadAnswer, http_response
from local.gateway.tokens import ISSUER, Authorizer, Unauthorized, issue_token
from local.queues.event import mapping_event
from local.queues.stomp import Frame, _escape, _unescape
from reporting.links import LinkSigner

KEYS = Credentials.generate()
KEY_ID = "K1234567890"
BASE = "http://127.0.0.1:17101"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def token(**changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "t", "token_use": "access", "scope": "s", "iat": now, "exp": now + 60}
    return jwt.encode({**claims, **changes}, KEYS.token_private_key, algorithm="RS256")


def unsigned(algorithm: str, signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    payload = token().split(".")[1]
    return f"{part(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())}.{payload}.{part(signature)}"


@pytest.mark.parametrize("prefix", ["Bearer ", ""])
def test_a_token_of_the_issuer_is_taken(prefix: str) -> None:
    made = issue_token(KEYS.token_private_key, tenant="acme", scopes=["reports/read"], ttl_seconds=60)
    claims = Authorizer(KEYS.token_private_key).claims(prefix + made)
    assert (claims["tenant"], claims["scope"]) == ("acme", "reports/read")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "",
        "Bearer",
        "Bearer a.b.c",
        unsigned("none"),
        unsigned("HS256", b"x" * 32),
        token(iss="https://elsewhere.example"),
        token(exp=int(time.time()) - 1),
        token(token_use="id"),
        token()[:-8] + "AAAAAAAA",
        jwt.encode({"iss": ISSUER, "sub": "t"}, KEYS.token_private_key, algorithm="RS256"),
        jwt.encode(
            {"iss": ISSUER, "sub": "t", "token_use": "access", "iat": 1, "exp": 9_999_999_999},
            KEYS.link_private_key,
            algorithm="RS256",
        ),
    ],
)
def test_any_other_token_is_refused(broken: str | None) -> None:
    with pytest.raises(Unauthorized):
        Authorizer(KEYS.token_private_key).claims(broken)


def test_a_token_that_was_checked_before_still_expires() -> None:
    authorizer = Authorizer(KEYS.token_private_key)
    made = token()
    claims = authorizer.claims(made)
    claims["exp"] = time.time() - 1
    with pytest.raises(Unauthorized, match="expired"):
        authorizer.claims(made)


def link(**changes: Any) -> str:
    signer = LinkSigner(
        base_url=BASE, key_pair_id=KEY_ID, private_key_pem=KEYS.link_private_key, ttl_seconds=3600
    )
    return signer.sign(changes.get("key", "results/a/b.xlsx"), now=NOW).url


def check(url: str, *, at: datetime = NOW, client: str = "127.0.0.1") -> None:
    verifier = LinkVerifier({KEY_ID: public_key_pem(KEYS.link_private_key)})
    verifier.check(url, now=at.timestamp(), client=client)


def custom(resource: str, **conditions: Any) -> str:
    """A link with a custom policy, signed by botocore."""
    key = serialization.load_pem_private_key(KEYS.link_private_key.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signer = CloudFrontSigner(KEY_ID, lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303
    condition = {"DateLessThan": {"AWS:EpochTime": int(NOW.timestamp()) + 60}, **conditions}
    policy = json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]})
    return str(signer.generate_presigned_url(f"{BASE}/results/a/b.xlsx", policy=policy))


def test_a_link_of_the_signer_is_served_until_it_expires() -> None:
    check(link())
    check(link(), at=NOW + timedelta(seconds=3599))
    with pytest.raises(Refused, match="not valid now"):
        check(link(), at=NOW + timedelta(seconds=3600))


def test_a_link_with_any_part_changed_is_refused() -> None:
    url = link()
    path, query = url.split("?")
    pairs = dict(pair.split("=", 1) for pair in query.split("&"))
    signature = pairs["Signature"]
    other = signature[:9] + ("A" if signature[9] != "A" else "B") + signature[10:]
    for broken in (
        path,
        path + "x?" + query,
        f"{path}?a=b&{query}",
        url.replace(signature, other),
        url.replace(signature, signature + "*"),
        url.replace(f"Expires={pairs['Expires']}", f"Expires={int(pairs['Expires']) + 1}"),
        url.replace(f"Expires={pairs['Expires']}", "Expires=²"),
        url.replace(f"Expires={pairs['Expires']}", ""),
        url.replace(KEY_ID, "KOTHER"),
        f"{url}&Expires=9999999999",
        f"{url}&Policy=e30_",
    ):
        with pytest.raises(Refused):
            check(broken)


def test_custom_policies_hold_what_they_say() -> None:
    exact = f"{BASE}/results/a/b.xlsx"
    check(custom(exact))
    check(custom(f"{BASE}/results/*"))
    check(custom(f"{BASE}/results/?/b.xlsx", IpAddress={"AWS:SourceIp": "127.0.0.0/8"}))
    for refused in (
        custom(f"{BASE}/other/*"),
        custom(f"{BASE}/results/[a]/b.xlsx"),
        custom(exact, DateGreaterThan={"AWS:EpochTime": int(NOW.timestamp()) + 1}),
        custom(exact, DateLessThan={"AWS:EpochTime": int(NOW.timestamp())}),
        custom(exact, IpAddress={"AWS:SourceIp": "10.0.0.0/8"}),
    ):
        with pytest.raises(Refused):
            check(refused)


def test_an_answer_of_a_function_becomes_a_response() -> None:
    answer = {
        "statusCode": 201,
        "multiValueHeaders": {"X-A": ["1", "2"], "Content-Length": ["999"]},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    response = http_response(json.dumps(answer).encode())
    assert (response.status, response.body) == (201, b"\x00\xff")
    assert response.headers.getall("X-A") == ["1", "2"]
    assert response.headers.get("Content-Length") != "999"


@pytest.mark.parametrize("payload", [b"null", b"[]", b"{}", b'"x"', b'{"statusCode":"x"}', b"not json"])
def test_an_answer_that_is_none_is_a_bad_one(payload: bytes) -> None:
    with pytest.raises(BadAnswer):
        http_response(payload)


@pytest.mark.parametrize(
    ("more", "kind"), [({}, "jms/text-message"), ({"content-length": "2"}, "jms/bytes-message")]
)
def test_a_message_becomes_the_mappings_event(more: dict[str, str], kind: str) -> None:
    headers = {
        "message-id": "ID:1",
        "destination": "/queue/reports",
        "priority": "8",
        "persistent": "true",
        "timestamp": "5",
        "ack": "1",
        "origin": "api",
        **more,
    }
    [message] = mapping_event(Frame("MESSAGE", headers, b"{}"), redelivered=True)["messages"]
    assert message["messageType"] == kind
    assert base64.b64decode(message["data"]) == b"{}"
    assert message["destination"] == {"physicalName": "reports"}
    assert (message["messageID"], message["priority"], message["deliveryMode"]) == ("ID:1", 8, 2)
    assert (message["redelivered"], message["properties"]) == (True, {"origin": "api"})


@given(st.text(alphabet="a:\\\n\rcn"))
def test_header_values_come_through_their_escapes(text: str) -> None:
    escaped = _escape(text)
    assert not set(escaped) & {":", "\n", "\r"}
    assert _unescape(escaped) == text
