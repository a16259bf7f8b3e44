"""Links with custom policies, signed by botocore: nothing of them can be changed or exchanged."""

import base64
import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from local.credentials import Credentials, public_key_pem
from local.edge.signatures import LinkVerifier, Refused

KEYS = Credentials.generate()
PRIVATE_KEY = serialization.load_pem_private_key(KEYS.link_private_key.encode(), password=None)
KEY_ID = "K1234567890"
OBJECT = "http://127.0.0.1:17101/results/a/b.xlsx"
NOW = int(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp())


def sign(data: bytes) -> bytes:
    assert isinstance(PRIVATE_KEY, rsa.RSAPrivateKey)
    return PRIVATE_KEY.sign(data, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront's


SIGNER = CloudFrontSigner(KEY_ID, sign)
VERIFIER = LinkVerifier({KEY_ID: public_key_pem(KEYS.link_private_key)})


def policy(resource: str = OBJECT, **conditions: Any) -> str:
    condition = {"DateLessThan": {"AWS:EpochTime": NOW + 60}, **conditions}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]})


def signed(text: str, url: str = OBJECT) -> str:
    """``url`` with ``text`` as its policy, whatever that is."""
    return str(SIGNER.generate_presigned_url(url, policy=text))


def check(url: str, *, client: str = "127.0.0.1") -> None:
    VERIFIER.check(url, now=NOW, client=client)


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2], strict_parsing=True))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode().translate(str.maketrans("+=/", "-_~"))


