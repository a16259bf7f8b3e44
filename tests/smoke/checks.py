"""What the deployed app must do in the emulator. Each check raises ``AssertionError`` with what it saw."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

from signing_key.key_pair import public_key
from tests.smoke.client import Answer, Client

_PRIVATE = "PRIVATE KEY"
_TABLE = {
    "format": "xlsx",
    "table": {
        "title": "Smoke",
        "columns": [
            {"key": "name", "label": "Name", "type": "string"},
            {"key": "total", "label": "Total", "type": "decimal", "total": "sum"},
        ],
        "rows": [["first", "1234.50"], ["second", "10"]],
    },
}


def routes_answer(client: Client) -> None:
    """Open routes answer without a token, from the function's own code; an unknown one from the gateway."""
    document = _expect(client.call("GET", "/openapi.json"), 200)
    assert document["info"]["title"] == "Prensa", document["info"]
    assert {"/generate", "/status/{report_id}", "/health"} <= document["paths"].keys(), document[
        "paths"
    ].keys()
    health = client.call("GET", "/health")
    parts = {name: part["status"] for name, part in _expect(health, 503)["parts"].items()}
    # The database and the bucket are there, broker and cache have no stand-in.
    assert parts == {
        "database": "ok",
        "storage": "ok",
        "broker": "unavailable",
        "cache": "unavailable",
    }, parts
    unknown = client.call("GET", "/nothing")
    assert _expect(unknown, 404)["code"] == "not_found", unknown


def tokens_are_asked_for(client: Client) -> str:
    """No token, a forged one, one of too little scope; the right one, which it returns."""
    token = client.token("read", "write")
    for wrong in (None, "no-token", token[:-12] + "A" * 12):
        refused = client.call("GET", "/report-types", token=wrong)
        assert _expect(refused, 401)["code"] == "unauthorized", refused
        assert refused.media_type == "application/problem+json", refused
    refused = client.call("POST", "/generate", token=client.token("read"), body=_TABLE)
    assert refused.status in (401, 403), refused
    catalogue = _expect(client.call("GET", "/report-types", token=token), 200)
    assert catalogue["report_types"], "the report types are not in the function's bundle"
    return token


def report_is_made(client: Client, token: str, *, max_attempts: int) -> None:
    """A request is stored, the worker makes the file from the message, its link is signed.

    The emulator has no broker: the message is handed over as the event source mapping would.
    """
    accepted = _expect(client.call("POST", "/generate", token=token, body=_TABLE), 202)
    assert accepted["max_attempts"] == max_attempts, accepted
    queued = _expect(client.call("GET", f"/status/{accepted['id']}", token=token), 200)
    assert queued["status"] == "queued", queued
    client.invoke("worker.handler.handler", _delivery("reports-interactive-0", accepted["id"]))
    made = _expect(client.call("GET", f"/status/{accepted['id']}", token=token), 200)
    assert made["status"] == "succeeded", made
    assert made["result"]["totals"] == {"total": "1244.50"}, made["result"]
    assert made["result"]["size_bytes"] in [size for _, _, size in _objects(client)], made["result"]
    link = made["result"]["download"]["url"]
    assert link.startswith(client.outputs["FilesUrl"] + "/results/"), link
    assert "Signature=" in link, link
    assert "Key-Pair-Id=" in link, link


def other_functions_run(client: Client) -> None:
    """The relay's run and a dead letter that is none of ours: both need settings, secrets and tables."""
    ran = client.invoke("relay.handler.handler", {"source": "aws.events"})
    assert isinstance(ran, dict), ran
    client.invoke("dead_letters.handler.handler", _delivery("DLQ.reports-bulk-0", "no report"))


def key_is_secret(client: Client, *, logs: Sequence[str]) -> str:
    """The secret holds a key, which no log and nothing that a stack shows has. Returns the public half."""
    secrets = client.aws("secretsmanager")
    names = [
        secret["ARN"]
        for secret in secrets.list_secrets()["SecretList"]
        if secret.get("Description", "").startswith("The private key")
    ]
    assert len(names) == 1, names
    public = public_key(secrets.get_secret_value(SecretId=names[0])["SecretString"])
    formation = client.aws("cloudformation")
    shown = list(logs)
    for stack in formation.describe_stacks()["Stacks"]:
        name = stack["StackName"]
        shown.append(json.dumps(stack, default=str))
        shown.append(json.dumps(formation.get_template(StackName=name)["TemplateBody"], default=str))
        events = formation.get_paginator("describe_stack_events").paginate(StackName=name)
        shown += [json.dumps(page, default=str) for page in events]
    assert not any(_PRIVATE in text for text in shown), "a private key is shown"
    return public


def nothing_is_left(client: Client) -> None:
    """No stack, function, bucket of files or API of the app is left."""
    stacks = client.aws("cloudformation").describe_stacks()["Stacks"]
    left = [s["StackName"] for s in stacks if s["StackName"].startswith("Prensa-")]
    left += [f["FunctionName"] for f in client.aws("lambda").list_functions()["Functions"]]
    left += [b["Name"] for b in client.aws("s3").list_buckets()["Buckets"] if "prensa" in b["Name"]]
    left += [api["name"] for api in client.aws("apigateway").get_rest_apis()["items"]]
    assert not left, f"destroy left: {left}"


def empty_buckets(client: Client) -> None:
    """Delete every object of the app's: the function that does it on AWS is a stub here."""
    for bucket, key, _ in _objects(client):
        client.aws("s3").delete_object(Bucket=bucket, Key=key)


def _objects(client: Client) -> Iterator[tuple[str, str, int]]:
    """Bucket, key and size of each object in the app's buckets."""
    s3 = client.aws("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if "prensa" in bucket["Name"]:
            for found in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
                yield bucket["Name"], found["Key"], found["Size"]


def _delivery(queue: str, report_id: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html"""
    body = {"report_id": report_id, "attempt": 1, "schema_version": 1, "traceparent": _TRACE}
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:smoke:b-0",
        "messages": [
            {
                "messageID": f"ID:smoke-{queue}",
                "messageType": "jms/text-message",
                "destination": {"physicalName": queue},
                "data": base64.b64encode(json.dumps(body).encode()).decode(),
            }
        ],
    }


_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _expect(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, f"{status} was expected, not {answer}"
    return answer.document
