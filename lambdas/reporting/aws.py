"""What an error of an AWS call means for the work at hand."""

from botocore import exceptions
from botocore.exceptions import ClientError

_HTTP_TOO_MANY_REQUESTS = 429
_HTTP_SERVER_ERROR = 500

#: Codes with a 4xx status that pass by themselves: throttling, a slow connection, credentials that are
#: being renewed, an object under change, bytes that were changed or lost on their way.
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_PASSING = frozenset(
    {
        "BadDigest",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteBody",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        # The clock of this environment is wrong; that of another one, where the next attempt is made, is not.
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)

_NO_ANSWER = (
    exceptions.ConnectionError,
    exceptions.CredentialRetrievalError,
    exceptions.FlexibleChecksumError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
)


def is_transient(error: Exception) -> bool:
    """True if the same call may succeed later: no answer, throttling, a fault of the service."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return (
            status >= _HTTP_SERVER_ERROR or status == _HTTP_TOO_MANY_REQUESTS or error_code(error) in _PASSING
        )
    return isinstance(error, _NO_ANSWER)


def error_code(error: Exception) -> str:
    """The service's own name of an error, ``""`` if it never answered."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""
