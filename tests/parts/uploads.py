"""Sends a file with a form as `POST /datasets` gives it, as any client would."""

from collections.abc import Mapping

import urllib3


def post_form(url: str, fields: Mapping[str, str], data: bytes) -> urllib3.BaseHTTPResponse:
    """Post ``fields`` and, as the last of them, the file."""
    parts: list[tuple[str, str | tuple[str, bytes, str]]] = list(fields.items())
    parts.append(("file", ("rows", data, "application/octet-stream")))
    with urllib3.PoolManager(retries=False, timeout=60.0) as http:
        return http.request("POST", url, fields=parts)
