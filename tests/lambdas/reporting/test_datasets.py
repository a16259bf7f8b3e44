"""Datasets: uploads that S3 itself bounds, rows that are all of the file's, or an error that says why not."""

import hashlib
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from rendering.errors import BadData, BadValue
from rendering.model import Column, ColumnType
from reporting.database import Database
from reporting.dataset_models import DatasetReference
from reporting.dataset_source import ChecksumMismatch, DatasetGone, DatasetRows
from reporting.dataset_uploads import DatasetLimits, DatasetUploads
from reporting.datasets import Datasets
from reporting.errors import DatasetNotUploaded, InvalidRequest
from reporting.repository import Reports
from reporting.storage import ObjectChanged, S3ResultStore, StorageUnavailable
from reporting.tabular_text import ReadLimits
from tests.parts.domain import connect, database, reports
from tests.parts.http_proxy import HttpProxy, Request
from tests.parts.mariadb import mariadb_server
from tests.parts.object_store import ObjectStore
from tests.parts.tcp_proxy import TcpProxy
from tests.parts.uploads import post_form

__all__ = ["connect", "database", "mariadb_server", "reports"]

CSV = b"a,b\n01,1.5\n02,2\n"
COLUMNS = (Column(key="a", label="A"), Column(key="b", label="B", type=ColumnType.DECIMAL))
MIB = 1024 * 1024


@pytest.fixture
def uploads(database: Database, store: S3ResultStore) -> DatasetUploads:
    return DatasetUploads(
        datasets=Datasets(database), store=store, limits=DatasetLimits(max_bytes=1000, days=7)
    )


def send(made: dict[str, Any], data: bytes, **changed: str) -> int:
    form = made["upload"]
    assert form["method"] == "POST"
    return post_form(form["url"], {**form["fields"], **changed}, data).status


def put(object_store: ObjectStore, bucket: str, data: bytes) -> dict[str, Any]:
    """What a report keeps of a dataset whose file is ``data``."""
    key = f"datasets/{uuid4()}"
    etag = object_store.s3().put_object(Bucket=bucket, Key=key, Body=data)["ETag"]
    return {"key": key, "format": "csv", "etag": etag, "size_bytes": len(data), "sha256": None}


def rows_of(store: S3ResultStore, dataset: dict[str, Any], **more: Any) -> DatasetRows:
    return DatasetRows(
        **{
            "store": store,
            "dataset": dataset,
            "reference": DatasetReference(id="x"),
            "columns": COLUMNS,
            "on_bad_value": "warn",
            "limits": ReadLimits(),
            **more,
        }
    )


def chunks(store: S3ResultStore, dataset: dict[str, Any]) -> Iterator[bytes]:
    return store.read_chunks(
        dataset["key"], etag=dataset["etag"], size_bytes=dataset["size_bytes"], stopped=threading.Event()
    )


def large() -> bytes:
    return b"".join(number.to_bytes(8, "big") for number in range(2 * MIB))


