"""Signed links: checked with the public key, with botocore as a second opinion, and in three time zones."""

import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from reporting.links import MAX_TTL_SECONDS, LinkSigner

BASE = "https://d111111abcdef8.cloudfront.net"
NOW = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_SHA1 = SHA1()  # noqa: S303 - what CloudFront verifies
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signer(
    *,
    base_url: str = BASE,
    ttl_seconds: int = 3600,
    private_key_pem: str = PEM,
    key_pair_id: str = "K2JCJMDEHXQW5F",
) -> LinkSigner:
    return LinkSigner(
        base_url=base_url, key_pair_id=key_pair_id, private_key_pem=private_key_pem, ttl_seconds=ttl_seconds
    )


def verify(url: str) -> str:
    """Check a link as CloudFront does and return the resource that was signed."""
    match = re.fullmatch(r"(.+)[?&]Expires=(\d+)&Signature=([A-Za-z0-9_~-]+)&Key-Pair-Id=([A-Z0-9]+)", url)
    assert match, url
    resource, expires, signature, _ = match.groups()
    policy = {
        "Statement": [{"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": int(expires)}}}]
    }
    text = json.dumps(policy, separators=(",", ":"))
    standard = signature.replace("-", "+").replace("_", "=").replace("~", "/")
    KEY.public_key().verify(b64decode(standard, validate=True), text.encode(), padding.PKCS1v15(), _SHA1)
    return resource


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "path"),
        [
            ("t1/a b+c.xlsx", "/t1/a%20b%2Bc.xlsx"),
            ("t1/100%.xlsx", "/t1/100%25.xlsx"),
            ("t1/ação#1.xlsx", "/t1/a%C3%A7%C3%A3o%231.xlsx"),
            ("t1/r&d=1?.pdf", "/t1/r%26d%3D1%3F.pdf"),
            ("t1/*.pdf", "/t1/%2A.pdf"),
            ('t1/"quoted"\\.pdf', "/t1/%22quoted%22%5C.pdf"),
            ("results/2f1c/report", "/results/2f1c/report"),
        ],
    )
    def test_a_key_is_encoded_once_and_the_signed_resource_is_the_url(self, key: str, path: str) -> None:
        """Case F02; ``test_downloads.py`` fetches such objects."""
        link = signer().sign(key, now=NOW)
        assert verify(link.url) == BASE + path

    @given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda k: k.strip("./")))
    def test_any_key_comes_back_from_its_url(self, key: str) -> None:
        segments = [segment for segment in key.split("/") if segment not in {"", ".", ".."}]
        resource = verify(signer().sign("/".join(segments), now=NOW).url)
        assert unquote(urlsplit(resource).path) == "/" + "/".join(segments)

    @pytest.mark.parametrize("key", ["", "/a", "a//b", "a/../b", "./a", "a/", "a/.."])
    def test_a_key_whose_path_a_browser_would_rewrite_is_refused(self, key: str) -> None:
        with pytest.raises(ValueError, match="segments"):
            signer().sign(key, now=NOW)

    def test_two_hundred_signatures_are_url_safe_and_right(self) -> None:
        """Case F01."""
        links = signer()
        with ThreadPoolExecutor(4) as pool:
            urls = list(pool.map(lambda n: links.sign(f"results/{n}", now=NOW).url, range(200)))
        assert [verify(url) for url in urls] == [f"{BASE}/results/{n}" for n in range(200)]

    def test_botocore_signs_the_same(self) -> None:
        oracle = CloudFrontSigner("K2JCJMDEHXQW5F", lambda text: KEY.sign(text, padding.PKCS1v15(), _SHA1))
        resource = f"{BASE}/results/a%20b"
        expected = oracle.generate_presigned_url(resource, date_less_than=NOW + timedelta(hours=1))
        assert signer().sign("results/a b", now=NOW).url == expected


class TestQueries:
    @pytest.mark.parametrize(
        "query",
        [
            "response-content-disposition=attachment%3B%20filename%2A%3DUTF-8%27%27Relat%25C3%25B3rio.xlsx",
            "response-content-disposition=attachment%3B+filename%3D%22a%26b%3Dc.xlsx%22",
            "response-content-type=text%2Fcsv%3B%20charset%3Dutf-8&x-id=GetObject",
            "versionId=3L4kqtJlcpXroDTDmJ%2BrmSpXd3QBpUMLUo",
            "a='b'&c=(d)!~&e=%c3%a9&e=%C3%A9",
            "flag",
            "flag=&b",
        ],
    )
    def test_a_query_is_signed_and_passed_on_as_it_is(self, query: str) -> None:
        """Case F04."""
        url = f"https://d.example/k.xlsx?{query}"
        link = signer().sign_url(url, now=NOW)
        assert link.url.startswith(f"{url}&Expires=")
        assert verify(link.url) == url

    @pytest.mark.parametrize(
        "url",
        [
            "https://d.example/a b",
            "https://d.example/ação",
            "https://d.example/100%",
            "https://d.example/*",
            "https://d.example/a#b",
            'https://d.example/"',
            "https://d.example/a\n",
            "s3://bucket/key",
        ],
    )
    def test_what_is_no_encoded_url_of_one_object_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="percent-encoded"):
            signer().sign_url(url, now=NOW)


