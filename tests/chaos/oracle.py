"""Judges a run by what the API has said and by what lies in the bucket."""

import csv
import hashlib
import io
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config

from local.credentials import Credentials
from local.resources import BUCKET
from local.testing import PlatformHandle
from tests.chaos.driver import Sent, follow, patiently
from tests.e2e.client import Client

#: Every accepted report has ended by then, once nothing is broken any more.
BOUND_SECONDS = 180.0
#: What a report may fail with while parts break, and a person can act on (docs/operations.md).
_CAUSES = (
    "bad_value",
    "database_unavailable",
    "dead_letter",
    "max_attempts",
    # Secrets come back a moment after the store that is killed, which keeps them here.
    "secret_unusable",
    "secrets_unavailable",
    "source_interrupted",
    "source_unavailable",
    "storage_unavailable",
)


@dataclass
class Verdict:
    """Counts that must be 0 but for the first five, and what was wrong in words."""

    accepted: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    expired: int = 0
    lost: int = 0
    double: int = 0
    backward: int = 0
    leftover_objects: int = 0
    leftover_uploads: int = 0
    slowest_accept: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        counts = (self.lost, self.double, self.backward, self.leftover_objects, self.leftover_uploads)
        return not any(counts) and not self.wrong


def judge(
    platform: PlatformHandle, client: Client, requests: Sequence[Sent], *, foreign: Mapping[str, bool]
) -> Verdict:
    """Wait for every report's end and check all that was promised.

    ``foreign`` are messages that are none of the service's, with whether they are certainly in the broker.
    """
    give_up_at = time.monotonic() + BOUND_SECONDS
    for sent in requests:
        if sent.deleted:
            _delete_at_once(client, sent, give_up_at=give_up_at)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sent: follow(client, sent, give_up_at=give_up_at), requests))
    verdict = Verdict(accepted=len({sent.id for sent in requests}))
    for sent in requests:
        _judge_one(client, sent, verdict)
    verdict.slowest_accept = max(sent.accepted_after for sent in requests)
    if len({sent.id for sent in requests}) != len(requests):
        verdict.double += len(requests) - len({sent.id for sent in requests})
        verdict.wrong.append("two keys gave one report")
    _judge_bucket(platform, requests, verdict)
    _judge_dead_letters(client, requests, foreign, verdict)
    return verdict


def _delete_at_once(client: Client, sent: Sent, *, give_up_at: float) -> None:
    """Without the cache a deletion is a promise; with it, it is done."""
    while patiently(lambda: client.call("DELETE", f"/reports/{sent.id}"), wanted=(200, 202)).status != 200:
        if time.monotonic() > give_up_at:
            sent.faults.append("it could not be deleted")
            return
        time.sleep(0.5)


def _judge_one(client: Client, sent: Sent, verdict: Verdict) -> None:
    final = sent.final
    verdict.backward += sum("was followed by" in fault for fault in sent.faults)
    verdict.double += sum("the key gave" in fault for fault in sent.faults)
    verdict.wrong += [f"{sent.id}: {fault}" for fault in sent.faults]
    match final.get("status"):
        case "succeeded":
            verdict.succeeded += 1
            if sent.poison:
                verdict.wrong.append(f"{sent.id}: it could not succeed, and did")
            _judge_file(client, sent, verdict)
        case "failed":
            verdict.failed += 1
            error = final["error"]
            if not (error and error["code"] and error["detail"]):
                verdict.wrong.append(f"{sent.id}: it failed without a cause")
            if error["code"] not in _CAUSES:
                verdict.wrong.append(f"{sent.id}: it failed as {error['code']}: {error['detail']}")
            if sent.poison and error["code"] not in ("bad_value", "max_attempts", "worker_lost"):
                verdict.wrong.append(f"{sent.id}: it failed as {error['code']}, not for its value")
        case "cancelled":
            verdict.cancelled += 1
            if not sent.cancelled:
                verdict.wrong.append(f"{sent.id}: nobody cancelled it")
        case "expired":
            verdict.expired += 1
            if not sent.deleted:
                verdict.wrong.append(f"{sent.id}: nobody deleted it")
        case status:
            verdict.lost += 1
            verdict.wrong.append(f"{sent.id}: {status} after {BOUND_SECONDS:.0f} s")
    if sent.cancelled and final.get("status") == "succeeded":
        verdict.wrong.append(f"{sent.id}: it was cancelled and succeeded")


