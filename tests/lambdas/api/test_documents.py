"""What a read adds to a status object, before and after the file's time."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import api.documents
from api.documents import StatusDocuments
from reporting.links import LinkSigner
from reporting.snapshots import Snapshot
from reporting.status import timestamp
from reporting.storage import FoundObject, StorageRefused, StorageUnavailable


class Bucket:
    """Has the file, has it no more, or does not answer."""

    def __init__(self) -> None:
        self.answer: FoundObject | Exception | None = FoundObject(size_bytes=1, etag="x")
        self.asked: list[str] = []

    def find(self, key: str) -> FoundObject | None:
        self.asked.append(key)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def documents(bucket: Bucket | None = None) -> StatusDocuments:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = LinkSigner(
        base_url="https://files.example", key_pair_id="K1", private_key_pem=pem.decode(), ttl_seconds=60
    )
    return StatusDocuments(signer=signer, link_ttl_seconds=60, store=bucket or Bucket())


def snapshot(expires_in: timedelta, *, age: timedelta = timedelta(0)) -> Snapshot:
    now = datetime.now(UTC).replace(tzinfo=None)
    expires_at = timestamp(now + expires_in)
    status: dict[str, Any] = {
        "id": "x",
        "finished_at": timestamp(now - age),
        "version": 3,
        "done": True,
        "expires_at": expires_at,
        "result": {"row_count": 1},
    }
    return Snapshot(tenant="acme", status=status, object_key="results/x/y.csv")


def test_c13_a_link_is_signed_until_the_file_s_time_is_over() -> None:
    reader = documents()
    fresh, over = snapshot(timedelta(hours=1)), snapshot(timedelta(seconds=-1))
    assert reader.document(fresh)["result"]["download"]["url"].startswith(
        "https://files.example/results/x/y.csv"
    )
    assert reader.document(over)["result"] == {"row_count": 1}
    assert (reader.has_file(fresh), reader.has_file(over)) == (True, False)
    assert reader.etag(fresh) != reader.etag(over), "a 304 must not confirm a link to what is gone"


@pytest.mark.parametrize(
    ("now", "linked"),
    [
        ("2026-01-31T11:59:59.999+00:00", True),
        ("2026-01-31T12:00:00.000+00:00", False),
        ("2026-01-31T12:00:00.800+00:00", False),
    ],
)
def test_c13_no_link_is_given_out_that_has_ended_already(
    now: str, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(now).astimezone(tz)

    monkeypatch.setattr(api.documents, "datetime", Clock)
    last = snapshot(timedelta(hours=1))
    last.status["expires_at"] = "2026-01-31T12:00:00.900Z"
    reader = documents()
    assert reader.has_file(last) is linked
    download = reader.document(last)["result"].get("download")
    assert (download is not None) is linked
    if download is not None:
        assert datetime.fromisoformat(download["expires_at"]) > datetime.fromisoformat(now)


def test_c13_no_link_is_signed_to_a_file_that_a_rule_of_the_bucket_has_removed() -> None:
    bucket = Bucket()
    reader = documents(bucket)
    hour, days = timedelta(hours=1), timedelta(days=2)
    old = snapshot(hour, age=days)
    assert reader.checked(old) == old
    bucket.answer = None
    lost = reader.checked(old)
    assert reader.document(lost)["result"] == {"row_count": 1}
    assert reader.etag(lost) != reader.etag(old)
    for error in (StorageUnavailable, StorageRefused):
        bucket.answer = error("The file store did not say.")
        assert reader.checked(old) == old, "a status is read whatever the bucket does"


def test_c13_the_bucket_is_asked_only_where_its_rules_may_have_been() -> None:
    bucket = Bucket()
    bucket.answer = None
    reader = documents(bucket)
    young, over = snapshot(timedelta(hours=1)), snapshot(timedelta(hours=-1), age=timedelta(days=2))
    assert (reader.checked(young), reader.checked(over)) == (young, over)
    assert bucket.asked == []
    assert not reader.has_file(reader.checked(young, always=True))


def test_a_link_does_not_end_with_the_credentials_of_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case F06: the distribution's key signs it, and ``expires_at`` is its true end."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "ends-soon")
    before = int(datetime.now(UTC).timestamp())
    link = documents().document(snapshot(timedelta(hours=1)))["result"]["download"]
    query = dict(parse_qsl(urlsplit(link["url"]).query))
    assert query.keys() == {"Expires", "Signature", "Key-Pair-Id"}
    assert before + 60 <= int(query["Expires"]) <= datetime.now(UTC).timestamp() + 60
    assert datetime.fromisoformat(link["expires_at"]).timestamp() == int(query["Expires"])


def test_a_link_ends_with_its_file_if_that_is_sooner() -> None:
    """Case F06."""
    soon = snapshot(timedelta(seconds=20))
    link = documents().document(soon)["result"]["download"]
    end = int(datetime.fromisoformat(soon.status["expires_at"]).timestamp())
    assert dict(parse_qsl(urlsplit(link["url"]).query))["Expires"] == str(end)
    assert datetime.fromisoformat(link["expires_at"]).timestamp() == end


def test_a_link_is_to_the_one_object_of_the_latest_attempt() -> None:
    """Case F13: what is signed names it exactly, a canned policy has no room for a wildcard."""
    link = documents().document(snapshot(timedelta(hours=1)))["result"]["download"]
    resource, _, query = link["url"].partition("?")
    assert resource == "https://files.example/results/x/y.csv"
    assert "Policy" not in query
