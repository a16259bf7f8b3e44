"""What is deployed: functions, routes, queues, schedule. The gateway, the pollers and the functions take
all they know from one :class:`Deployment`; this module is the only place that says what is in it.
"""

import dataclasses
import json
import sys
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.certificates import Certificates
from local.credentials import Credentials
from local.home import Home
from local.parts import database, storage
from local.parts.broker import APP_USER
from local.paths import LAMBDAS, REPORT_TYPES
from local.ports import LOOPBACK, Ports

BUCKET = "prensa-results"
READ, WRITE = "reports/read", "reports/write"
_LANES = {"interactive": ["reports-interactive-0"], "bulk": ["reports-bulk-0"]}
#: What one event source mapping of Amazon MQ runs at once, at most.
_MAPPING_CONCURRENCY = 5


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function. ``concurrency`` bounds its environments on this machine."""

    name: str
    handler: str
    timeout_seconds: int
    memory_mb: int
    concurrency: int
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method of the REST API. ``scopes`` is ``None`` for a public one; any one of them is enough."""

    method: str
    path: str
    function: str
    scopes: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A queue whose messages a function gets, one at a time, ``concurrency`` at once."""

    queue: str
    function: str
    concurrency: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    function: str
    every_seconds: float


@dataclass(frozen=True, kw_only=True)
class Deployment:
    functions: tuple[Function, ...]
    routes: tuple[Route, ...]
    mappings: tuple[Mapping, ...]
    schedules: tuple[Schedule, ...]

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return value

    @classmethod
    def from_json(cls, value: Dict[str, Any]) -> Self:
        return cls(
            functions=tuple(Function(**item) for item in value["functions"]),
            routes=tuple(
                Route(**{**item, "scopes": None if item["scopes"] is None else tuple(item["scopes"])})
                for item in value["routes"]
            ),
            mappings=tuple(Mapping(**item) for item in value["mappings"]),
            schedules=tuple(Schedule(**item) for item in value["schedules"]),
        )


def secrets(credentials: Credentials) -> dict[str, str]:
    """The texts of Secrets Manager by name, as the stacks create them."""

    def login(username: str, password: str) -> str:
        return json.dumps({"username": username, "password": password})

    return {
        "prensa/database": login(database.APPLICATION_USER, credentials.database_password),
        "prensa/migrator": login(database.MIGRATOR_USER, credentials.migrator_password),
        "prensa/source": login(database.READER_USER, credentials.source_password),
        "prensa/broker": login(APP_USER, credentials.broker_app_password),
        "prensa/cache": login("default", credentials.cache_password),
        "prensa/link-key": credentials.link_private_key,
    }


def local_deployment(
    ports: Ports,
    credentials: Credentials,
    certificates: Certificates,
    *,
    relay_interval: float,
    overrides: Dict[str, str],
) -> Deployment:
    """The deployment of one platform; ``overrides`` are settings that replace the functions' own."""
    arn = storage.secret_arn
    ca = str(certificates.ca)
    tables = {
        "DATABASE_HOST": LOOPBACK,
        "DATABASE_PORT": str(ports.database),
        "DATABASE_NAME": database.DATABASE,
        "DATABASE_CA_FILE": ca,
        "DATABASE_SECRET_ARN": arn("prensa/database"),
    }
    source = {
        "SOURCE_HOST": LOOPBACK,
        "SOURCE_PORT": str(ports.database),
        "SOURCE_NAME": database.SAMPLE_SCHEMA,
        "SOURCE_CA_FILE": ca,
        "SOURCE_SECRET_ARN": arn("prensa/source"),
        "REPORT_TYPES_PATH": str(REPORT_TYPES),
    }
    broker = {
        "BROKER_ENDPOINTS": f"stomp+ssl://{LOOPBACK}:{ports.broker}",
        "BROKER_CA_FILE": ca,
        "BROKER_SECRET_ARN": arn("prensa/broker"),
        "LANE_QUEUES": json.dumps(_LANES),
    }
    cache = {
        "CACHE_ENDPOINT": f"{LOOPBACK}:{ports.cache}",
        "CACHE_TLS": "false",
        "CACHE_SECRET_ARN": arn("prensa/cache"),
    }
    results = {"RESULTS_BUCKET": BUCKET}
    links = {
        "LINK_BASE_URL": f"http://{LOOPBACK}:{ports.edge}",
        "LINK_KEY_PAIR_ID": credentials.link_key_pair_id,
        "LINK_PRIVATE_KEY_SECRET_ARN": arn("prensa/link-key"),
    }

    def function(
        name: str, *groups: Dict[str, str], timeout_seconds: int, memory_mb: int, concurrency: int
    ) -> Function:
        environment = {
            "POWERTOOLS_SERVICE_NAME": f"prensa-{name}",
            "POWERTOOLS_METRICS_NAMESPACE": "Prensa",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3": storage.endpoint(ports),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": storage.endpoint(ports),
        }
        for group in groups:
            environment |= group
        return Function(
            name=name,
            handler=f"{name}.handler.handler",
            timeout_seconds=timeout_seconds,
            memory_mb=memory_mb,
            concurrency=concurrency,
            environment=environment | dict(overrides),
        )

    lanes = [queue for queues in _LANES.values() for queue in queues]
    return Deployment(
        functions=(
            function(
                "api",
                *(tables, source, broker, cache, results, links),
                timeout_seconds=29,
                memory_mb=1024,
                concurrency=8,
            ),
            function(
                "worker",
                *(tables, source, broker, cache, results),
                timeout_seconds=840,
                memory_mb=1769,
                concurrency=_MAPPING_CONCURRENCY * len(lanes),
            ),
            function(
                "relay",
                *(tables, broker, cache, results),
                timeout_seconds=55,
                memory_mb=512,
                concurrency=2,
            ),
            function("dead_letters", tables, cache, timeout_seconds=60, memory_mb=512, concurrency=2),
            function(
                "migrator",
                {**tables, "DATABASE_SECRET_ARN": arn("prensa/migrator")},
                timeout_seconds=300,
                memory_mb=512,
                concurrency=1,
            ),
        ),
        routes=(
            Route(method="POST", path="/generate", function="api", scopes=(WRITE,)),
            Route(method="GET", path="/status/{report_id}", function="api", scopes=(READ,)),
            Route(method="GET", path="/reports/{report_id}/download", function="api", scopes=(READ,)),
            Route(method="GET", path="/report-types", function="api", scopes=(READ,)),
            Route(method="GET", path="/report-types/{name}", function="api", scopes=(READ,)),
            Route(method="GET", path="/openapi.json", function="api", scopes=None),
            Route(method="GET", path="/docs", function="api", scopes=None),
            Route(method="GET", path="/health", function="api", scopes=None),
        ),
        mappings=(
            *(Mapping(queue=q, function="worker", concurrency=_MAPPING_CONCURRENCY) for q in lanes),
            *(Mapping(queue=f"DLQ.{q}", function="dead_letters", concurrency=1) for q in lanes),
        ),
        schedules=(Schedule(function="relay", every_seconds=relay_interval),),
    )


def runtime_environment(function: Function, home: Home, credentials: Credentials) -> dict[str, str]:
    """What Lambda itself sets, beside the function's own variables; nothing of our own environment."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home.temporary),
        "TMPDIR": str(home.temporary),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": str(LAMBDAS),
        "LAMBDA_TASK_ROOT": str(LAMBDAS),
        "AWS_LAMBDA_FUNCTION_NAME": f"prensa-{function.name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_REGION": storage.REGION,
        "AWS_DEFAULT_REGION": storage.REGION,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        **function.environment,
    }
