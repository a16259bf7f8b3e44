"""An object's bytes in order, over as many connections as it takes, or an error: never a part of them."""

import random
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError

from reporting.aws import error_code, is_transient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 256 * 1024
#: Connections in a row that may end without a byte.
_TRIES = 5
_PAUSE_SECONDS = 0.1


class ObjectReplaced(Exception):
    """The object is not the one that the ETag names any more."""


class ReadStopped(Exception):
    """Somebody asked to stop."""


def object_chunks(
    client: "S3Client", *, bucket: str, key: str, etag: str, size_bytes: int, stopped: threading.Event
) -> Iterator[bytes]:
    """The ``size_bytes`` bytes of the object that ``etag`` names, in pieces of up to 256 KiB.

    A connection that breaks is followed by one that begins where it ended; ``If-Match`` makes sure that it is
    the same object (RFC 9110, section 13.1.1). Raises :class:`ObjectReplaced`, :class:`ReadStopped` once
    ``stopped`` is set, and botocore's errors when the object can't be read.
    """
    offset = failures = 0
    while offset < size_bytes:
        failure: BotoCoreError | ClientError | None = None
        before = offset
        try:
            body = client.get_object(
                Bucket=bucket, Key=key, IfMatch=etag, Range=f"bytes={offset}-{size_bytes - 1}"
            )["Body"]
            try:
                while chunk := body.read(CHUNK_BYTES):
                    if stopped.is_set():
                        raise ReadStopped
                    offset += len(chunk)
                    yield chunk
            finally:
                # What is left on the connection is not read: it is closed, not used again.
                body.close()
        except (BotoCoreError, ClientError) as error:
            if error_code(error) == "PreconditionFailed":
                raise ObjectReplaced from error
            if not is_transient(error):
                raise
            failure = error
        if offset == size_bytes:
            return
        if offset > size_bytes:
            raise ObjectReplaced
        failures = 1 if offset > before else failures + 1
        if failures >= _TRIES:
            raise failure or IncompleteReadError(actual_bytes=offset, expected_bytes=size_bytes)
        if stopped.wait(_PAUSE_SECONDS * 2**failures * random.uniform(0.5, 1)):  # noqa: S311 - jitter
            raise ReadStopped
