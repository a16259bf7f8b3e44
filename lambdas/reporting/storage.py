"""Files of reports in S3: results streamed up part by part, and input rows."""

import hashlib
import logging
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Protocol, Self, cast

from reporting.errors import PermanentError, TransientError
from reporting.filenames import content_disposition

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

#: S3 takes at most 10,000 parts of at least 5 MiB each (the last may be smaller):
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART_BYTES = 8 * 1024 * 1024
MAX_PARTS = 10_000

#: Results are private and a link works for a while only: no cache between keeps a copy.
CACHE_CONTROL = "private, no-store"

# Three attempts of at most 2 + 7 s and the pauses between them stay within 30 s.
_CONNECT_SECONDS = 2
_READ_SECONDS = 7
_ATTEMPTS = 3
_PARTS_IN_FLIGHT = 2

_logger = logging.getLogger(__name__)


class StorageUnavailable(TransientError):
    """S3 did not answer, was busy or had a fault: the same call may succeed later."""

    code = "storage_unavailable"
    title = "The file store did not answer"


class StorageRefused(PermanentError):
    """S3 refused: the same call will be refused again."""

    code = "storage_refused"
    title = "The file store refused"


class ObjectNotFound(StorageRefused):
    """There is no object with this key."""

    code = "object_not_found"
    title = "The file is not there"


class ObjectChanged(StorageRefused):
    """The object was replaced after it was looked at."""

    code = "object_changed"
    title = "The file was replaced in between"


class EmptyResult(PermanentError):
    """A file of zero bytes is no report."""

    code = "empty_result"
    title = "The report came out empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object that is completely there. ``sha256`` is the hex digest of all its bytes."""

    key: str
    size_bytes: int
    sha256: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectSummary:
    """What the store knows of an object without reading it."""

    key: str
    size_bytes: int
    etag: str
    content_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundObject:
    """What a listing says of an object."""

    size_bytes: int
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PresignedUpload:
    """A form to post, its ``fields`` first and the file last, until ``expires_at`` (naive, UTC)."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


class ObjectWriter(Protocol):
    """Takes a file's bytes in order; the object appears when they are committed, or never.

    Left without :meth:`commit`, or by an exception, it leaves nothing behind. Not for several threads.
    Each method raises :class:`StorageUnavailable` or :class:`StorageRefused`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, data: bytes, /) -> int:
        """Add bytes; returns their number. May wait for earlier bytes to be stored."""

    def commit(self) -> StoredObject:
        """Make the object appear. Raises :class:`EmptyResult` if nothing was written."""


class ResultStore(Protocol):
    """Where files are kept. Each method raises :class:`StorageUnavailable` or :class:`StorageRefused`."""

    def open_writer(self, key: str, *, content_type: str, filename: str) -> ObjectWriter:
        """Start a result that is downloaded as ``filename``. Nothing is sent before the first bytes."""

    def put_input(self, key: str, data: bytes) -> None:
        """Keep the rows of a request."""

    def get_input(self, key: str) -> bytes:
        """The bytes of an object. Raises :class:`ObjectNotFound`."""

    def presign_upload(
        self, key: str, *, content_type: str, least_bytes: int, most_bytes: int, seconds: int
    ) -> PresignedUpload:
        """Let whoever has the answer store this one object, of that size, within ``seconds``."""

    def find(self, key: str) -> FoundObject | None:
        """An object by listing it, which needs no right to read it."""

    def read_chunks(
        self, key: str, *, etag: str, size_bytes: int, stopped: threading.Event
    ) -> Iterator[bytes]:
        """All bytes of the object that ``etag`` names, in pieces.

        Raises :class:`ObjectChanged` if it is another one by now, and :class:`ObjectNotFound`.
        """

    def delete(self, key: str) -> None:
        """Remove an object; it is no error if it is not there."""

    def discard(self, key: str) -> None:
        """Remove an object that an ended attempt may have left, and the parts that were sent of it."""

    def exists(self, key: str) -> ObjectSummary | None:
        """The object's summary, or ``None`` if it is not there."""

    def check(self) -> None:
        """Ask the store whether the bucket can be reached."""