CHANGES: dict[str, Callable[[str], str]] = {
    "a policy that lasts longer": lambda url: url.replace(
        parameters(url)["Policy"], encoded(policy(DateLessThan={"AWS:EpochTime": NOW + 9999}))
    ),
    "a policy of its own without a signature for it": lambda url: url.replace(
        parameters(url)["Policy"], encoded(policy(f"{OBJECT}*"))
    ),
    "the signature of another policy": lambda url: url.replace(
        parameters(url)["Signature"], parameters(signed(policy(f"{OBJECT}?x")))["Signature"]
    ),
    "a shortened signature": lambda url: url.replace(
        parameters(url)["Signature"], parameters(url)["Signature"][:-8]
    ),
    "another key": lambda url: url.replace(KEY_ID, "KOTHER"),
    "another object": lambda url: url.replace("b.xlsx", "c.xlsx"),
    "an object above": lambda url: url.replace("/a/b.xlsx", "/a/../a/b.xlsx"),
    "a parameter more": lambda url: url.replace("?", "?versionId=1&"),
    "an expiry beside the policy": lambda url: f"{url}&Expires={NOW + 60}",
    "a second policy": lambda url: f"{url}&Policy={parameters(url)['Policy']}",
    "a second signature": lambda url: f"{url}&Signature={parameters(url)['Signature']}",
    "a second key": lambda url: f"{url}&Key-Pair-Id={KEY_ID}",
    "no policy": lambda url: url.replace("Policy=", "policy="),
    "no signature": lambda url: url.replace("Signature=", "signature="),
    "no key": lambda url: url.replace("Key-Pair-Id=", "key-pair-id="),
    "an empty policy": lambda url: url.replace(parameters(url)["Policy"], ""),
    "an empty signature": lambda url: url.replace(parameters(url)["Signature"], ""),
    "an encoded policy": lambda url: url.replace(
        parameters(url)["Policy"], f"%65{parameters(url)['Policy']}"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_link_with_a_custom_policy_is_refused_with(change: Callable[[str], str]) -> None:
    url = signed(policy())
    check(url)
    assert change(url) != url
    with pytest.raises(Refused):
        check(change(url))


def test_the_query_belongs_to_what_is_signed() -> None:
    url = f"{OBJECT}?a=1&b=%2F"
    check(signed(policy(url), url))
    check(signed(policy(f"{OBJECT}*"), url))
    for changed in (f"{OBJECT}?a=2&b=%2F", f"{OBJECT}?b=%2F&a=1", f"{OBJECT}?a=1&b=/", OBJECT):
        with pytest.raises(Refused, match="another resource"):
            check(signed(policy(url), changed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"Statement": []}',
        '{"Statement": {}}',
        json.dumps({"Statement": [{"Resource": OBJECT}]}),
        json.dumps({"Statement": [{"Resource": OBJECT, "Condition": {}}]}),
        json.dumps({"Statement": json.loads(policy())["Statement"] * 2}),
        policy(DateLessThan={"AWS:EpochTime": None}),
        policy(DateLessThan={"AWS:EpochTime": [NOW + 60]}),
        policy(DateLessThan={"AWS:EpochTime": 1e999}),
        policy(DateGreaterThan={"AWS:EpochTime": "soon"}),
        policy(DateGreaterThan=[]),
        policy(IpAddress={"AWS:SourceIp": "everywhere"}),
        policy(IpAddress={"AWS:SourceIp": "127.0.0.1/33"}),
        policy().replace(json.dumps(OBJECT), "5"),
        policy().replace(json.dumps(OBJECT), "null"),
        "[" * 100_000,
    ],
)
def test_a_signed_policy_that_says_nothing_sensible_allows_nothing(text: str) -> None:
    with pytest.raises(Refused):
        check(signed(text))


def test_an_address_of_the_other_family_is_outside_the_network() -> None:
    url = signed(policy(IpAddress={"AWS:SourceIp": "127.0.0.0/8"}))
    check(url, client="127.8.9.1")
    for client in ("128.0.0.1", "::1"):
        with pytest.raises(Refused, match="other addresses"):
            check(url, client=client)


def test_a_policy_without_addresses_is_for_every_client() -> None:
    for client in ("127.0.0.1", "::1"):
        check(signed(policy()), client=client)


def test_a_resource_matches_to_its_end_and_by_letter_case() -> None:
    for resource in (OBJECT[:-1], OBJECT.replace("b.xlsx", "B.xlsx"), f"{OBJECT}?"):
        with pytest.raises(Refused, match="another resource"):
            check(signed(policy(resource)))


@given(st.text(max_size=200) | st.text(alphabet="?&=%~-_/.:aE1\udcff", max_size=60).map(OBJECT.__add__))
def test_any_text_is_a_link_that_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check(url)


@given(st.binary(max_size=120) | st.text(alphabet='{}[]":,*?Ex1', max_size=60).map(str.encode))
def test_any_bytes_that_were_signed_as_a_policy_allow_nothing(text: bytes) -> None:
    written, signature = (
        base64.b64encode(part).decode().translate(str.maketrans("+=/", "-_~")) for part in (text, sign(text))
    )
    with pytest.raises(Refused):
        check(f"{OBJECT}?Policy={written}&Signature={signature}&Key-Pair-Id={KEY_ID}")


#: One link with a canned policy and one with a custom one.
LINKS = (
    str(SIGNER.generate_presigned_url(OBJECT, date_less_than=datetime.fromtimestamp(NOW + 60, UTC))),
    signed(policy()),
)
_PIECES = st.sampled_from(
    [
        "",
        "&",
        "=",
        "?",
        "/",
        "..",
        "%2e",
        "%00",
        "*",
        "A",
        "~",
        "_",
        "0",
        "9",
        "é",
        "\udcff",
        "#",
        "Expires=9",
        "\n",
    ]
)


def meaning(url: str) -> tuple[str, dict[str, object]]:
    """The resource of a link and what its parameters say. Unused bits of base64 say nothing."""
    base, _, query = url.partition("?")
    said: dict[str, object] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        decoded = value.translate(str.maketrans("-_~", "+=/"))
        said[name] = base64.b64decode(decoded) if name in ("Policy", "Signature") else value
    return base, said


@given(st.sampled_from(LINKS), st.data())
def test_a_link_with_any_change_is_refused_unless_it_says_the_same(link: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(link)))
    end = data.draw(st.integers(start, min(len(link), start + 3)))
    changed = f"{link[:start]}{data.draw(_PIECES)}{link[end:]}"
    check(link)
    with contextlib.suppress(Refused):
        check(changed)
        assert meaning(changed) == meaning(link)
