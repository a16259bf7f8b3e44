"""The one logger, tracer and metrics of a function (Powertools).

Log lines are JSON and carry ids, never a payload or a secret. Powertools reads its own ``POWERTOOLS_*``
variables; nothing else is read here.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

from reporting.identifiers import trace_id

logger = Logger(utc=True)
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def log_report(*, report_id: str, tenant: str | None = None, traceparent: str | None = None) -> None:
    """Put a report's ids on every following log line of this invocation."""
    logger.append_keys(
        report_id=report_id, tenant=tenant, trace_id=trace_id(traceparent) if traceparent else None
    )


def count(name: str, value: float = 1) -> None:
    """Add to a counter metric."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def gauge(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Record how much of something there is now."""
    metrics.add_metric(name=name, unit=unit, value=value)


def duration(name: str, milliseconds: float) -> None:
    """Record how long something took."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
