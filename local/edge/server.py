"""Serves objects of the results bucket to signed links, as the distribution does.

The distribution alone may read the bucket (origin access control): so does this server, with requests that
it signs itself.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from local.deployment import Files
from local.edge.signatures import LinkVerifier, Refused
from local.ports import LOOPBACK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_log = logging.getLogger(__name__)
_CHUNK = 256 * 1024
_RANGE_NOT_SATISFIABLE = 416


class Edge:
    """Answers requests for objects, with the methods and headers that the distribution has."""

    def __init__(
        self, *, verifier: LinkVerifier, s3: "S3Client", bucket: str, port: int, files: Files
    ) -> None:
        self._verifier = verifier
        self._s3 = s3
        self._bucket = bucket
        self._base = f"http://{LOOPBACK}:{port}"
        self._files = files

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {**self._files.headers, **self._cors(request)}
        if request.method not in self._files.methods:
            return _error(403, "AccessDenied", headers)
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={**headers, **self._preflight(request)})
        try:
            self._verifier.check(
                self._base + request.raw_path, now=time.time(), client=request.remote or LOOPBACK
            )
        except Refused as refusal:
            _log.info("refused: %s", refusal)
            return _error(403, "AccessDenied", headers)
        return await self._serve(request, headers)

    async def _serve(self, request: web.BaseRequest, headers: dict[str, str]) -> web.StreamResponse:
        try:
            answer = await asyncio.to_thread(self._get, request)
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
            if metadata["HTTPStatusCode"] != _RANGE_NOT_SATISFIABLE:
                # A bucket that may not be listed says 403 for what is not there.
                return _error(403, error.response["Error"]["Code"], headers)
            size = await asyncio.to_thread(self._size, request)
            return _error(
                _RANGE_NOT_SATISFIABLE, "InvalidRange", {**headers, "Content-Range": f"bytes */{size}"}
            )
        except BotoCoreError:
            _log.exception("the origin did not answer")
            return _error(502, "OriginUnavailable", headers)
        if answer["ETag"] in _tags(request, "If-None-Match") or "*" in _tags(request, "If-None-Match"):
            answer["Body"].close()
            return web.Response(status=304, headers={**headers, "ETag": answer["ETag"]})
        with answer["Body"] as body:
            response = web.StreamResponse(
                status=206 if "ContentRange" in answer else 200,
                headers={
                    **headers,
                    "Content-Type": answer["ContentType"],
                    "Content-Length": str(answer["ContentLength"]),
                    "ETag": answer["ETag"],
                    "Accept-Ranges": "bytes",
                    "Cache-Control": answer.get("CacheControl", "private, no-store"),
                    **({"Content-Disposition": d} if (d := answer.get("ContentDisposition")) else {}),
                    **({"Content-Range": r} if (r := answer.get("ContentRange")) else {}),
                },
            )
            await response.prepare(request)
            while request.method == "GET" and (chunk := await asyncio.to_thread(body.read, _CHUNK)):
                await response.write(chunk)
            await response.write_eof()
        return response

    def _get(self, request: web.BaseRequest) -> "GetObjectOutputTypeDef":
        """The object, or the range of it that is asked for (RFC 9110, section 14)."""
        key = _key(request)
        wanted = request.headers.get("Range")
        if wanted is not None and "If-Range" in request.headers:
            whole = self._s3.get_object(Bucket=self._bucket, Key=key)
            if whole["ETag"] not in _tags(request, "If-Range"):
                return whole
            whole["Body"].close()
        if wanted is None or not wanted.startswith("bytes="):
            return self._s3.get_object(Bucket=self._bucket, Key=key)
        return self._s3.get_object(Bucket=self._bucket, Key=key, Range=wanted)

    def _size(self, request: web.BaseRequest) -> int:
        return self._s3.head_object(Bucket=self._bucket, Key=_key(request))["ContentLength"]

    def _cors(self, request: web.BaseRequest) -> dict[str, str]:
        cors = self._files.cors
        origin = request.headers.get("Origin")
        if cors is None or origin is None or origin not in cors["AccessControlAllowOrigins"]["Items"]:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": ", ".join(cors["AccessControlExposeHeaders"]["Items"]),
            "Vary": "Origin",
        }

    def _preflight(self, request: web.BaseRequest) -> dict[str, str]:
        cors = self._files.cors
        if cors is None or not self._cors(request):
            return {}
        return {
            "Access-Control-Allow-Methods": ", ".join(cors["AccessControlAllowMethods"]["Items"]),
            "Access-Control-Allow-Headers": ", ".join(cors["AccessControlAllowHeaders"]["Items"]),
        }


def _key(request: web.BaseRequest) -> str:
    return request.path.lstrip("/")


def _tags(request: web.BaseRequest, header: str) -> set[str]:
    """Entity tags of a header; a weak one is compared like a strong one (RFC 9110, section 8.8.3.2)."""
    return {tag.strip().removeprefix("W/") for tag in request.headers.get(header, "").split(",")}


def _error(status: int, code: str, headers: dict[str, str]) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return web.Response(status=status, text=text, headers=headers, content_type="text/xml")


async def serve(edge: Edge, *, port: int) -> None:
    """Listen on the loopback interface until the task is cancelled."""
    runner = web.ServerRunner(web.Server(edge.handle, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
