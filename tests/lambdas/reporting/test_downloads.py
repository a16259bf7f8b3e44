"""Links to objects of a real store, served by the local edge as the distribution does."""

import asyncio
import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.credentials import Credentials, public_key_pem
from local.deployment import Files
from local.edge.server import Edge, serve
from local.edge.signatures import LinkVerifier
from reporting.links import LinkSigner
from reporting.storage import S3ResultStore
from tests.parts.object_store import ObjectStore
from tests.parts.processes import eventually, free_port

KEYS = Credentials.generate()
KEY_ID = "K1234567890"
PAGE = "https://app.example"
#: As the template has them for one origin.
FILES = Files(
    lifecycle=[],
    methods=("GET", "HEAD", "OPTIONS"),
    headers={"X-Content-Type-Options": "nosniff"},
    cors={
        "AccessControlAllowOrigins": {"Items": [PAGE]},
        "AccessControlAllowMethods": {"Items": ["GET", "HEAD", "OPTIONS"]},
        "AccessControlAllowHeaders": {"Items": ["Range"]},
        "AccessControlExposeHeaders": {"Items": ["Content-Disposition", "Content-Length", "ETag"]},
        "AccessControlAllowCredentials": False,
    },
)


class Downloads:
    """A bucket, the edge in front of it, and what signs links to it."""

    def __init__(self, *, store: S3ResultStore, object_store: ObjectStore, bucket: str, port: int) -> None:
        self.store = store
        self.port = port
        self._s3 = object_store.s3()
        self._bucket = bucket
        self._signer = LinkSigner(
            base_url=f"http://127.0.0.1:{port}",
            key_pair_id=KEY_ID,
            private_key_pem=KEYS.link_private_key,
            ttl_seconds=600,
        )

    def put(self, key: str, data: bytes) -> str:
        """Store an object; returns a link to it."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=data)
        return self.link(key)

    def link(self, key: str) -> str:
        return self._signer.sign(key, now=datetime.now(UTC)).url

    def fetch(self, url: str, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Ask for exactly the characters of ``url``."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            parts = urlsplit(url)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture
def downloads(store: S3ResultStore, object_store: ObjectStore, bucket: str) -> Iterator[Downloads]:
    port = free_port()
    verifier = LinkVerifier({KEY_ID: public_key_pem(KEYS.link_private_key)})
    edge = Edge(verifier=verifier, s3=object_store.s3(), bucket=bucket, port=port, files=FILES)
    loop = asyncio.new_event_loop()
    task: asyncio.Task[None] = loop.create_task(serve(edge, port=port))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    made = Downloads(store=store, object_store=object_store, bucket=bucket, port=port)

    def answers() -> bool:
        with suppress(OSError):
            return made.fetch("/")[0] == 403
        return False

    eventually(answers, what="the edge")
    yield made
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)


@pytest.mark.parametrize(
    "key",
    [
        "t1/a b+c.xlsx",
        "t1/100%.xlsx",
        "t1/ação#1.xlsx",
        "t1/r&d=1?.pdf",
        "t1/a%20b.xlsx",
        "t1/a%2Fb.xlsx",
        "t1/it's (1)!*;,@:$~.pdf",
        't1/"q"<>|^`{}[].csv',
        "t1/back\\slash.csv",
        "t1/売上 😀.pdf",
        "t1/a\u0303.pdf",
        "t1/...pdf",
    ],
)
def test_a_link_leads_to_its_object_whatever_characters_the_key_has(downloads: Downloads, key: str) -> None:
    """Case F02."""
    assert downloads.fetch(downloads.put(key, key.encode()))[::2] == (200, key.encode())


def test_keys_that_differ_in_what_is_encoded_are_different_objects(downloads: Downloads) -> None:
    """Case F02."""
    keys = ["a b", "a+b", "a%20b", "a%2Bb"]
    links = [downloads.put(key, key.encode()) for key in keys]
    assert [downloads.fetch(link)[2] for link in links] == [key.encode() for key in keys]


@pytest.mark.parametrize(
    "name", ["Relatório “Q1” – São Paulo.xlsx", "売上 100%.pdf", 'a"b;c=d.csv', "👩\u200d💻.xlsx", "x.csv"]
)
def test_the_name_of_a_download_goes_through_the_store_as_pure_ascii(downloads: Downloads, name: str) -> None:
    """Case F03: it is stored with the object, and served with it."""
    with downloads.store.open_writer("results/named", content_type="text/csv", filename=name) as writer:
        writer.write(b"data")
        writer.commit()
    status, headers, data = downloads.fetch(downloads.link("results/named"))
    assert (status, data) == (200, b"data")
    assert headers["content-disposition"].isascii()
    assert headers["content-disposition"].startswith('attachment; filename="')
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"


def test_a_page_of_a_named_origin_reads_files_parts_and_refusals(downloads: Downloads) -> None:
    """Case F12."""
    link = downloads.put("results/x", b"0123456789")
    for url, more, status in (
        (link, {}, 200),
        (link, {"Range": "bytes=0-3"}, 206),
        (link, {"Range": "bytes=50-"}, 416),
        (link.partition("?")[0], {}, 403),
    ):
        found, headers, _ = downloads.fetch(url, Origin=PAGE, **more)
        assert (found, headers["access-control-allow-origin"]) == (status, PAGE)
        assert {"Content-Disposition", "Content-Length"} <= exposed(headers)
        assert "access-control-allow-credentials" not in headers
        assert headers["vary"] == "Origin"


def exposed(headers: Mapping[str, str]) -> set[str]:
    return set(headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil.example", "null"])
def test_a_page_of_another_origin_reads_nothing(downloads: Downloads, origin: str) -> None:
    """Case F12."""
    link = downloads.put("results/x", b"0123456789")
    for method in ("GET", "OPTIONS"):
        _, headers, _ = downloads.fetch(link, method, Origin=origin)
        assert not [name for name in headers if name.startswith("access-control-")]


def test_a_preflight_request_needs_no_signature(downloads: Downloads) -> None:
    """Case F12."""
    asks: dict[str, Any] = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    status, headers, _ = downloads.fetch("/results/x", "OPTIONS", Origin=PAGE, **asks)
    assert status in {200, 204}
    assert headers["access-control-allow-origin"] == PAGE
    assert "GET" in headers["access-control-allow-methods"]
    assert "Range" in headers["access-control-allow-headers"]
