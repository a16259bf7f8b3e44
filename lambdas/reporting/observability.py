"""The one logger, tracer and metrics of a function (Powertools).

Log lines are JSON and carry ids, never a payload or a secret. Powertools reads its own ``POWERTOOLS_*``
variables, and this module whether there is a daemon for traces; nothing else is read here.
"""

import os
from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from reporting.identifiers import trace_id


class Tracing(Protocol):
    """What is used of Powertools' tracer."""

    def capture_lambda_handler[F: Callable[..., Any]](
        self, *, capture_response: bool
    ) -> Callable[[F], F]: ...

    def capture_method[F: Callable[..., Any]](self, *, capture_response: bool) -> Callable[[F], F]: ...

    def put_annotation(self, key: str, value: str) -> None: ...


class _NoTracer:
    """Stands for the tracer where no daemon takes segments, and X-Ray's SDK would be loaded for nothing."""

    def capture_lambda_handler[F: Callable[..., Any]](self, *, capture_response: bool) -> Callable[[F], F]:
        del capture_response
        return lambda function: function

    def capture_method[F: Callable[..., Any]](self, *, capture_response: bool) -> Callable[[F], F]:
        del capture_response
        return lambda function: function

    def put_annotation(self, key: str, value: str) -> None:
        """There is no segment that could be annotated."""


def _tracer() -> Tracing:
    # Lambda says where its daemon is (AWS Lambda, "Defined runtime environment variables").
    if "AWS_XRAY_DAEMON_ADDRESS" not in os.environ:
        return _NoTracer()
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - a quarter of a cold start

    made: Tracing = Tracer(auto_patch=False)
    return made


logger = Logger(utc=True)
tracer = _tracer()
metrics = Metrics()


def log_report(*, report_id: str, tenant: str | None = None, traceparent: str | None = None) -> None:
    """Put a report's ids on every following log line of this invocation, on its trace and on its metrics.

    On metrics the id is a property and no dimension: it can be searched for and makes no metric of its own
    (CloudWatch embedded metric format).
    """
    logger.append_keys(
        report_id=report_id, tenant=tenant, trace_id=trace_id(traceparent) if traceparent else None
    )
    tracer.put_annotation(key="report_id", value=report_id)
    metrics.add_metadata(key="report_id", value=report_id)


def count(name: str, value: float = 1) -> None:
    """Add to a counter metric."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def gauge(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Record how much of something there is now."""
    metrics.add_metric(name=name, unit=unit, value=value)


def duration(name: str, milliseconds: float) -> None:
    """Record how long something took."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
