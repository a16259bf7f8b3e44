"""The status object as a client gets it, with a fresh link, its ETag and how long to wait."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from reporting.links import LinkSigner
from reporting.observability import logger
from reporting.snapshots import Snapshot
from reporting.status import timestamp
from reporting.storage import FoundObject, StorageRefused, StorageUnavailable

#: A bucket's lifecycle rules count whole days: what is younger they have not removed.
_RULES_BEGIN = timedelta(days=1)


class Files(Protocol):
    """Where the files of reports are."""

    def find(self, key: str) -> FoundObject | None: ...


class StatusDocuments:
    """Adds to a snapshot what belongs to one read of it."""

    def __init__(self, *, signer: LinkSigner, link_ttl_seconds: int, store: Files) -> None:
        self._signer = signer
        self._link_ttl_seconds = link_ttl_seconds
        self._store = store

    def document(self, snapshot: Snapshot) -> dict[str, Any]:
        """The status object, with ``result.download`` while there is a file."""
        if not self.has_file(snapshot):
            return snapshot.status
        assert snapshot.object_key is not None  # noqa: S101 - what has a file has its key
        # The link says when it really ends: with its file, if that is sooner.
        latest = datetime.fromisoformat(snapshot.status["expires_at"])
        link = self._signer.sign(snapshot.object_key, now=datetime.now(UTC), latest=latest)
        download = {"url": link.url, "expires_at": timestamp(link.expires_at.replace(tzinfo=None))}
        return {**snapshot.status, "result": {**snapshot.status["result"], "download": download}}

    def has_file(self, snapshot: Snapshot) -> bool:
        """Whether there is a file to link to: from ``expires_at`` on the object may be gone at any moment,
        also before the relay has said so. A link ends with the whole second before it."""
        expires_at = snapshot.status["expires_at"]
        if snapshot.object_key is None or expires_at is None:
            return False
        return datetime.fromisoformat(expires_at).replace(microsecond=0) > datetime.now(UTC)

    def checked(self, snapshot: Snapshot, *, always: bool = False) -> Snapshot:
        """The snapshot, without its file if the bucket does not have it any more.

        A bucket is asked where its rules may have been faster than the report's time, as after
        ``RESULT_DAYS`` was lowered, or ``always``. One that does not answer is taken to have the file.
        """
        if not self.has_file(snapshot) or not (always or _is_old(snapshot)):
            return snapshot
        assert snapshot.object_key is not None  # noqa: S101 - what has a file has its key
        try:
            found = self._store.find(snapshot.object_key)
        except (StorageUnavailable, StorageRefused):
            return snapshot
        if found is None:
            logger.warning("the file of a report is gone from the bucket", report_id=snapshot.status["id"])
            return replace(snapshot, object_key=None)
        return snapshot

    def etag(self, snapshot: Snapshot) -> str:
        """Changes with the report's version and, while it carries a link, twice in the link's life.

        A 304 so never confirms a link that has less than half of its time left. It is weak (RFC 9110,
        8.8.1): two links to one file are not the same bytes.
        """
        if not self.has_file(snapshot):
            return f'W/"{snapshot.version}"'
        return f'W/"{snapshot.version}-{int(time.time() // (self._link_ttl_seconds / 2))}"'


def _is_old(snapshot: Snapshot) -> bool:
    finished_at = snapshot.status["finished_at"]
    return finished_at is not None and datetime.now(UTC) - datetime.fromisoformat(finished_at) > _RULES_BEGIN


def retry_after(snapshot: Snapshot) -> str | None:
    """Seconds until the next look makes sense: soon at first, less often for work that takes long."""
    if snapshot.done:
        return None
    created = datetime.fromisoformat(snapshot.status["created_at"])
    age = (datetime.now(UTC) - created).total_seconds()
    return "1" if age < 20 else "2" if age < 120 else "5"


def matches(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison of ``If-None-Match`` (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    given = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in given or etag.removeprefix("W/") in given
