"""Results and inputs on a real object store that checks signatures."""

import collections
import hashlib
import logging
import threading
import time
import tracemalloc
from base64 import b64encode
from uuid import uuid4

import pytest

from rendering.model import Format
from reporting.storage import (
    EmptyResult,
    ObjectNotFound,
    S3ResultStore,
    StorageRefused,
    StorageUnavailable,
)
from tests.parts.http_proxy import Drop, HttpProxy, Request
from tests.parts.object_store import ObjectStore
from tests.parts.processes import eventually

MIB = 1024 * 1024
#: The smallest part that S3 takes, to have several with little data.
PART = 5 * MIB


@pytest.fixture
def key() -> str:
    return f"results/{uuid4()}"


def behind(proxy: HttpProxy, bucket: str) -> S3ResultStore:
    return S3ResultStore(bucket=bucket, endpoint_url=proxy.url, part_bytes=PART)


def pattern(size: int) -> bytes:
    """Bytes of which no two parts are the same, so that a part out of order shows."""
    block = hashlib.sha512(str(size).encode()).digest()
    return b"".join(block[i % 64 : i % 64 + 1] + i.to_bytes(7, "big") for i in range(size // 8 + 1))[:size]


def direct(object_store: ObjectStore, bucket: str) -> S3ResultStore:
    return S3ResultStore(bucket=bucket, endpoint_url=object_store.url)


def write(store: S3ResultStore, key: str, data: bytes, *, chunk: int = 100_003) -> str:
    with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
        for start in range(0, len(data), chunk):
            writer.write(data[start : start + chunk])
        return writer.commit().sha256


def write_and_raise(store: S3ResultStore, key: str, data: bytes, error: BaseException) -> None:
    with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
        writer.write(data)
        raise error


def unfinished_uploads(object_store: ObjectStore, bucket: str) -> list[str]:
    uploads = object_store.s3().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [upload["Key"] for upload in uploads]


class TestSizes:
    @pytest.mark.parametrize(
        "size",
        [1, 5_242_879, 5_242_880, 5_242_881, 8 * MIB, 8 * MIB + 1, 16 * MIB, 20_971_521],
    )
    def test_the_object_is_the_file(
        self, store: S3ResultStore, object_store: ObjectStore, bucket: str, key: str, size: int
    ) -> None:
        """Case F10."""
        data = pattern(size)
        with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
            for start in range(0, size, 1_000_003):
                assert writer.write(data[start : start + 1_000_003]) == len(data[start : start + 1_000_003])
            stored = writer.commit()

        answer = object_store.s3().get_object(Bucket=bucket, Key=key)
        assert answer["Body"].read() == data
        assert (stored.key, stored.size_bytes, stored.etag) == (key, size, answer["ETag"])
        assert stored.sha256 == hashlib.sha256(data).hexdigest()

    def test_one_large_write_is_cut_into_parts(
        self, store: S3ResultStore, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        data = pattern(20 * MIB)
        write(store, key, data, chunk=len(data))
        assert object_store.s3().get_object(Bucket=bucket, Key=key)["Body"].read() == data

    def test_no_bytes_are_no_report(
        self, store: S3ResultStore, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
            writer.write(b"")
            with pytest.raises(EmptyResult):
                writer.commit()
        assert store.exists(key) is None

    def test_one_part_is_one_request_and_more_are_a_multipart_upload(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        with HttpProxy(object_store.port) as proxy:
            write(behind(proxy, bucket), key, pattern(PART))
            assert [request.method for request in proxy.requests] == ["PUT"]
            proxy.requests.clear()

            write(behind(proxy, bucket), key, pattern(2 * PART + 1))
            assert [r.size for r in proxy.sent("PUT", "partNumber=")] == [PART, PART, 1]
            assert len(proxy.sent("POST", "uploads")) == 1

    def test_memory_does_not_grow_with_the_object(self, store: S3ResultStore, key: str) -> None:
        block = bytes(256 * 1024)
        tracemalloc.start()
        try:
            with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
                for _ in range(96 * 4):
                    writer.write(block)
                peak = tracemalloc.get_traced_memory()[1]
                assert writer.commit().size_bytes == 96 * MIB
        finally:
            tracemalloc.stop()
        # Three parts of 8 MiB and a copy of one in the making.
        assert peak < 40 * MIB


class TestHeaders:
    @pytest.mark.parametrize(
        ("wanted", "content_type"),
        [
            (Format.XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (Format.PDF, "application/pdf"),
            (Format.CSV, "text/csv; charset=utf-8"),
        ],
    )
    @pytest.mark.parametrize("size", [1000, 9 * MIB])
    def test_the_object_says_what_it_is_and_how_to_keep_it(  # noqa: PLR0917 - fixtures
        self,
        store: S3ResultStore,
        object_store: ObjectStore,
        bucket: str,
        key: str,
        wanted: Format,
        content_type: str,
        size: int,
    ) -> None:
        """Case F11; the edge adds ``nosniff``."""
        filename = f"Relatório “Q1” – São Paulo.{wanted}"
        with store.open_writer(key, content_type=wanted.content_type, filename=filename) as writer:
            writer.write(bytes(size))
            writer.commit()

        head = object_store.s3().head_object(Bucket=bucket, Key=key)
        assert head["ContentType"] == content_type
        assert head["CacheControl"] == "private, no-store"
        assert head["ContentLength"] == size
        assert head["ContentDisposition"] == (
            f'attachment; filename="Relatorio _Q1_ _ Sao Paulo.{wanted}"; '
            f"filename*=UTF-8''Relat%C3%B3rio%20%E2%80%9CQ1%E2%80%9D%20%E2%80%93%20S%C3%A3o%20Paulo.{wanted}"
        )

    def test_every_upload_carries_its_checksum(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        data = pattern(PART + 10)
        with HttpProxy(object_store.port) as proxy:
            write(behind(proxy, bucket), f"{key}-1", data[:100])
            write(behind(proxy, bucket), f"{key}-2", data)
            sums = [{n.lower(): v for n, v in r.headers.items()} for r in proxy.sent("PUT")]
        assert [headers["x-amz-checksum-sha256"] for headers in sums] == [
            b64encode(hashlib.sha256(part).digest()).decode()
            for part in (data[:100], data[:PART], data[PART:])
        ]

    def test_bytes_that_are_not_those_of_the_checksum_are_refused_by_the_store(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        """What the checksum is for: the store compares it."""
        client = object_store.s3()
        wrong = b64encode(hashlib.sha256(b"other").digest()).decode()
        with pytest.raises(client.exceptions.ClientError):
            client.put_object(Bucket=bucket, Key=key, Body=b"data", ChecksumSHA256=wrong)


class TestGivingUp:
    @pytest.mark.parametrize("size", [10, 2 * PART + 1])
    def test_an_exception_leaves_nothing_behind(
        self, object_store: ObjectStore, bucket: str, key: str, size: int
    ) -> None:
        """Case F09."""
        store = S3ResultStore(bucket=bucket, endpoint_url=object_store.url, part_bytes=PART)
        with pytest.raises(KeyboardInterrupt):
            write_and_raise(store, key, bytes(size), KeyboardInterrupt())
        assert store.exists(key) is None
        assert unfinished_uploads(object_store, bucket) == []

    def test_leaving_without_a_commit_leaves_nothing_behind(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        store = S3ResultStore(bucket=bucket, endpoint_url=object_store.url, part_bytes=PART)
        with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
            writer.write(bytes(2 * PART + 1))
        assert store.exists(key) is None
        assert unfinished_uploads(object_store, bucket) == []

    @pytest.mark.parametrize("refused", ["partNumber=2", "uploads", "?uploadId="])
    def test_a_refusal_anywhere_ends_the_upload_and_is_permanent(
        self, object_store: ObjectStore, bucket: str, key: str, refused: str
    ) -> None:
        def fault(request: Request) -> tuple[int, str] | None:
            refuse = request.method in {"PUT", "POST"} and refused in request.target
            return (403, "AccessDenied") if refuse else None

        with HttpProxy(object_store.port, fault) as proxy:
            with pytest.raises(StorageRefused):
                write(behind(proxy, bucket), key, pattern(3 * PART))
            store = behind(proxy, bucket)
            assert store.exists(key) is None
        assert unfinished_uploads(object_store, bucket) == []

    def test_a_failed_part_stops_the_writer_before_everything_is_rendered(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        def fault(request: Request) -> tuple[int, str] | None:
            return (403, "AccessDenied") if "partNumber=1" in request.target else None

        with (
            HttpProxy(object_store.port, fault) as proxy,
            behind(proxy, bucket).open_writer(
                key, content_type="application/pdf", filename="a.pdf"
            ) as writer,
        ):
            with pytest.raises(StorageRefused):
                collections.deque((writer.write(bytes(MIB)) for _ in range(1000)), maxlen=0)
            with pytest.raises(ValueError, match="given up"):
                writer.write(b"more")

    def test_an_abort_that_fails_is_logged_and_does_not_hide_the_reason(
        self, object_store: ObjectStore, bucket: str, key: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fault(request: Request) -> tuple[int, str] | None:
            return (403, "AccessDenied") if request.method == "DELETE" else None

        with HttpProxy(object_store.port, fault) as proxy:
            store = behind(proxy, bucket)
            with pytest.raises(ZeroDivisionError):
                write_and_raise(store, key, bytes(2 * PART), ZeroDivisionError())
        [said] = [record for record in caplog.records if "could not be aborted" in record.getMessage()]
        assert said.levelno == logging.ERROR
        for upload in object_store.s3().list_multipart_uploads(Bucket=bucket)["Uploads"]:
            object_store.s3().abort_multipart_upload(
                Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )

    def test_a_committed_object_stays_and_its_writer_is_closed(self, store: S3ResultStore, key: str) -> None:
        with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
            writer.write(b"data")
            writer.commit()
            with pytest.raises(ValueError, match="already committed"):
                writer.write(b"more")
            with pytest.raises(ValueError, match="already committed"):
                writer.commit()
        assert store.get_input(key) == b"data"

    def test_no_thread_is_left(self, store: S3ResultStore, key: str) -> None:
        write(store, key, pattern(9 * MIB))
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("upload")]


class TestBackPressure:
    def test_writing_goes_on_during_an_upload_until_two_parts_wait(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        gate = threading.Event()
        written: list[int] = []

        def fault(request: Request) -> tuple[int, str] | None:
            if "partNumber=" in request.target:
                gate.wait(100)
            return None

        def render() -> None:
            with behind(proxy, bucket).open_writer(
                key, content_type="application/pdf", filename="a.pdf"
            ) as writer:
                for _ in range(5 * PART // MIB):
                    written.append(writer.write(bytes(MIB)))
                writer.commit()

        with HttpProxy(object_store.port, fault) as proxy:
            rendering = threading.Thread(target=render)
            rendering.start()
            # Two parts on their way and one in the buffer; the next byte has to wait.
            eventually(lambda: sum(written) == 3 * PART, what="the third part")
            rendering.join(0.3)
            assert sum(written) == 3 * PART
            gate.set()
            rendering.join(100)
            assert not rendering.is_alive()
        assert direct(object_store, bucket).exists(key) is not None
        assert sum(written) == 5 * PART


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (503, "SlowDown"),
            (500, "InternalError"),
            (400, "RequestTimeout"),
            (400, "ExpiredToken"),
            (403, "RequestTimeTooSkewed"),
            (400, "BadDigest"),
            (400, "IncompleteBody"),
            (400, "XAmzContentSHA256Mismatch"),
        ],
    )
    def test_what_passes_by_itself_is_unavailable(
        self, object_store: ObjectStore, bucket: str, key: str, status: int, code: str
    ) -> None:
        with (
            HttpProxy(object_store.port, lambda request: (status, code)) as proxy,
            pytest.raises(StorageUnavailable) as failure,
        ):
            behind(proxy, bucket).put_input(key, b"[]")
        assert "127.0.0.1" not in str(failure.value)

    @pytest.mark.parametrize(
        ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "InvalidRequest")]
    )
    def test_what_stays_as_it_is_is_refused_after_one_try(
        self, object_store: ObjectStore, bucket: str, key: str, status: int, code: str
    ) -> None:
        with HttpProxy(object_store.port, lambda request: (status, code)) as proxy:
            with pytest.raises(StorageRefused):
                behind(proxy, bucket).put_input(key, b"[]")
            assert len(proxy.requests) == 1

    def test_a_short_fault_is_not_noticed(self, object_store: ObjectStore, bucket: str, key: str) -> None:
        failed: list[str] = []

        def fault(request: Request) -> tuple[int, str] | None:
            if request.target in failed:
                return None
            failed.append(request.target)
            if request.method == "PUT":
                raise Drop
            return (503, "SlowDown")

        data = pattern(PART + 1)
        with HttpProxy(object_store.port, fault) as proxy:
            write(behind(proxy, bucket), key, data)
        assert direct(object_store, bucket).get_input(key) == data

    def test_an_upload_that_is_gone_is_worth_a_new_attempt(
        self, object_store: ObjectStore, bucket: str, key: str
    ) -> None:
        def fault(request: Request) -> tuple[int, str] | None:
            return (
                (404, "NoSuchUpload") if request.method == "POST" and "uploadId=" in request.target else None
            )

        with HttpProxy(object_store.port, fault) as proxy, pytest.raises(StorageUnavailable):
            write(behind(proxy, bucket), key, pattern(PART + 1))

    def test_a_store_that_is_not_there_is_unavailable(
        self, object_store: ObjectStore, key: str, dead_port: int
    ) -> None:
        store = S3ResultStore(bucket="results", endpoint_url=f"http://127.0.0.1:{dead_port}")
        started = time.monotonic()
        with pytest.raises(StorageUnavailable):
            store.put_input(key, b"[]")
        with pytest.raises(StorageUnavailable):
            store.check()
        assert time.monotonic() - started < 20

    def test_wrong_keys_are_refused(
        self, object_store: ObjectStore, bucket: str, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(StorageRefused):
            S3ResultStore(bucket=bucket, endpoint_url=object_store.url).put_input(key, b"[]")


class TestInputsAndObjects:
    def test_an_input_comes_back_as_it_was(self, store: S3ResultStore, key: str) -> None:
        data = '[["São Paulo", "😀"]]'.encode() * 5000
        store.put_input(key, data)
        assert store.get_input(key) == data

    def test_a_missing_object_is_named_as_such(self, store: S3ResultStore, key: str) -> None:
        with pytest.raises(ObjectNotFound):
            store.get_input(key)
        assert store.exists(key) is None

    def test_a_deleted_object_is_gone_and_may_be_deleted_again(self, store: S3ResultStore, key: str) -> None:
        store.put_input(key, b"[]")
        store.delete(key)
        assert store.exists(key) is None
        store.delete(key)

    def test_an_object_is_summed_up_without_reading_it(self, store: S3ResultStore, key: str) -> None:
        with store.open_writer(key, content_type="application/pdf", filename="a.pdf") as writer:
            writer.write(b"%PDF")
            stored = writer.commit()
        summary = store.exists(key)
        assert summary is not None
        assert (summary.key, summary.size_bytes, summary.etag) == (key, 4, stored.etag)
        assert summary.content_type == "application/pdf"

    def test_the_check_tells_a_bucket_from_none(
        self, store: S3ResultStore, object_store: ObjectStore
    ) -> None:
        store.check()
        with pytest.raises(StorageRefused):
            S3ResultStore(bucket="no-such-bucket", endpoint_url=object_store.url).check()


def test_one_who_does_not_wait_asks_a_silent_store_once(object_store: ObjectStore, bucket: str) -> None:
    over = threading.Event()

    def silent(_: Request) -> None:
        over.wait(timeout=100)

    with HttpProxy(object_store.port, silent) as proxy:
        store = S3ResultStore(bucket=bucket, endpoint_url=proxy.url, answer_seconds=0.2, attempts=1)
        with pytest.raises(StorageUnavailable):
            store.find("results/x")
        # The client has given up, and the proxy may be a little behind.
        eventually(lambda: len(proxy.requests) > 0, what="the one request")
        over.set()
    assert len(proxy.requests) == 1
