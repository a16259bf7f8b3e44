"""The code of the function behind ``Custom::Stub``, put into templates as text.

It says yes to everything and answers with the attributes that the template gives it.
"""

import json
import urllib.request
from typing import Any


def handler(event: dict[str, Any], context: object) -> None:
    name = event.get("PhysicalResourceId") or f"stub-{event['LogicalResourceId'].lower()}"
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": json.loads(event["ResourceProperties"]["StubAttributes"]),
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")  # noqa: S310 - CloudFormation's
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - as above