def _judge_file(client: Client, sent: Sent, verdict: Verdict) -> None:
    result = sent.final["result"]
    data = patiently(lambda: client.fetch(result["download"]["url"]), wanted=(200,)).data
    if hashlib.sha256(data).hexdigest() != result["sha256"]:
        verdict.wrong.append(f"{sent.id}: the file is not the promised one")
    rows = sum(1 for _ in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))) - 1
    if rows != result["row_count"] or (sent.rows is not None and rows != sent.rows):
        verdict.wrong.append(f"{sent.id}: {rows} rows of {sent.rows or result['row_count']}")


def _judge_bucket(platform: PlatformHandle, requests: Sequence[Sent], verdict: Verdict) -> None:
    """Exactly one object for each report that succeeded, and nothing else of a result.

    Rows that came with a request are those of a report that has not expired.
    """
    s3 = _s3(platform)
    expected = {sent.id for sent in requests if sent.final.get("status") == "succeeded"}
    inputs = {f"{sent.id}.json" for sent in requests if sent.final.get("status") != "expired"}
    give_up_at = time.monotonic() + BOUND_SECONDS
    while True:
        keys = [key.split("/") for key in _keys(s3)]
        found = Counter(key[1] for key in keys if key[0] == "results")
        nobodys = [key[1] for key in keys if key[0] == "inputs" and key[1] not in inputs]
        uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        left = {report_id: found[report_id] for report_id in found if report_id not in expected}
        doubled = [report_id for report_id in expected if found[report_id] > 1]
        # What a killed worker leaves goes with its lease, rows of nobody once no request can be at work.
        if not (left or doubled or uploads or nobodys) or time.monotonic() > give_up_at:
            break
        time.sleep(0.5)
    verdict.wrong += [f"{report_id}: {count} objects, and no result" for report_id, count in left.items()]
    verdict.wrong += [f"rows of no report: {name}" for name in nobodys]
    verdict.wrong += [f"an upload is left: {upload['Key']}" for upload in uploads]
    verdict.leftover_objects = sum(left.values()) + len(nobodys)
    verdict.leftover_uploads = len(uploads)
    verdict.double += len(doubled)
    for report_id in expected:
        if found[report_id] != 1:
            verdict.wrong.append(f"{report_id}: {found[report_id]} objects")


def _keys(s3: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _judge_dead_letters(
    client: Client, requests: Sequence[Sent], foreign: Mapping[str, bool], verdict: Verdict
) -> None:
    """Each message that nobody can work on is kept once, and so is each report's last one."""
    exhausted = {sent.id for sent in requests if (sent.final.get("error") or {}).get("retryable")}
    give_up_at = time.monotonic() + BOUND_SECONDS
    while True:
        letters = _dead_letters(client)
        bodies = Counter(letter["body"] for letter in letters)
        reports = Counter(letter["report_id"] for letter in letters if letter["report_id"])
        missing = [body for body, sure in foreign.items() if sure and not bodies[body]]
        missing += [report_id for report_id in exhausted if not reports[report_id]]
        if not missing or time.monotonic() > give_up_at:
            break
        time.sleep(0.5)
    verdict.lost += len(missing)
    verdict.wrong += [f"{body}: not among the dead letters" for body in missing]
    for name, count in (*bodies.items(), *reports.items()):
        if count > 1:
            verdict.double += 1
            verdict.wrong.append(f"{name}: {count} dead letters")


def _dead_letters(client: Client) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = []
    path = "/dead-letters?limit=100"
    while True:
        page = patiently(partial(client.call, "GET", path), wanted=(200,)).json
        letters += page["dead_letters"]
        if page["next"] is None:
            return letters
        path = f"/dead-letters?limit=100&cursor={quote(page['next'])}"


def _s3(platform: PlatformHandle) -> Any:
    credentials = Credentials.of(platform.home)
    return boto3.client(
        "s3",
        endpoint_url=platform.endpoints["storage"],
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )
