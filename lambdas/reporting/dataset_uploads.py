"""Making a dataset with an upload of its own, and taking it as the rows of a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reporting.dataset_models import DatasetReference, DatasetRequest
from reporting.datasets import Datasets
from reporting.errors import DatasetNotUploaded, InvalidRequest, Problem
from reporting.identifiers import is_report_id, new_dataset_id, new_object_token
from reporting.requests import checked
from reporting.status import timestamp
from reporting.storage import ResultStore

#: How long an upload may begin after the dataset was made.
UPLOAD_SECONDS = 3600
_CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetLimits:
    """How large a dataset may be, and for how many days it is kept."""

    max_bytes: int
    days: int


class DatasetUploads:
    """Takes requests for datasets."""

    def __init__(self, *, datasets: Datasets, store: ResultStore, limits: DatasetLimits) -> None:
        self._datasets = datasets
        self._store = store
        self._limits = limits

    def create(self, body: Mapping[str, Any], *, tenant: str) -> dict[str, Any]:
        """Make a dataset; returns the answer of ``POST /datasets``.

        Raises :class:`InvalidRequest`, and ``DatabaseUnavailable`` when it could not be stored.
        """
        wanted = self._parse(body)
        dataset_id = new_dataset_id()
        # The token keeps the key apart from the id, which requests and logs show.
        object_key = f"datasets/{new_object_token()}/{dataset_id}.{wanted.format}"
        dataset = self._datasets.add(
            dataset_id=dataset_id,
            tenant=tenant,
            kind=wanted.format,
            object_key=object_key,
            sha256=wanted.sha256,
            days=self._limits.days,
        )
        upload = self._store.presign_upload(
            object_key,
            content_type=_CONTENT_TYPES[wanted.format],
            least_bytes=wanted.size_bytes or 1,
            most_bytes=wanted.size_bytes or self._limits.max_bytes,
            seconds=UPLOAD_SECONDS,
        )
        return {
            "id": dataset.id,
            "format": dataset.format,
            "upload": {
                "url": upload.url,
                "method": "POST",
                "fields": dict(upload.fields),
                "expires_at": timestamp(upload.expires_at),
            },
            "max_bytes": self._limits.max_bytes,
            "expires_at": timestamp(dataset.expires_at),
        }

    def bind(self, reference: DatasetReference, *, tenant: str) -> dict[str, Any]:
        """What a report keeps of its dataset: the file as it is now, by key, ETag and size.

        Raises :class:`InvalidRequest` for a dataset that the tenant does not have or options that its format
        has no use for, :class:`DatasetNotUploaded`, and ``StorageUnavailable``.
        """
        known = is_report_id(reference.id)
        dataset = self._datasets.find(reference.id, tenant=tenant) if known else None
        if dataset is None:
            raise InvalidRequest(
                [
                    Problem(
                        pointer="/table/dataset/id",
                        detail="there is no such dataset; POST /datasets makes one, and it expires",
                        code="unknown_dataset",
                    )
                ]
            )
        if dataset.format != "csv" and (unused := reference.csv_options):
            detail = f"is about CSV, the dataset is {dataset.format}"
            raise InvalidRequest(
                [Problem(pointer=f"/table/dataset/{n}", detail=detail, code="not_allowed") for n in unused]
            )
        found = self._store.find(dataset.object_key)
        if found is None:
            raise DatasetNotUploaded(
                f"Nothing was uploaded for the dataset {dataset.id} yet; send its file, then ask again."
            )
        return {
            "key": dataset.object_key,
            "format": dataset.format,
            "etag": found.etag,
            "size_bytes": found.size_bytes,
            "sha256": dataset.sha256,
        }

    def _parse(self, body: Mapping[str, Any]) -> DatasetRequest:
        problems: list[Problem] = []
        wanted = checked(DatasetRequest, body, problems)
        size, most = body.get("size_bytes"), self._limits.max_bytes
        if isinstance(size, int) and size > most:
            detail = f"must be at most {most}, got {size}"
            problems.append(Problem(pointer="/size_bytes", detail=detail, code="out_of_range"))
        if problems or wanted is None:
            raise InvalidRequest(problems)
        return wanted
