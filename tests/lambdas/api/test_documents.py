"""What a read adds to a status object, before and after the file's time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from api.documents import StatusDocuments
from reporting.links import LinkSigner
from reporting.snapshots import Snapshot
from reporting.status import timestamp


def documents() -> StatusDocuments:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = LinkSigner(
        base_url="https://files.example", key_pair_id="K1", private_key_pem=pem.decode(), ttl_seconds=60
    )
    return StatusDocuments(signer=signer, link_ttl_seconds=60)


def snapshot(expires_in: timedelta) -> Snapshot:
    expires_at = timestamp((datetime.now(UTC) + expires_in).replace(tzinfo=None))
    status: dict[str, Any] = {
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
