"""Judges a run by what the API has said and by what lies in the bucket."""

import csv
import hashlib
import io
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from local.credentials import Credentials
from local.resources import BUCKET
from local.testing import PlatformHandle
from tests.chaos.driver import Sent, follow, patiently
from tests.e2e.client import Client

#: Every accepted report has ended by then, once nothing is broken any more.
BOUND_SECONDS = 180.0


@dataclass
class Verdict:
    """Counts that must be 0 but for the first four, and what was wrong in words."""

    accepted: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    lost: int = 0
    double: int = 0
    backward: int = 0
    leftover_objects: int = 0
    leftover_uploads: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        counts = (self.lost, self.double, self.backward, self.leftover_objects, self.leftover_uploads)
        return not any(counts) and not self.wrong


def judge(platform: PlatformHandle, client: Client, requests: Sequence[Sent]) -> Verdict:
    """Wait for every report's end and check all that was promised."""
    give_up_at = time.monotonic() + BOUND_SECONDS
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sent: follow(client, sent, give_up_at=give_up_at), requests))
    verdict = Verdict(accepted=len({sent.id for sent in requests}))
    for sent in requests:
        _judge_one(client, sent, verdict)
    if len({sent.id for sent in requests}) != len(requests):
        verdict.double += len(requests) - len({sent.id for sent in requests})
        verdict.wrong.append("two keys gave one report")
    _judge_bucket(platform, requests, verdict)
    return verdict


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
            if sent.poison and error["code"] not in ("bad_value", "max_attempts", "worker_lost"):
                verdict.wrong.append(f"{sent.id}: it failed as {error['code']}")
        case "cancelled":
            verdict.cancelled += 1
            if not sent.cancelled:
                verdict.wrong.append(f"{sent.id}: nobody cancelled it")
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
    """Exactly one object for each report that succeeded, and nothing else of a result."""
    s3 = _s3(platform)
    expected = {sent.id for sent in requests if sent.final.get("status") == "succeeded"}
    known = {sent.id for sent in requests}
    give_up_at = time.monotonic() + BOUND_SECONDS
    while True:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="results/")
        found = Counter(
            item["Key"].split("/")[1]
            for page in pages
            for item in page.get("Contents", [])
            if item["Key"].split("/")[1] in known
        )
        uploads = [
            upload
            for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
            if upload["Key"].split("/")[1] in known
        ]
        left = sum(found[report_id] for report_id in found if report_id not in expected)
        # What a killed worker leaves is taken away when its lease is.
        if (not left and not uploads) or time.monotonic() > give_up_at:
            break
        time.sleep(0.5)
    verdict.leftover_objects, verdict.leftover_uploads = left, len(uploads)
    verdict.double += sum(found[report_id] > 1 for report_id in expected)
    for report_id in expected:
        if found[report_id] != 1:
            verdict.wrong.append(f"{report_id}: {found[report_id]} objects")


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