class TestExpiry:
    @pytest.fixture(params=["UTC", "America/Sao_Paulo", "Asia/Tokyo"])
    def zone(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """The zone of the process."""
        monkeypatch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
        monkeypatch.undo()
        time.tzset()

    def test_it_is_an_integer_that_counts_from_now_in_any_zone(self, zone: str) -> None:
        # Cases C14 and F05.
        before = int(time.time())
        link = signer(ttl_seconds=3600).sign("a", now=datetime.now(UTC))
        [expires] = re.findall(r"Expires=(\d+)&", link.url)
        assert before + 3600 <= int(expires) <= time.time() + 3600
        assert link.expires_at.timestamp() == int(expires)
        assert link.expires_at.tzinfo is UTC

    def test_the_zone_of_now_makes_no_difference(self) -> None:
        elsewhere = NOW.astimezone(timezone(timedelta(hours=-3)))
        assert signer().sign("a", now=elsewhere) == signer().sign("a", now=NOW)

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            signer().sign("a", now=NOW.replace(tzinfo=None))
        with pytest.raises(ValueError, match="time zone"):
            signer().sign("a", now=NOW, latest=NOW.replace(tzinfo=None))

    @pytest.mark.parametrize(("latest", "life"), [(10, 10), (3600, 3600), (7200, 3600)])
    def test_a_link_ends_at_its_latest_if_that_is_sooner(self, latest: int, life: int) -> None:
        link = signer(ttl_seconds=3600).sign("a", now=NOW, latest=NOW + timedelta(seconds=latest))
        assert link.expires_at == NOW.replace(microsecond=0) + timedelta(seconds=life)
        assert f"?Expires={int(link.expires_at.timestamp())}&" in link.url

    @pytest.mark.parametrize("ttl", [1, 3600, MAX_TTL_SECONDS])
    def test_the_life_of_a_link_is_a_setting(self, ttl: int) -> None:
        expires_at = signer(ttl_seconds=ttl).sign("a", now=NOW).expires_at
        assert expires_at == NOW.replace(microsecond=0) + timedelta(seconds=ttl)

    @pytest.mark.parametrize("ttl", [0, -5, MAX_TTL_SECONDS + 1, True])
    def test_a_life_out_of_range_is_refused(self, ttl: int) -> None:
        """Case F05; the settings refuse it too, before there is a signer."""
        with pytest.raises(ValueError, match="is not between 1 and"):
            signer(ttl_seconds=ttl)


class TestConfiguration:
    @pytest.mark.parametrize(
        "base_url",
        ["http://d.example", "d.example", "https://", "https://d.example?x=1", "https://u:p@d.example", ""],
    )
    def test_a_base_that_is_no_https_address_is_refused(self, base_url: str) -> None:
        with pytest.raises(ValueError, match="https"):
            signer(base_url=base_url)

    @pytest.mark.parametrize(
        "base_url", ["http://127.0.0.1:8443", "http://localhost:8443/", "https://d.example/"]
    )
    def test_loopback_needs_no_tls_and_a_final_slash_is_no_segment(self, base_url: str) -> None:
        assert verify(signer(base_url=base_url).sign("a", now=NOW).url) == base_url.rstrip("/") + "/a"

    def test_a_key_that_cloudfront_does_not_take_is_refused_without_showing_it(self) -> None:
        small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
        curve = ec.generate_private_key(ec.SECP256R1())
        pems = [
            "no key at all",
            small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
        ]
        for pem in pems:
            with pytest.raises(ValueError, match="The link key is not an") as failure:
                signer(private_key_pem=pem).sign("a", now=NOW)
            assert pem not in str(failure.value)
            assert failure.value.__cause__ is None

    def test_a_key_pair_id_can_not_change_the_url(self) -> None:
        with pytest.raises(ValueError, match="id of a CloudFront public key"):
            signer(key_pair_id="K1&Expires=9999999999")
