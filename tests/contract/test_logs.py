"""No secret of a whole run stands in any log."""

import base64
import json
import urllib.request
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from local.credentials import Credentials
from local.queues.event import mapping_event
from local.queues.stomp import Frame
from local.testing import PlatformHandle
from tests.e2e.client import Client
from tests.parts.uploads import post_form

SCOPES = ("reports/read", "reports/write")
#: A line of a PEM text is looked for by this much of it, since a log could wrap it.
_PIECE = 40
#: Name a key and are part of every link and of every form.
_NO_SECRETS = ("access_key_id", "link_key_pair_id")
_TABLE = {"title": "t", "columns": [{"key": "a"}], "rows": [["a very private cell"]]}


def _needles(credentials: Credentials) -> dict[str, str]:
    """What must not be found, by the name of what it is: each password, and each line of each key."""
    found = {}
    for name, value in asdict(credentials).items():
        if name not in _NO_SECRETS:
            lines = [line for line in str(value).splitlines() if not line.startswith("-----")]
            # The first line of a key says what kind of key it is, and is no secret.
            for number, line in enumerate(lines[1:] or lines):
                if len(line) >= _PIECE // 2:
                    found[f"{name}, line {number}"] = line[:_PIECE]
    return found


def _spellings(needle: str) -> set[bytes]:
    """As it is, and as addresses, JSON and the headers of HTTP carry it."""
    return {
        needle.encode(),
        quote(needle, safe="").encode(),
        json.dumps(needle)[1:-1].encode(),
        # A text in base64 looks the same at every third place; the ends depend on what is beside it.
        *(base64.b64encode(b"x" * shift + needle.encode())[4:-4] for shift in range(3) if len(needle) >= 12),
    }


def test_no_log_holds_a_password_a_key_a_token_a_signature_or_a_cell(local_platform: PlatformHandle) -> None:
    token = local_platform.token("acme", SCOPES)
    client = Client(local_platform.endpoints["api"], token)
    status, _ = client.make({"table": _TABLE, "format": "csv"})
    client.wait(client.generate({"report_type": "customer_list", "parameters": {"country": "JP"}})["id"])
    client.wait(client.generate({"table": {**_TABLE, "columns": [{"key": "a", "type": "integer"}]},
                                 "on_bad_value": "fail"})["id"])  # fmt: skip
    expired = local_platform.token("acme", SCOPES, ttl_seconds=-1)
    for refused in ("not.a.token", expired, token[:-6] + "AAAAAA"):
        assert client.with_token(refused).call("GET", "/reports").status == 401
    link = status["result"]["download"]["url"]
    assert client.fetch(link + "x").status == 403
    made = client.call("POST", "/datasets", body={"format": "csv"}).json
    fields = made["upload"]["fields"]
    assert post_form(made["upload"]["url"], fields, b"a\nanother very private cell\n").status == 204
    table = {"title": "t", "columns": [{"key": "a", "type": "integer"}], "dataset": {"id": made["id"]}}
    client.wait(client.generate({"table": table, "format": "csv", "on_bad_value": "fail"})["id"])
    client.call("POST", "/generate", raw=b'{"private": "a very private body')
    _send_to(local_platform, "worker", b'{"schema_version": 1, "report_id": "a very private message"}')
    needles = _needles(Credentials.of(local_platform.home)) | {
        "token": token.split(".")[2],
        "expired token": expired.split(".")[2],
        "link signature": link.split("Signature=")[1].split("&")[0],
        "form signature": fields["x-amz-signature"],
        "form policy": fields["policy"][-60:],
        "cell": "a very private cell",
        "cell of a dataset": "another very private cell",
        "body": "a very private body",
        "message": "a very private message",
    }
    assert len(needles) > 40
    logs = {path: path.read_bytes() for path in Path(local_platform.home.logs).rglob("*") if path.is_file()}
    assert any(status["id"].encode() in log for log in logs.values()), "the logs name the report"
    found = [
        f"{name} in {path.name}"
        for name, needle in needles.items()
        for spelling in _spellings(needle)
        for path, log in logs.items()
        if spelling in log
    ]
    assert found == []


def _send_to(platform: PlatformHandle, function: str, body: bytes) -> None:
    """What a function gets of the broker, with any body."""
    frame = Frame("MESSAGE", {"destination": "/queue/x", "message-id": f"logs-{function}"}, body)
    event = json.dumps(mapping_event(frame, redelivered=False)).encode()
    url = f"{platform.endpoints['functions']}/2015-03-31/functions/{function}/invocations"
    with urllib.request.urlopen(urllib.request.Request(url, data=event), timeout=60) as answer:  # noqa: S310
        assert answer.status == 200
