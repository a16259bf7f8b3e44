"""No secret of a whole run stands in any log."""

from dataclasses import asdict
from pathlib import Path

from local.credentials import Credentials
from local.testing import PlatformHandle
from tests.e2e.client import Client

SCOPES = ("reports/read", "reports/write")
#: A PEM text is looked for by this much of its middle, since a log could wrap it.
_PIECE = 48
_TABLE = {"title": "t", "columns": [{"key": "a"}], "rows": [["a very private cell"]]}


def _needles(credentials: Credentials) -> dict[str, str]:
    """What must not be found, by the name of what it is."""
    found = {}
    for name, value in asdict(credentials).items():
        if name in ("access_key_id", "link_key_pair_id"):
            # They name a key and are part of every link.
            continue
        lines = [line for line in str(value).splitlines() if not line.startswith("-----")]
        found[name] = max(lines, key=len)[:_PIECE]
    return found


def test_no_log_holds_a_password_a_key_a_token_a_signature_or_a_cell(local_platform: PlatformHandle) -> None:
    token = local_platform.token("acme", SCOPES)
    client = Client(local_platform.endpoints["api"], token)
    status, _ = client.make({"table": _TABLE, "format": "csv"})
    client.wait(client.generate({"report_type": "customer_list", "parameters": {"country": "JP"}})["id"])
    client.wait(client.generate({"table": {**_TABLE, "columns": [{"key": "a", "type": "integer"}]},
                                 "on_bad_value": "fail"})["id"])  # fmt: skip
    client.with_token("not.a.token").call("GET", "/reports")
    link = status["result"]["download"]["url"]
    needles = _needles(Credentials.of(local_platform.home)) | {
        "token": token.split(".")[2],
        "link signature": link.split("Signature=")[1].split("&")[0],
        "cell": "a very private cell",
    }
    logs = [path for path in Path(local_platform.home.logs).rglob("*") if path.is_file()]
    assert any(status["id"].encode() in path.read_bytes() for path in logs), "the logs name the report"
    found = [
        f"{name} in {path.name}"
        for path in logs
        for name, needle in needles.items()
        if needle.encode() in path.read_bytes()
    ]
    assert found == []