class TestUploads:
    def test_what_was_uploaded_is_bound_by_key_etag_and_size(
        self, uploads: DatasetUploads, object_store: ObjectStore, bucket: str
    ) -> None:
        made = uploads.create({"format": "csv"}, tenant="acme")
        assert send(made, CSV) == 204
        bound = uploads.bind(DatasetReference(id=made["id"]), tenant="acme")
        answer = object_store.s3().get_object(Bucket=bucket, Key=bound["key"])
        assert answer["Body"].read() == CSV
        assert (bound["etag"], bound["size_bytes"], bound["format"]) == (answer["ETag"], len(CSV), "csv")
        assert made["id"] not in bound["key"].split("/")[1]

    @pytest.mark.parametrize("size", [0, 1001])
    def test_the_store_itself_refuses_a_file_of_another_size(
        self, uploads: DatasetUploads, size: int
    ) -> None:
        assert send(uploads.create({"format": "csv"}, tenant="acme"), b"x" * size) == 400

    def test_an_announced_size_is_the_only_one(self, uploads: DatasetUploads) -> None:
        made = uploads.create({"format": "csv", "size_bytes": len(CSV)}, tenant="acme")
        assert send(made, CSV + b"\n") == 400
        assert send(made, CSV[:-1]) == 400
        assert send(made, CSV) == 204

    @pytest.mark.parametrize(
        "changed",
        [
            {"key": "results/other"},
            {"Content-Type": "text/html"},
            {"x-amz-signature": "0" * 64},
            {"acl": "public-read"},
        ],
    )
    def test_a_form_that_was_changed_is_refused(
        self, uploads: DatasetUploads, changed: dict[str, str]
    ) -> None:
        assert send(uploads.create({"format": "csv"}, tenant="acme"), CSV, **changed) == 403

    def test_a_form_does_not_live_for_ever(self, store: S3ResultStore) -> None:
        form = store.presign_upload(
            "datasets/x", content_type="text/csv", least_bytes=1, most_bytes=100, seconds=-1
        )
        assert post_form(form.url, form.fields, CSV).status == 403

    def test_the_address_is_the_regions_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-a-test")
        form = S3ResultStore(bucket="some-bucket", region="eu-west-1").presign_upload(
            "datasets/x", content_type="text/csv", least_bytes=1, most_bytes=100, seconds=60
        )
        assert urlsplit(form.url).netloc == "some-bucket.s3.eu-west-1.amazonaws.com"

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({}, [("/format", "required")]),
            ({"format": "xml"}, [("/format", "not_allowed")]),
            ({"format": "csv", "name": "x"}, [("/name", "unknown_field")]),
            ({"format": "csv", "size_bytes": 1001}, [("/size_bytes", "out_of_range")]),
            ({"format": "csv", "size_bytes": True}, [("/size_bytes", "wrong_type")]),
            ({"format": "csv", "sha256": "A" * 64}, [("/sha256", "invalid_value")]),
            (
                {"format": "xml", "size_bytes": 1001, "name": "x"},
                [("/format", "not_allowed"), ("/name", "unknown_field"), ("/size_bytes", "out_of_range")],
            ),
        ],
    )
    def test_a_request_is_refused_with_the_place_and_kind_of_each_problem(
        self, uploads: DatasetUploads, body: dict[str, Any], expected: list[tuple[str, str]]
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            uploads.create(body, tenant="acme")
        assert [(problem.pointer, problem.code) for problem in refused.value.problems] == expected


class TestBinding:
    def test_a_dataset_of_nobody_of_another_and_of_the_past_are_told_the_same(
        self, uploads: DatasetUploads, database: Database
    ) -> None:
        made = uploads.create({"format": "csv"}, tenant="acme")
        assert send(made, CSV) == 204
        past = uploads.create({"format": "csv"}, tenant="acme")
        database.execute("UPDATE datasets SET expires_at = UTC_TIMESTAMP(6) WHERE id = %s", (past["id"],))
        told = set()
        for wanted, tenant in (
            (made["id"], "other"),
            (past["id"], "acme"),
            (str(uuid4()), "acme"),
            ("' OR 1=1", "acme"),
            (made["id"].upper(), "acme"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                uploads.bind(DatasetReference(id=wanted), tenant=tenant)
            told.add((str(refused.value), refused.value.problems))
        assert len(told) == 1

    def test_a_dataset_without_a_file_is_told_apart(self, uploads: DatasetUploads) -> None:
        made = uploads.create({"format": "csv"}, tenant="acme")
        with pytest.raises(DatasetNotUploaded, match="Nothing was uploaded"):
            uploads.bind(DatasetReference(id=made["id"]), tenant="acme")

    def test_options_of_csv_are_refused_for_json_lines(self, uploads: DatasetUploads) -> None:
        made = uploads.create({"format": "jsonl"}, tenant="acme")
        with pytest.raises(InvalidRequest) as refused:
            uploads.bind(DatasetReference(id=made["id"], delimiter=";", locale="pt-BR"), tenant="acme")
        pointers = [problem.pointer for problem in refused.value.problems]
        assert pointers == ["/table/dataset/delimiter", "/table/dataset/locale"]

    def test_expired_datasets_are_purged(
        self, uploads: DatasetUploads, database: Database, reports: Reports
    ) -> None:
        kept, past = (uploads.create({"format": "csv"}, tenant="acme")["id"] for _ in range(2))
        database.execute("UPDATE datasets SET expires_at = UTC_TIMESTAMP(6) WHERE id = %s", (past,))
        assert reports.purge_datasets(limit=10) == 1
        assert database.query("SELECT id FROM datasets") == ((kept,),)


class TestReading:
    def test_a_broken_connection_is_followed_by_one_that_begins_where_it_ended(
        self, object_store: ObjectStore, bucket: str
    ) -> None:
        data = large()
        dataset = put(object_store, bucket, data)
        with TcpProxy(object_store.port, most=5 * MIB) as proxy:
            store = S3ResultStore(bucket=bucket, endpoint_url=f"http://127.0.0.1:{proxy.port}")
            digest = hashlib.sha256()
            for chunk in chunks(store, dataset):
                digest.update(chunk)
        assert digest.digest() == hashlib.sha256(data).digest()
        assert proxy.accepted == 4  # For 16 MiB.

    def test_an_object_that_is_replaced_while_it_is_read_is_noticed(
        self, object_store: ObjectStore, bucket: str
    ) -> None:
        data = large()
        dataset = put(object_store, bucket, data)
        with TcpProxy(object_store.port, most=5 * MIB) as proxy:
            store = S3ResultStore(bucket=bucket, endpoint_url=f"http://127.0.0.1:{proxy.port}")
            reading = chunks(store, dataset)
            next(reading)
            object_store.s3().put_object(Bucket=bucket, Key=dataset["key"], Body=data[::-1])
            with pytest.raises(ObjectChanged):
                list(reading)

    def test_a_store_that_answers_no_more_is_given_up(self, object_store: ObjectStore, bucket: str) -> None:
        dataset = put(object_store, bucket, CSV)

        def busy(_: Request) -> tuple[int, str]:
            return 503, "SlowDown"

        with HttpProxy(object_store.port, busy) as proxy:
            store = S3ResultStore(bucket=bucket, endpoint_url=proxy.url, attempts=1)
            with pytest.raises(StorageUnavailable):
                list(chunks(store, dataset))
            ranges = {request.headers.get("Range") for request in proxy.requests}
        assert ranges == {f"bytes=0-{len(CSV) - 1}"}

    def test_rows_are_those_of_the_file(
        self, object_store: ObjectStore, bucket: str, store: S3ResultStore
    ) -> None:
        source = rows_of(store, put(object_store, bucket, CSV))
        assert [row[0] for batch in source for row in batch] == ["01", "02"]

    def test_an_announced_checksum_is_compared_with_all_that_was_read(
        self, object_store: ObjectStore, bucket: str, store: S3ResultStore
    ) -> None:
        dataset = put(object_store, bucket, CSV)
        right = {**dataset, "sha256": hashlib.sha256(CSV).hexdigest()}
        assert sum(map(len, rows_of(store, right))) == 2
        with pytest.raises(ChecksumMismatch, match="announced was 000"):
            list(rows_of(store, {**dataset, "sha256": "0" * 64}))

    def test_a_file_that_is_gone_is_an_expired_dataset(
        self, object_store: ObjectStore, bucket: str, store: S3ResultStore
    ) -> None:
        dataset = put(object_store, bucket, CSV)
        store.delete(dataset["key"])
        with pytest.raises(DatasetGone):
            list(rows_of(store, dataset))

    def test_an_interrupted_read_ends(
        self, object_store: ObjectStore, bucket: str, store: S3ResultStore
    ) -> None:
        line = b"01,1.5\n"
        source = rows_of(store, put(object_store, bucket, b"a,b\n" + line * 300_000))
        batches = iter(source)
        next(batches)
        source.interrupt()
        with pytest.raises(StorageUnavailable, match="interrupted"):
            list(batches)

    @pytest.mark.parametrize(
        ("format_", "data", "error", "said"),
        [
            ("csv", b"a,b\nx,y\n", BadValue, "line 2, column 'b': 'y' is not a decimal number"),
            ("csv", b"a,b\nx\n", BadData, "line 2: the record has 1 fields"),
            ("jsonl", b'["x", 1]\n["x"\n', BadData, "line 2, character 5"),
        ],
    )
    def test_bad_rows_are_named(
        self,
        object_store: ObjectStore,
        bucket: str,
        store: S3ResultStore,
        *,
        format_: str,
        data: bytes,
        error: type[Exception],
        said: str,
    ) -> None:
        dataset = {**put(object_store, bucket, data), "format": format_}
        with pytest.raises(error, match=said.replace("'", ".")):
            list(rows_of(store, dataset, on_bad_value="fail"))
