"""The rows of a dataset, streamed from the bucket and read as they come."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from rendering.model import Batch, Column
from reporting.dataset_models import DatasetReference
from reporting.errors import PermanentError, RowCountChanged
from reporting.storage import ObjectNotFound, ResultStore
from reporting.tabular_text import ReadLimits


class DatasetGone(PermanentError):
    """The dataset's file was deleted when the dataset expired."""

    code = "dataset_expired"
    title = "The dataset has expired"


class ChecksumMismatch(PermanentError):
    """The file's SHA-256 is not the one that was announced."""

    code = "checksum_mismatch"
    title = "The dataset is not the file that was announced"


class DatasetRows:
    """A source of rows. ``dataset`` is what the report kept when it was accepted.

    Raises while it is iterated: :class:`rendering.errors.BadData` and :class:`rendering.errors.BadValue` for
    what the file holds, :class:`reporting.storage.ObjectChanged`, :class:`DatasetGone`,
    :class:`ChecksumMismatch` and :class:`reporting.errors.RowCountChanged` for what it is, and
    ``StorageUnavailable``.
    """

    def __init__(
        self,
        *,
        store: ResultStore,
        dataset: Mapping[str, Any],
        reference: DatasetReference,
        columns: Sequence[Column],
        on_bad_value: Literal["warn", "fail"],
        limits: ReadLimits,
    ) -> None:
        self._store = store
        self._dataset = dataset
        self._reference = reference
        self._columns = columns
        self._on_bad_value: Literal["warn", "fail"] = on_bad_value
        self._limits = limits
        self._stopped = threading.Event()
        self._digest = hashlib.sha256()
        self._read = 0

    def __iter__(self) -> Iterator[Batch]:
        try:
            yield from self._batches()
        except ObjectNotFound as error:
            raise DatasetGone("The dataset's file is gone; upload it anew and ask again.") from error
        if self._read != self._dataset["size_bytes"]:
            raise RowCountChanged(
                f"{self._read} bytes of the dataset's {self._dataset['size_bytes']} were read."
            )
        announced = self._dataset["sha256"]
        if announced is not None and self._digest.hexdigest() != announced:
            raise ChecksumMismatch(
                f"The SHA-256 of the dataset's file is {self._digest.hexdigest()}; announced was {announced}."
            )

    def interrupt(self) -> None:
        # A read that blocks ends by its own time-out of a few seconds.
        self._stopped.set()

    def close(self) -> None:
        self._stopped.set()

    def _batches(self) -> Iterator[Batch]:
        # Imported here: reports of other sources do without.
        if self._dataset["format"] == "jsonl":
            from reporting.json_lines import json_lines  # noqa: PLC0415

            return json_lines(self._chunks(), columns=self._columns, limits=self._limits)
        from reporting.delimited import delimited  # noqa: PLC0415

        return delimited(
            self._chunks(),
            columns=self._columns,
            delimiter=self._reference.delimiter,
            encoding=self._reference.encoding,
            notation=self._reference.notation,
            on_bad_value=self._on_bad_value,
            limits=self._limits,
        )

    def _chunks(self) -> Iterator[bytes]:
        dataset = self._dataset
        chunks = self._store.read_chunks(
            dataset["key"], etag=dataset["etag"], size_bytes=dataset["size_bytes"], stopped=self._stopped
        )
        for chunk in chunks:
            self._read += len(chunk)
            self._digest.update(chunk)
            yield chunk