class S3ResultStore:
    """An S3 bucket. Safe to share between threads; connects at the first call.

    No call waits for much longer than ``attempts`` times ``answer_seconds`` and 2 s. ``region`` and
    ``endpoint_url`` default to what botocore finds in its environment. With ``s3:ListBucket`` a missing
    object is told from a forbidden one.
    """

    def __init__(
        self,
        *,
        bucket: str,
        region: str | None = None,
        endpoint_url: str | None = None,
        part_bytes: int = PART_BYTES,
        answer_seconds: float = _READ_SECONDS,
        attempts: int = _ATTEMPTS,
    ) -> None:
        self._bucket = bucket
        self._region = region
        self._endpoint_url = endpoint_url
        self._part_bytes = part_bytes
        self._answer_seconds = answer_seconds
        self._attempts = attempts
        self._client: S3Client | None = None
        self._lock = threading.Lock()

    def open_writer(self, key: str, *, content_type: str, filename: str) -> "S3ObjectWriter":
        return S3ObjectWriter(
            client=self._connected(),
            bucket=self._bucket,
            key=key,
            content_type=content_type,
            filename=filename,
            part_bytes=self._part_bytes,
        )

    def put_input(self, key: str, data: bytes) -> None:
        try:
            self._connected().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType="application/json",
                ChecksumSHA256=b64encode(hashlib.sha256(data).digest()).decode(),
            )
        except _errors() as error:
            _raise_classified(error)

    def get_input(self, key: str) -> bytes:
        try:
            # The client compares the checksum that is stored with the object.
            answer = self._connected().get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            return answer["Body"].read()
        except _errors() as error:
            _raise_classified(error)

    def presign_upload(
        self, key: str, *, content_type: str, least_bytes: int, most_bytes: int, seconds: int
    ) -> PresignedUpload:
        expires_at = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
        try:
            # A form, since its policy can limit the size, which a presigned PUT can't:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
            form = self._connected().generate_presigned_post(
                Bucket=self._bucket,
                Key=key,
                Fields={"Content-Type": content_type},
                Conditions=[
                    {"Content-Type": content_type},
                    ["content-length-range", least_bytes, most_bytes],
                ],
                ExpiresIn=seconds,
            )
        except _errors() as error:
            _raise_classified(error)
        return PresignedUpload(url=form["url"], fields=form["fields"], expires_at=expires_at)

    def find(self, key: str) -> FoundObject | None:
        try:
            answer = self._connected().list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        except _errors() as error:
            _raise_classified(error)
        for entry in answer.get("Contents", ()):
            if entry["Key"] == key:
                return FoundObject(size_bytes=entry["Size"], etag=entry["ETag"])
        return None

    def read_chunks(
        self, key: str, *, etag: str, size_bytes: int, stopped: threading.Event
    ) -> Iterator[bytes]:
        from reporting.object_reading import ObjectReplaced, ReadStopped, object_chunks  # noqa: PLC0415

        try:
            yield from object_chunks(
                self._connected(),
                bucket=self._bucket,
                key=key,
                etag=etag,
                size_bytes=size_bytes,
                stopped=stopped,
            )
        except ObjectReplaced as error:
            raise ObjectChanged("The file was replaced after the report was asked for.") from error
        except ReadStopped as error:
            raise StorageUnavailable("Reading the file was interrupted.") from error
        except _errors() as error:
            _raise_classified(error)

    def delete(self, key: str) -> None:
        try:
            self._connected().delete_object(Bucket=self._bucket, Key=key)
        except _errors() as error:
            _raise_classified(error)

    def discard(self, key: str) -> None:
        client = self._connected()
        try:
            # A worker that was killed could not abort its upload. The key is the prefix of no other.
            for upload in client.list_multipart_uploads(Bucket=self._bucket, Prefix=key).get("Uploads", ()):
                client.abort_multipart_upload(
                    Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
            client.delete_object(Bucket=self._bucket, Key=key)
        except _errors() as error:
            _raise_classified(error)

    def exists(self, key: str) -> ObjectSummary | None:
        try:
            answer = self._connected().head_object(Bucket=self._bucket, Key=key)
        except _errors() as error:
            if _is_missing(error):
                return None
            _raise_classified(error)
        return ObjectSummary(
            key=key,
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            content_type=answer["ContentType"],
        )

    def check(self) -> None:
        try:
            self._connected().head_bucket(Bucket=self._bucket)
        except _errors() as error:
            _raise_classified(error)

    def _connected(self) -> "S3Client":
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "S3Client":
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        client = Session().create_client(
            "s3",
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            config=Config(
                signature_version="s3v4",
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=self._answer_seconds,
                retries={"mode": "standard", "total_max_attempts": self._attempts},
                # The region's own address, also in what is presigned: the global one redirects at first.
                s3={"addressing_style": "virtual"},
                # Each upload carries a SHA-256 of its own; each download is checked where there is one.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        return cast("S3Client", client)


class S3ObjectWriter:
    """Sends an object while it is being written.

    Up to ``part_bytes`` are kept and sent in one request at the commit. Beyond that each full part goes up
    on a background thread while the next is being filled; ``write`` waits while two are on their way, so
    that never more than three parts are held, however large the object grows.
    """

    def __init__(
        self, *, client: "S3Client", bucket: str, key: str, content_type: str, filename: str, part_bytes: int
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._content_disposition = content_disposition(filename)
        self._part_bytes = part_bytes
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._uploader: ThreadPoolExecutor | None = None
        self._in_flight: deque[Future[None]] = deque()
        self._upload_id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abort()

    def write(self, data: bytes, /) -> int:
        self._require_open()
        self._digest.update(data)
        self._size += len(data)
        rest = memoryview(data)
        while rest:
            # A full buffer waits for one more byte: an object of just one part needs no multipart upload.
            if len(self._buffer) == self._part_bytes:
                self._hand_over()
            room = self._part_bytes - len(self._buffer)
            self._buffer += rest[:room]
            rest = rest[room:]
        return len(data)

    def commit(self) -> StoredObject:
        self._require_open()
        if not self._size:
            raise EmptyResult("The report has no bytes.")
        try:
            etag = self._put() if self._uploader is None else self._complete()
        except _errors() as error:
            self._abort()
            _raise_classified(error)
        self._close()
        return StoredObject(key=self._key, size_bytes=self._size, sha256=self._digest.hexdigest(), etag=etag)

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError("The object is already committed or given up.")

    def _put(self) -> str:
        return self._client.put_object(
            Bucket=self._bucket,
            Key=self._key,
            Body=bytes(self._buffer),
            ContentType=self._content_type,
            ContentDisposition=self._content_disposition,
            CacheControl=CACHE_CONTROL,
            ChecksumSHA256=b64encode(self._digest.digest()).decode(),
        )["ETag"]

    def _complete(self) -> str:
        self._hand_over()
        while self._in_flight:
            self._in_flight.popleft().result()
        assert self._upload_id is not None  # noqa: S101 - the first part began the upload
        return self._client.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": self._parts},
        )["ETag"]

    def _hand_over(self) -> None:
        """Give the buffer to the uploader, when it is not too far behind."""
        if self._uploader is None:
            self._uploader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        try:
            while len(self._in_flight) >= _PARTS_IN_FLIGHT or (self._in_flight and self._in_flight[0].done()):
                self._in_flight.popleft().result()
        except _errors() as error:
            self._abort()
            _raise_classified(error)
        part, self._buffer = bytes(self._buffer), bytearray()
        self._in_flight.append(self._uploader.submit(self._upload, part))

    def _upload(self, part: bytes) -> None:
        """Send one part; one thread runs these in order."""
        number = len(self._parts) + 1
        if number > MAX_PARTS:
            raise StorageRefused(f"The report is larger than {MAX_PARTS} parts of {self._part_bytes} bytes.")
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                ContentType=self._content_type,
                ContentDisposition=self._content_disposition,
                CacheControl=CACHE_CONTROL,
                ChecksumAlgorithm="SHA256",
            )["UploadId"]
        checksum = b64encode(hashlib.sha256(part).digest()).decode()
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=number,
            Body=part,
            ChecksumSHA256=checksum,
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})

    def _close(self) -> None:
        self._closed = True
        self._buffer = bytearray()
        if self._uploader is not None:
            self._uploader.shutdown(wait=True, cancel_futures=True)

    def _abort(self) -> None:
        """Give the object up, unless it is committed."""
        if self._closed:
            return
        self._close()
        if self._upload_id is None:
            return
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
        except _errors():
            # The bucket's lifecycle rule removes what is left; the error that led here is the one to see.
            _logger.exception("a multipart upload could not be aborted")


def _errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    return BotoCoreError, ClientError


def _raise_classified(error: Exception) -> NoReturn:
    from reporting.aws import error_code, is_transient  # noqa: PLC0415

    if _is_missing(error):
        raise ObjectNotFound("The file is not there.") from error
    # An upload that is gone was completed by a request whose answer was lost, or aborted by somebody else:
    # either way a new attempt, with a new key, can do it.
    if is_transient(error) or error_code(error) == "NoSuchUpload":
        raise StorageUnavailable("The file store did not answer.") from error
    raise StorageRefused("The file store refused the request.") from error


def _is_missing(error: Exception) -> bool:
    from reporting.aws import error_code  # noqa: PLC0415

    return error_code(error) in {"NoSuchKey", "404", "NotFound"}
