"""The bytes of a request's body, from what API Gateway hands over."""

import base64
import binascii
from email.message import Message

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from reporting.errors import BodyTooLarge, MalformedBody, UnsupportedBody


def body_bytes(event: APIGatewayProxyEvent, *, limit: int) -> bytes:
    """The body as it was sent, at most ``limit`` bytes.

    Raises :class:`UnsupportedBody` for another media type, charset or content encoding,
    :class:`BodyTooLarge`, and :class:`MalformedBody` for base64 that can't be read.
    """
    headers = {name.lower(): value for name, value in (event.headers or {}).items()}
    _check_type(headers.get("content-type"))
    if (encoding := headers.get("content-encoding", "identity").strip().lower()) != "identity":
        raise UnsupportedBody(f"Content-Encoding {encoding!r} is not supported; send the body as it is.")
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedBody("invalid_base64", "The body is marked as base64 and is not.") from error
    else:
        data = text.encode("utf-8", "surrogatepass")
    if len(data) > limit:
        raise BodyTooLarge(size=len(data), limit=limit)
    return data


def _check_type(content_type: str | None) -> None:
    if content_type is None:
        return
    header = Message()
    header["content-type"] = content_type
    media_type = header.get_content_type()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedBody(f"Content-Type {content_type!r} is not supported; send application/json.")
    charset = header.get_content_charset("utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedBody(f"Charset {charset!r} is not supported; JSON is sent as UTF-8.")
